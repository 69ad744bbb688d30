import { once } from 'node:events';
import { describe, expect, test } from 'vitest';
import { reject } from '../../src/domain/answer.js';
import type { Answer } from '../../src/domain/answer.js';
import type { SpendCommand } from '../../src/domain/command.js';
import { BudgetService } from '../../src/gen/safeguards/v1/budget_service_pb.js';
import type { SpendStreamResponse } from '../../src/gen/safeguards/v1/budget_service_pb.js';
import { MetricsService } from '../../src/gen/safeguards/v1/metrics_service_pb.js';
import type { BudgetEvent, LedgerApi } from '../../src/ledger/api.js';
import { deferred } from './support/deferred.js';
import type { ExportedEntry } from '../../src/ledger/export.js';
import { fakeLedger } from './support/fake-ledger.js';
import { asAdmin, bidi, connect, drain, serverStream, unary } from './support/grpc.js';
import { LIMITS, serve } from './support/harness.js';
import { FULL, T0, agent as agentRow, amount, outcome, pool as poolRow } from './support/rows.js';

const { spendStream, watchBudgets, getBudget } = BudgetService.method;
const { exportLedger } = MetricsService.method;

const item = (at: number) => ({
  item: { requestId: `r-${at}`, agentId: 'agent-1', amount: String(at) },
});

/** A ledger whose spends wait until the test lets them go. */
function slowLedger() {
  const waiting: { readonly command: SpendCommand; readonly go: (answer?: Answer) => void }[] = [];
  const ledger = fakeLedger({
    execute: (command) => {
      const spend = command as SpendCommand;
      const answered = deferred<Answer>();
      waiting.push({
        command: spend,
        go: (answer = outcome({ amount: spend.amount })) => answered.resolve(answer),
      });
      return answered.promise;
    },
  });
  return { ledger, waiting };
}

const idOf = ({ result }: SpendStreamResponse): string => result?.requestId ?? '';

describe('SpendStream', () => {
  test('answers in the order of the items, whatever is done first', async () => {
    const { ledger, waiting } = slowLedger();
    const { agent } = await serve({ ledger });
    const stream = bidi(connect(agent), spendStream);
    const read = drain(stream);
    for (let at = 0; at < 5; at += 1) stream.write(item(at));
    await expect.poll(() => waiting.length).toBe(5);
    for (const { go } of [...waiting].reverse()) go();
    stream.end();
    const { messages, failure } = await read;
    expect(failure).toBeUndefined();
    expect(messages.map(idOf)).toEqual(['r-0', 'r-1', 'r-2', 'r-3', 'r-4']);
    expect(messages.map(({ result }) => result?.result.case)).toEqual(Array(5).fill('outcome'));
  });

  test('answers a malformed or rejected item in its place and goes on', async () => {
    const ledger = fakeLedger({
      execute: async (command) =>
        (command as SpendCommand).amount === amount('2')
          ? reject('AGENT_NOT_FOUND', 'No such agent exists', { agent_id: 'x' })
          : outcome(),
    });
    const { agent } = await serve({ ledger });
    const stream = bidi(connect(agent), spendStream);
    const read = drain(stream);
    stream.write({});
    stream.write({ item: { ...item(1).item, dryRun: true } });
    stream.write(item(2));
    stream.write(item(3));
    stream.end();
    const { messages, failure } = await read;
    expect(failure).toBeUndefined();
    expect(messages.map(({ result }) => result?.result.value)).toMatchObject([
      { code: 3, metadata: { item: 'Give the item' } },
      { code: 3, metadata: { fields: 'item.dry_run' } },
      { code: 5, reason: 11, metadata: { agent_id: 'x' } },
      { decision: 1 },
    ]);
  });

  test('is not read while its items wait for their answers', async () => {
    const { ledger, waiting } = slowLedger();
    const { agent } = await serve({ ledger });
    const client = connect(agent);
    const stream = bidi(client, spendStream);
    const read = drain(stream);
    const all = 100;
    for (let at = 0; at < all; at += 1) stream.write(item(at));
    stream.end();
    await expect.poll(() => waiting.length).toBe(LIMITS.streamItemsInWorkMax);
    // The connection is alive, and still no more is taken.
    for (let at = 0; at < 20; at += 1) await unary(client, getBudget, { agentId: 'agent-1' });
    expect(waiting.length).toBe(LIMITS.streamItemsInWorkMax);
    waiting[1]?.go();
    await unary(client, getBudget, { agentId: 'agent-1' });
    expect(waiting.length).toBe(LIMITS.streamItemsInWorkMax);
    waiting[0]?.go();
    await expect.poll(() => waiting.length).toBe(LIMITS.streamItemsInWorkMax + 2);
    for (let at = 2; at < all; at += 1) {
      await expect.poll(() => waiting.length).toBeGreaterThan(at);
      waiting[at]?.go();
    }
    const { messages } = await read;
    expect(messages.map(idOf)).toEqual(Array.from({ length: all }, (_, at) => `r-${at}`));
  });

  test('takes no more from a client that does not read its answers', async () => {
    const ledger = fakeLedger();
    const { agent } = await serve({ ledger, limits: { streamsMax: 1 } });
    // Another connection: an unread stream uses up what HTTP/2 lets flow on its own.
    const client = connect(agent);
    const stream = bidi(connect(agent), spendStream);
    // grpc-js holds the stream back only once it has been read from.
    stream.write(item(-1));
    await once(stream, 'data');
    stream.pause();
    const all = 20_000;
    for (let at = 0; at < all; at += 1) stream.write(item(at));
    stream.end();
    let before = -1;
    for (let same = 0; same < 30;) {
      await unary(client, getBudget, { agentId: 'agent-1' });
      same = ledger.commands.length === before && before > 0 ? same + 1 : 0;
      before = ledger.commands.length;
    }
    expect(before).toBeLessThan(all);
    const read = drain(stream);
    stream.resume();
    const { messages, failure } = await read;
    expect(failure).toBeUndefined();
    expect(messages.length).toBe(all);
    expect(idOf(messages.at(-1)!)).toBe(`r-${all - 1}`);
    // 20,000 messages take their time where others compute.
  }, 90_000);

  test('gives its place back when the client goes', async () => {
    const { ledger, waiting } = slowLedger();
    const { agent } = await serve({ ledger, limits: { streamsMax: 1 } });
    const client = connect(agent);
    const stream = bidi(client, spendStream);
    stream.on('error', () => undefined);
    stream.write(item(1));
    await expect.poll(() => waiting.length).toBe(1);
    stream.cancel();
    const again = async () => {
      const next = bidi(client, spendStream);
      next.end();
      return (await drain(next)).failure?.reason;
    };
    await expect.poll(again).toBeUndefined();
    waiting[0]?.go();
  });

  test('ends by a malformed message, after the answers before it', async () => {
    const { agent } = await serve();
    const client = connect(agent);
    const asIs = (bytes: Buffer): Buffer => bytes;
    const stream = client.makeBidiStreamRequest(
      '/safeguards.v1.BudgetService/SpendStream',
      asIs,
      asIs,
    );
    const read = drain(stream);
    stream.write(Buffer.alloc(0));
    stream.write(Buffer.from([0xff]));
    const { messages, failure } = await read;
    expect(messages.length).toBe(1);
    expect(failure).toMatchObject({ code: 'INVALID_ARGUMENT', reason: 'INVALID_REQUEST' });
  });

  test('ends by a fault with an id', async () => {
    const ledger = fakeLedger({ execute: () => Promise.reject(new Error('disk')) });
    const { agent, lines } = await serve({ ledger });
    const stream = bidi(connect(agent), spendStream);
    const read = drain(stream);
    stream.write(item(1));
    const { failure } = await read;
    expect(failure).toMatchObject({ code: 'INTERNAL', reason: 'INTERNAL' });
    expect(lines.at(-1)?.fields['errorId']).toBe(failure?.metadata['error_id']);
  });
});

