/** Bytes that are no message of the method's, over HTTP/1.1: refused as over gRPC. */
import { create, toBinary } from '@bufbuild/protobuf';
import { describe, expect, test } from 'vitest';
import { SpendRequestSchema } from '../../src/gen/safeguards/v1/budget_service_pb.js';
import { fakeLedger } from './support/fake-ledger.js';
import { serve } from './support/harness.js';
import { envelope, post } from './support/http.js';

const SPEND = '/safeguards.v1.BudgetService/Spend';
const WATCH = '/safeguards.v1.BudgetService/WatchBudgets';
const REQUEST = { requestId: 'r-1', agentId: 'agent-1', amount: '10' };

describe.each([
  ['cut short', '0aff'],
  ['a field that is no UTF-8', '0a01ff'],
  ['a number without end', 'ffffffffffffffffffff01'],
])('bytes that are no message, %s', (_name, hex) => {
  const bytes = Buffer.from(hex, 'hex');
  const reason = { reason: 'INVALID_REQUEST', domain: 'safeguards.dev' };

  test('says so in Connect', async () => {
    const { agent, lines } = await serve();
    const { status, json, body } = await post(agent, SPEND, bytes, {
      'content-type': 'application/proto',
    });
    expect(status).toBe(400);
    expect(json).toMatchObject({ code: 'invalid_argument', details: [{ debug: reason }] });
    expect(body.toString()).not.toContain('parse binary');
    expect(lines.filter(({ level }) => level === 'error')).toEqual([]);
  });

  test('says so at the end of a stream of Connect', async () => {
    const { agent } = await serve();
    const { body } = await post(agent, WATCH, envelope(bytes), {
      'content-type': 'application/connect+proto',
    });
    expect(body[0]).toBe(2);
    const { error } = JSON.parse(body.subarray(5).toString()) as { error: unknown };
    expect(error).toMatchObject({ code: 'invalid_argument', details: [{ debug: reason }] });
  });

  test.each([SPEND, WATCH])('says so in the trailers of gRPC-Web: %s', async (method) => {
    const { agent } = await serve();
    const { body } = await post(agent, method, envelope(bytes), {
      'content-type': 'application/grpc-web+proto',
    });
    expect(body[0]).toBe(0x80);
    const trailers = decodeURIComponent(body.subarray(5).toString());
    expect(trailers).toMatch(/^grpc-status: 3\r$/m);
    expect(trailers).toMatch(/^grpc-message: The message is not what the method takes\r$/im);
    const details = /^grpc-status-details-bin: (.*)\r$/m.exec(trailers)?.[1] ?? '';
    expect(Buffer.from(details, 'base64').toString('latin1')).toContain('INVALID_REQUEST');
  });
});

describe('a whole binary spend', () => {
  const request = create(SpendRequestSchema, { ...REQUEST, metadata: { team: 'LETTERS' } });
  const bytes = Buffer.from(toBinary(SpendRequestSchema, request));
  const garbled = Buffer.from(bytes);
  garbled.set([0xc3, 0x28], garbled.indexOf('LETTERS'));

  test('with an unknown field spends', async () => {
    const ledger = fakeLedger();
    const { agent } = await serve({ ledger });
    // The field 2047, of one byte.
    const unknown = Buffer.concat([bytes, Buffer.from([0xfa, 0x7f, 1, 0])]);
    const type = { 'content-type': 'application/proto' };
    expect((await post(agent, SPEND, unknown, type)).status).toBe(200);
    expect(ledger.commands).toMatchObject([{ requestId: REQUEST.requestId }]);
  });

  test('with invalid UTF-8 is malformed, and is not the sidecar’s fault', async () => {
    const ledger = fakeLedger();
    const { agent } = await serve({ ledger });
    const type = { 'content-type': 'application/proto' };
    expect(await post(agent, SPEND, garbled, type)).toMatchObject({
      status: 400,
      json: { code: 'invalid_argument', details: [{ debug: { reason: 'INVALID_REQUEST' } }] },
    });
    expect(ledger.commands).toEqual([]);
  });
});
