import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { once } from 'node:events';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { reject } from '../../src/domain/answer.js';
import {
  BudgetService,
  SpendRequestSchema,
  SpendResponseSchema,
} from '../../src/gen/safeguards/v1/budget_service_pb.js';
import type { LedgerApi } from '../../src/ledger/api.js';
import { deferred } from './support/deferred.js';
import { fakeLedger } from './support/fake-ledger.js';
import { connect, unary } from './support/grpc.js';
import { LIMITS, TOKEN, serve } from './support/harness.js';
import { envelope, post, talk } from './support/http.js';
import { FULL, agent as agentRow, pool as poolRow } from './support/rows.js';

const SPEND = '/safeguards.v1.BudgetService/Spend';
const WATCH = '/safeguards.v1.BudgetService/WatchBudgets';
const INFO = '/safeguards.v1.BudgetAdminService/GetServerInfo';

const REQUEST = { requestId: 'r-1', agentId: 'agent-1', amount: '10' };
const OPERATOR = { authorization: `Bearer ${TOKEN}` };

interface JsonError {
  readonly code: string;
  readonly message: string;
  readonly details?: readonly { readonly type: string; readonly debug: unknown }[];
}

describe('JSON over HTTP/1.1', () => {
  test('spends, with the names of the proto or of JSON', async () => {
    const ledger = fakeLedger();
    const { agent } = await serve({ ledger });
    const response = await fetch(`http://${agent}${SPEND}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ request_id: 'r-1', agent_id: 'agent-1', amount: '10' }),
    });
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({
      sequence: '12',
      decision: 'DECISION_APPROVED',
      grantedAmount: '10',
      budget: { available: '64.5' },
    });
    await post(agent, SPEND, REQUEST);
    expect(ledger.commands[1]).toEqual(ledger.commands[0]);
  });

  test('carries the same errors as gRPC', async () => {
    const { agent } = await serve();
    const { status, json } = await post(agent, SPEND, { ...REQUEST, amount: '1e3' });
    expect(status).toBe(400);
    const { code, details } = json as JsonError;
    expect(code).toBe('invalid_argument');
    expect(details?.map(({ type, debug }) => [type, debug])).toMatchObject([
      ['google.rpc.ErrorInfo', { reason: 'INVALID_REQUEST', domain: 'safeguards.dev' }],
      ['google.rpc.BadRequest', { fieldViolations: [{ field: 'amount' }] }],
    ]);
  });

  test.each([
    ['AGENT_NOT_FOUND', 404, 'not_found'],
    ['REVISION_STALE', 409, 'aborted'],
    ['SERVER_BUSY', 429, 'resource_exhausted'],
    ['SHUTTING_DOWN', 503, 'unavailable'],
    ['NOT_PERMITTED', 403, 'permission_denied'],
  ] as const)('says %s with status %i', async (reason, status, code) => {
    const ledger = fakeLedger({ execute: async () => reject(reason, 'No') });
    const { agent } = await serve({ ledger });
    expect(await post(agent, SPEND, REQUEST)).toMatchObject({ status, json: { code } });
  });

  test('tells of a fault no more than an id', async () => {
    const ledger = fakeLedger({ execute: () => Promise.reject(new Error('disk secret')) });
    const { agent, lines } = await serve({ ledger });
    const { status, body } = await post(agent, SPEND, REQUEST);
    expect(status).toBe(500);
    expect(body.toString()).not.toContain('secret');
    expect(lines.at(-1)?.fields['cause']).toContain('disk secret');
  });

  test.each([
    ['an amount that is a number', { ...REQUEST, amount: 4711 }, 'amount'],
    ['an unknown value of an enum', { ...REQUEST, mode: 'SPEND_MODE_4711' }, '', 'v1.SpendMode'],
    ['a map with a number in it', { ...REQUEST, metadata: { a: 4711 } }, 'metadata'],
    ['a misspelt field', { ...REQUEST, dry_runn: 4711 }, 'dry_runn'],
    ['a field of a long name', { ...REQUEST, ['x'.repeat(9_000)]: 4711 }, 'x'.repeat(128)],
    ['no object', [4711], '', 'v1.SpendRequest'],
    ['broken JSON', Buffer.from('{"amount":4711'), '', 'v1.SpendRequest'],
    ['nothing', Buffer.alloc(0), '', 'v1.SpendRequest'],
  ])('names what it cannot parse, and no value: %s', async (_name, body, field, type = '') => {
    const { agent } = await serve();
    const { status, json, headers } = await post(agent, SPEND, body);
    expect(status).toBe(400);
    expect(json).toMatchObject({
      code: 'invalid_argument',
      details: [
        {
          debug: {
            reason: 'INVALID_REQUEST',
            domain: 'safeguards.dev',
            metadata: { fields: field },
          },
        },
        { debug: { fieldViolations: [field === '' ? {} : { field }] } },
      ],
    });
    expect(JSON.stringify(json)).toContain(type);
    expect(JSON.stringify(json)).not.toContain('4711');
    expect(headers['content-encoding']).toBeUndefined();
  });

  test.each([
    ['no content type', ''],
    ['that of a form', 'application/x-www-form-urlencoded'],
  ])('names the content type that it wants where there is %s', async (_name, type) => {
    const { agent } = await serve();
    const head = `POST ${SPEND} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n`;
    const line = type === '' ? '' : `content-type: ${type}\r\n`;
    const heard = await talk(agent, `${head}${line}content-length: 2\r\n\r\n{}`);
    expect(heard).toMatch(/^HTTP\/1\.1 415 .*content-type: application\/json\r\n/is);
    expect(heard).toContain('INVALID_REQUEST');
    expect(heard).toContain('Send the header content-type: application/json');
  });

  test('refuses what is no JSON, too large, or grows too large', async () => {
    const { agent } = await serve();
    expect((await post(agent, SPEND, Buffer.from('{'))).status).toBe(400);
    const large = { ...REQUEST, category: 'x'.repeat(LIMITS.messageBytesMax) };
    expect((await post(agent, SPEND, large)).json).toMatchObject({ code: 'resource_exhausted' });
    const bomb = gzipSync(JSON.stringify({ ...REQUEST, category: 'x'.repeat(5_000_000) }));
    expect((await post(agent, SPEND, bomb, { 'content-encoding': 'gzip' })).json).toMatchObject({
      code: 'resource_exhausted',
    });
  });

  test('passes on the trace and that the client has gone', async () => {
    const asked = deferred<() => boolean>();
    const ledger = fakeLedger({
      execute: (_command, caller) => {
        asked.resolve(() => caller.abandoned?.() ?? false);
        return new Promise(() => undefined);
      },
    });
    const { agent } = await serve({ ledger });
    const leaving = new AbortController();
    const answer = fetch(`http://${agent}${SPEND}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(REQUEST),
      signal: leaving.signal,
    }).catch(() => undefined);
    const abandoned = await asked.promise;
    expect(abandoned()).toBe(false);
    leaving.abort();
    await answer;
    await expect.poll(abandoned).toBe(true);
  });

  test('keeps a connection for the next request', async () => {
    const { agent } = await serve();
    const body = JSON.stringify(REQUEST);
    const head = `POST ${SPEND} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n`;
    const request = `${head}content-length: ${body.length}\r\n\r\n${body}`;
    const last = `${head}connection: close\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
    const heard = await talk(agent, request, request, last);
    expect(heard.match(/HTTP\/1\.1 200/g)).toHaveLength(3);
  });
});

test('Connect takes binary messages', async () => {
  const { agent } = await serve();
  const bytes = toBinary(SpendRequestSchema, create(SpendRequestSchema, REQUEST));
  const { status, body } = await post(agent, SPEND, bytes, { 'content-type': 'application/proto' });
  expect(status).toBe(200);
  expect(fromBinary(SpendResponseSchema, body).grantedAmount).toBe('10');
});

test('gRPC-Web spends, and is told errors in its trailers', async () => {
  const ledger = fakeLedger();
  const { agent, admin } = await serve({ ledger });
  const type = { 'content-type': 'application/grpc-web+proto' };
  const bytes = envelope(toBinary(SpendRequestSchema, create(SpendRequestSchema, REQUEST)));
  const { body } = await post(agent, SPEND, bytes, type);
  const length = body.readUInt32BE(1);
  const response = fromBinary(SpendResponseSchema, body.subarray(5, 5 + length));
  expect(response.grantedAmount).toBe('10');
  expect(body.subarray(5 + length + 5).toString()).toContain('grpc-status: 0');

  const refused = await post(admin, SPEND, bytes, type);
  expect(refused).toMatchObject({
    status: 200,
    headers: {
      'grpc-status': '16',
      'grpc-message': expect.stringContaining('Credentials') as string,
    },
  });
  expect(refused.headers['grpc-status-details-bin']).toBeTypeOf('string');
  expect(ledger.commands).toHaveLength(1);
});

describe('streams over HTTP/1.1', () => {
  const events: LedgerApi['watchBudgets'] = async function* (
    _selection: unknown,
    _interval: unknown,
    signal: AbortSignal,
  ) {
    yield { kind: 'BUDGET', agent: agentRow(), pool: poolRow(), level: FULL } as const;
    if (!signal.aborted) await once(signal, 'abort');
  } as LedgerApi['watchBudgets'];

  const STREAM = { 'content-type': 'application/connect+json' };

  test('send what they have at once, and give their place back when the client goes', async () => {
    const { agent } = await serve({
      ledger: fakeLedger({ watchBudgets: events }),
      limits: { streamsMax: 1 },
    });
    const watch = (signal?: AbortSignal) =>
      fetch(`http://${agent}${WATCH}`, {
        method: 'POST',
        headers: STREAM,
        body: envelope(Buffer.from('{"poolId":"pool-1"}')),
        ...(signal && { signal }),
      });
    const leaving = new AbortController();
    const first = await watch(leaving.signal);
    const reader = first.body!.getReader();
    const chunk = (await reader.read()) as { readonly value: Uint8Array };
    expect(Buffer.from(chunk.value).toString()).toContain('"agentId":"agent-1"');
    const refused = await watch();
    expect(await refused.text()).toContain('TOO_MANY_STREAMS');
    leaving.abort();
    await expect
      .poll(async () => {
        const again = new AbortController();
        const response = await watch(again.signal);
        const next = (await response.body!.getReader().read()) as { readonly value: Uint8Array };
        again.abort();
        return Buffer.from(next.value).toString();
      })
      .toContain('agent-1');
  });

  test('end with the ledger’s rejection or fault', async () => {
    const watch = async (watchBudgets: LedgerApi['watchBudgets']) => {
      const { agent } = await serve({ ledger: fakeLedger({ watchBudgets }) });
      const { body } = await post(
        agent,
        WATCH,
        envelope(Buffer.from('{"poolId":"pool-1"}')),
        STREAM,
      );
      return JSON.parse(body.subarray(5).toString()) as { readonly error: JsonError };
    };
    const rejected = await watch(() => reject('POOL_NOT_FOUND', 'No such pool exists'));
    expect(rejected.error.code).toBe('not_found');
    const failed = await watch(() => {
      throw new Error('secret');
    });
    expect(failed.error.code).toBe('internal');
    expect(JSON.stringify(failed)).not.toContain('secret');
  });

  test('in both directions are left to gRPC', async () => {
    const { agent } = await serve();
    const path = '/safeguards.v1.BudgetService/SpendStream';
    const { json } = await post(agent, path, {});
    expect(json).toMatchObject({ code: 'unimplemented' });
    const streamed = await post(agent, path, envelope(Buffer.from('{}')), STREAM);
    expect(streamed.body.subarray(5).toString()).toContain('"unimplemented"');
  });
});