const EVENTS: readonly BudgetEvent[] = [
  { kind: 'BUDGET', agent: agentRow(), pool: poolRow(), level: FULL },
  { kind: 'SNAPSHOT_COMPLETE', sequence: 12, agentCount: 1, time: T0 },
  { kind: 'LEFT', agentId: 'agent-1' },
];

/** Sends the events, then waits until the stream is over. */
function watching(events: readonly BudgetEvent[]): LedgerApi['watchBudgets'] {
  return async function* (_selection, _interval, signal) {
    yield* events;
    if (!signal.aborted) await once(signal, 'abort');
  } as LedgerApi['watchBudgets'];
}

describe('WatchBudgets', () => {
  test('sends the snapshot, then changes', async () => {
    const { agent } = await serve({ ledger: fakeLedger({ watchBudgets: watching(EVENTS) }) });
    const stream = serverStream(connect(agent), watchBudgets, { poolId: 'pool-1' });
    const cases: (string | undefined)[] = [];
    for await (const message of stream as AsyncIterable<{ event: { case?: string } }>) {
      cases.push(message.event.case);
      if (cases.length === 3) break;
    }
    expect(cases).toEqual(['budget', 'snapshotComplete', 'agentLeft']);
  });

  test('tells the ledger when the client is gone, and gives its place back', async () => {
    const asked = deferred<AbortSignal>();
    const ledger = fakeLedger({
      watchBudgets: (selection, interval, signal) => {
        asked.resolve(signal);
        return watching(EVENTS)(selection, interval, signal);
      },
    });
    const { agent } = await serve({ ledger, limits: { streamsMax: 1 } });
    const client = connect(agent);
    const first = serverStream(client, watchBudgets, { agentIds: ['agent-1'] });
    first.on('error', () => undefined);
    await once(first, 'data');
    const refused = await drain(serverStream(client, watchBudgets, { agentIds: ['agent-1'] }));
    expect(refused.failure).toMatchObject({
      code: 'RESOURCE_EXHAUSTED',
      reason: 'TOO_MANY_STREAMS',
      metadata: { streams_max: '1' },
      retryAfterMs: 1_000,
    });
    first.cancel();
    const signal = await asked.promise;
    await expect.poll(() => signal.aborted).toBe(true);
    const second = serverStream(client, watchBudgets, { agentIds: ['agent-1'] });
    await once(second, 'data');
    second.on('error', () => undefined);
    second.cancel();
  });

  test('is refused at once when the request or the ledger says so', async () => {
    const ledger = fakeLedger({
      watchBudgets: () => reject('POOL_NOT_FOUND', 'No such pool exists'),
    });
    const { agent } = await serve({ ledger });
    const client = connect(agent);
    expect((await drain(serverStream(client, watchBudgets, {}))).failure?.fields).toEqual([
      'agent_ids',
    ]);
    const missing = await drain(serverStream(client, watchBudgets, { poolId: 'x' }));
    expect(missing.failure?.reason).toBe('POOL_NOT_FOUND');
  });

  test('pauses its source while the client does not read', async () => {
    let made = 0;
    const big = { ...agentRow(), id: 'x'.repeat(128) };
    const ledger = fakeLedger({
      watchBudgets: async function* (_selection: unknown, _interval: unknown, signal: AbortSignal) {
        for (; !signal.aborted && made < 50_000; made += 1) {
          yield { kind: 'BUDGET', agent: big, pool: poolRow(), level: FULL } as const;
        }
      } as LedgerApi['watchBudgets'],
    });
    const { agent } = await serve({ ledger });
    const client = connect(agent);
    const stream = serverStream(connect(agent), watchBudgets, { poolId: 'pool-1' });
    stream.on('error', () => undefined);
    await once(stream, 'data');
    stream.pause();
    let before = -1;
    for (let same = 0; same < 30;) {
      await unary(client, getBudget, { agentId: 'agent-1' });
      same = made === before && made > 0 ? same + 1 : 0;
      before = made;
    }
    expect(before).toBeLessThan(50_000);
    stream.cancel();
  });

  test('ends by a fault of its source with an id', async () => {
    const ledger = fakeLedger({
      // eslint-disable-next-line require-yield -- it fails before it has anything
      watchBudgets: async function* () {
        throw new Error('disk');
      } as LedgerApi['watchBudgets'],
    });
    const { agent, lines } = await serve({ ledger });
    const { failure } = await drain(
      serverStream(connect(agent), watchBudgets, { poolId: 'pool-1' }),
    );
    expect(failure?.code).toBe('INTERNAL');
    expect(lines.at(-1)?.fields['cause']).toContain('disk');
  });
});

