/** Streams of gRPC whose client ends within a message, as no client library would. */
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { status } from '@grpc/grpc-js';
import { once } from 'node:events';
import { connect, type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http2';
import { describe, expect, onTestFinished, test } from 'vitest';
import {
  SpendStreamRequestSchema,
  SpendStreamResponseSchema,
  WatchBudgetsRequestSchema,
} from '../../src/gen/safeguards/v1/budget_service_pb.js';
import type { LedgerApi } from '../../src/ledger/api.js';
import { message } from '../support/http2-frames.js';
import { deferred } from './support/deferred.js';
import { fakeLedger } from './support/fake-ledger.js';
import { serve } from './support/harness.js';
import { outcome } from './support/rows.js';

const SPEND_STREAM = '/safeguards.v1.BudgetService/SpendStream';
const WATCH_BUDGETS = '/safeguards.v1.BudgetService/WatchBudgets';
const WATCH_VIOLATIONS = '/safeguards.v1.ViolationService/WatchViolations';

const item = { requestId: 'r-1', agentId: 'agent-1', amount: '1' };
const SPENT = message(
  Buffer.from(toBinary(SpendStreamRequestSchema, create(SpendStreamRequestSchema, { item }))),
);
const WATCHED = message(
  Buffer.from(
    toBinary(WatchBudgetsRequestSchema, create(WatchBudgetsRequestSchema, { poolId: 'pool-1' })),
  ),
);

/** Sends bytes as the whole of a call. */
function send(address: string, path: string, bytes: Buffer, more: OutgoingHttpHeaders = {}) {
  const session = connect(`http://${address}`);
  onTestFinished(() => session.destroy());
  const headers = { ':method': 'POST', ':path': path, te: 'trailers', ...more };
  const stream = session.request({ ...headers, 'content-type': 'application/grpc' });
  stream.end(bytes);
  return stream;
}

describe('a SpendStream', () => {
  test.each([
    ['its message', SPENT.subarray(0, 9)],
    ['its prefix', SPENT.subarray(0, 2)],
  ])('that is cut in %s is told so, after the answers before it', async (_where, rest) => {
    const go = deferred();
    const ledger = fakeLedger({ execute: () => go.promise.then(() => outcome()) });
    const { agent } = await serve({ ledger });
    const stream = send(agent, SPEND_STREAM, Buffer.concat([SPENT, rest]));
    const [read, told] = [once(stream, 'data'), once(stream, 'trailers')];
    go.resolve();
    const [bytes] = (await read) as [Buffer];
    const { result } = fromBinary(SpendStreamResponseSchema, bytes.subarray(5));
    expect(result).toMatchObject({ requestId: 'r-1', result: { case: 'outcome' } });
    const [trailers] = (await told) as [IncomingHttpHeaders];
    expect(Number(trailers['grpc-status'])).toBe(status.INVALID_ARGUMENT);
  });

  test.each([
    ['cut in its first message', SPENT.subarray(0, 9), status.INVALID_ARGUMENT],
    ['cut in its first prefix', SPENT.subarray(0, 2), status.INVALID_ARGUMENT],
    ['of nothing', Buffer.alloc(0), status.OK],
  ])('%s spends nothing', async (_what, bytes, code) => {
    const ledger = fakeLedger();
    const { agent } = await serve({ ledger });
    const [answer] = (await once(send(agent, SPEND_STREAM, bytes), 'response')) as [
      IncomingHttpHeaders,
    ];
    expect(Number(answer['grpc-status'])).toBe(code);
    expect(ledger.commands).toEqual([]);
  });
});

describe.each([WATCH_BUDGETS, WATCH_VIOLATIONS])('%s', (path) => {
  test.each([
    ['cut in its message', WATCHED.subarray(0, 9)],
    ['cut in its prefix', WATCHED.subarray(0, 2)],
    ['of nothing', Buffer.alloc(0)],
  ])('%s watches nothing', async (_what, bytes) => {
    let asked = 0;
    const watch = () => {
      asked += 1;
      throw new Error('asked');
    };
    const ledger = fakeLedger({ watchBudgets: watch, watchViolations: watch });
    const { agent } = await serve({ ledger });
    const [answer] = (await once(send(agent, path, bytes), 'response')) as [IncomingHttpHeaders];
    expect(Number(answer['grpc-status'])).toBe(status.UNIMPLEMENTED);
    expect(asked).toBe(0);
  });
});

test('a WatchBudgets ends by its deadline, after what it sent, and gives its place back', async () => {
  const ended: boolean[] = [];
  const watchBudgets: LedgerApi['watchBudgets'] = async function* (_selection, _interval, signal) {
    yield { kind: 'LEFT', agentId: 'agent-1' };
    if (!signal.aborted) await once(signal, 'abort');
    ended.push(signal.aborted);
  };
  const { agent } = await serve({
    ledger: fakeLedger({ watchBudgets }),
    limits: { streamsMax: 1 },
  });
  const deadline = { 'grpc-timeout': '200m' };
  for (let watcher = 0; watcher < 2; watcher += 1) {
    const stream = send(agent, WATCH_BUDGETS, WATCHED, deadline);
    const [read, told] = [once(stream, 'data'), once(stream, 'trailers')];
    expect(((await read) as [Buffer])[0].length).toBeGreaterThan(5);
    const [trailers] = (await told) as [IncomingHttpHeaders];
    expect(Number(trailers['grpc-status'])).toBe(status.DEADLINE_EXCEEDED);
    await expect.poll(() => ended.length).toBe(watcher + 1);
  }
});