describe('the admin listener over HTTP/1.1', () => {
  test('asks for the token before it reads the request', async () => {
    const { admin } = await serve();
    const { status, json, headers } = await post(admin, INFO, Buffer.from('{'));
    expect(status).toBe(401);
    expect(headers['www-authenticate']).toBe('Bearer');
    expect((json as JsonError).details?.[0]?.debug).toMatchObject({
      reason: 'CREDENTIALS_MISSING',
    });
    const wrong = await post(admin, INFO, {}, { authorization: 'Bearer wrong' });
    expect((wrong.json as JsonError).details?.[0]?.debug).toMatchObject({
      reason: 'CREDENTIALS_INVALID',
    });
    expect((await post(admin, INFO, {}, OPERATOR)).json).toMatchObject({ version: '1.2.3' });
  });

  test('tells its health to everybody', async () => {
    const { admin } = await serve();
    expect((await post(admin, '/grpc.health.v1.Health/Check', {})).json).toEqual({
      status: 'SERVING',
    });
  });
});

describe('the name in Host', () => {
  test.each([
    'localhost',
    'localhost:7450',
    'LOCALHOST',
    'localhost.',
    'agent.localhost',
    '127.0.0.1:7450',
    '10.1.2.3',
    '[::1]:7450',
    'budget.example.com:443',
    'Budget.Example.Com',
  ])('%s is served', async (host) => {
    const { agent } = await serve();
    expect((await post(agent, SPEND, REQUEST, { host })).status).toBe(200);
  });

  test.each([
    'evil.example.com',
    'budget.example.com.evil.com',
    'localhost.evil.com',
    '127.0.0.1.evil.com',
    '%2Ftmp%2Fa.sock',
    'a b',
    'localhost:port',
    '[::1',
  ])('"%s" is refused', async (host) => {
    const ledger = fakeLedger();
    const { agent } = await serve({ ledger });
    const { status, json } = await post(agent, SPEND, REQUEST, { host });
    expect(status).toBe(403);
    expect((json as JsonError).details?.[0]?.debug).toMatchObject({ reason: 'NOT_PERMITTED' });
    expect(ledger.commands).toEqual([]);
  });

  test('does not matter to gRPC, which no browser speaks', async () => {
    const { agent } = await serve();
    const client = connect(agent, { 'grpc.default_authority': '%2Ftmp%2Fa.sock' });
    await expect(unary(client, BudgetService.method.spend, REQUEST)).resolves.toMatchObject({
      grantedAmount: '10',
    });
  });
});