test('ExportLedger sends every entry with its exact bytes, then ends', async () => {
  const record = new Uint8Array([1, 2, 3]);
  const ledger = fakeLedger({
    async *exportEntries(after, through) {
      for (let sequence = after + 1; sequence <= through; sequence += 1) {
        const exported: ExportedEntry = {
          view: {
            entry: {
              sequence,
              time: T0,
              kind: 'TRANSFER',
              previousHash: new Uint8Array(32),
              accounts: [
                {
                  kind: 'AGENT',
                  uid: 7,
                  previousSequence: 0,
                  postings: [{ field: 'allocated', delta: amount('-5'), after: amount('95') }],
                  remaining: amount('95'),
                },
                { kind: 'POOL', uid: 1, previousSequence: 0, postings: [], remaining: undefined },
              ],
              amount: amount('5'),
              changes: [{ field: 'name', before: 'a', after: 'b' }],
              requestId: 'r',
              method: 'TRANSFER',
              principal: 'admin',
              reason: 'why',
              reservationId: '',
              refundedSequence: 0,
              category: '',
              quantities: [],
              runId: '',
              traceId: '',
              metadata: [],
            },
            ids: new Map([
              ['AGENT 7', 'agent-1'],
              ['POOL 1', 'pool-1'],
            ]),
          },
          record,
          hash: new Uint8Array(32).fill(sequence),
        };
        yield { kind: 'ENTRY', exported } as const;
      }
    },
  });
  const { admin } = await serve({ ledger });
  const { messages, failure } = await drain(
    serverStream(
      connect(admin),
      exportLedger,
      { afterSequence: 2n, throughSequence: 4n },
      asAdmin(),
    ),
  );
  expect(failure).toBeUndefined();
  expect(messages.map(({ entry }) => entry?.sequence)).toEqual([3n, 4n]);
  expect([...(messages[0]?.hash ?? [])]).toEqual(Array(32).fill(3));
  expect(messages[0]).toMatchObject({
    entry: {
      kind: 18,
      agentId: 'agent-1',
      poolId: 'pool-1',
      amount: '5',
      postings: [
        {
          accountKind: 2,
          accountId: 'agent-1',
          accountUid: '7',
          field: 1,
          delta: '-5',
          after: '95',
        },
      ],
      changes: [{ field: 'name', before: 'a', after: 'b' }],
    },
  });
  expect([...(messages[0]?.record ?? [])]).toEqual([1, 2, 3]);
});
