/** gRPC-Web as a page in a browser speaks it: fetch, and frames made by hand. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startSidecar, type TestSidecar } from '../support/sidecar.js';

let sidecar: TestSidecar;
beforeAll(async () => {
  sidecar = await startSidecar();
  const made = await fetch(`http://${sidecar.admin}/safeguards.v1.BudgetAdminService/CreateAgent`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${sidecar.token}` },
    body: JSON.stringify({ agent_id: 'page', name: 'Page', initial_budget: '10' }),
  });
  expect(made.status).toBe(200);
});
afterAll(async () => {
  expect(await sidecar.stop()).toBe(0);
});

/** A string field of a message, as protobuf writes it. */
function field(number: number, value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([Buffer.from([(number << 3) | 2, bytes.length]), bytes]);
}

/** A Spend: request_id, agent_id, amount. */
const spend = (requestId: string, agentId: string, amount: string) =>
  Buffer.concat([field(1, requestId), field(2, agentId), field(3, amount)]);

function framed(message: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

/** The frames of a body: one byte of flags, four of length, then the payload. */
function frames(body: Buffer): readonly (readonly [flags: number, payload: Buffer])[] {
  if (body.length === 0) return [];
  const end = 5 + body.readUInt32BE(1);
  return [[body.readUInt8(0), body.subarray(5, end)], ...frames(body.subarray(end))];
}

interface WebAnswer {
  readonly type: string | null;
  readonly messages: readonly Buffer[];
  /** Of the last frame, or of the head when there is no body. */
  readonly trailers: ReadonlyMap<string, string>;
}

async function call(
  method: string,
  message: Buffer,
  type = 'application/grpc-web+proto',
): Promise<WebAnswer> {
  const isText = type.startsWith('application/grpc-web-text');
  const bytes = framed(message);
  const response = await fetch(`http://${sidecar.agent}/${method}`, {
    method: 'POST',
    headers: { 'content-type': type, 'x-grpc-web': '1' },
    body: isText ? bytes.toString('base64') : new Uint8Array(bytes),
  });
  const body = Buffer.from(await response.arrayBuffer());
  const all = frames(isText ? Buffer.from(body.toString(), 'base64') : body);
  const last = all.find(([flags]) => (flags & 0x80) !== 0)?.[1].toString() ?? '';
  const lines = last.split('\r\n').filter((line) => line !== '');
  const own = lines.map((line) => line.split(/: ?(.*)/s, 2) as [string, string]);
  return {
    type: response.headers.get('content-type'),
    messages: all.filter(([flags]) => flags === 0).map(([, payload]) => payload),
    trailers: new Map(own.length > 0 ? own : response.headers),
  };
}

const SPEND = 'safeguards.v1.BudgetService/Spend';

describe('gRPC-Web by hand', () => {
  test('spends: one message, then the trailers as a frame', async () => {
    const { type, messages, trailers } = await call(SPEND, spend('w-1', 'page', '2.5'));
    expect(type).toBe('application/grpc-web+proto');
    expect(messages).toHaveLength(1);
    // decision (10) is APPROVED (1), granted_amount (11) is 2.5.
    expect(messages[0]?.includes(Buffer.from([10 << 3, 1]))).toBe(true);
    expect(messages[0]?.includes(field(11, '2.5'))).toBe(true);
    expect(trailers.get('grpc-status')).toBe('0');
  });

  test('is denied with an answer, not an error', async () => {
    const { messages, trailers } = await call(SPEND, spend('w-2', 'page', '8'));
    expect(messages[0]?.includes(Buffer.from([10 << 3, 2]))).toBe(true);
    expect(messages[0]?.toString('latin1')).toContain('asked for 8 USD and has 7.5 available');
    expect(trailers.get('grpc-status')).toBe('0');
  });

  test('gets errors with their details', async () => {
    const { messages, trailers } = await call(SPEND, spend('w-3', 'nobody', '1'));
    expect(messages).toEqual([]);
    expect(trailers.get('grpc-status')).toBe('5');
    const details = Buffer.from(trailers.get('grpc-status-details-bin') ?? '', 'base64');
    expect(details.toString('latin1')).toContain('AGENT_NOT_FOUND');
  });

  test('does not reach the admin service', async () => {
    const { trailers } = await call('safeguards.v1.BudgetAdminService/ListPools', Buffer.alloc(0));
    expect(trailers.get('grpc-status')).toBe('12');
  });
});
