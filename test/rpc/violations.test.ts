/** ViolationService over the wire, with a real ledger behind it. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { createClient } from '@connectrpc/connect';
import { createConnectTransport, createGrpcWebTransport } from '@connectrpc/connect-node';
import type { ClientReadableStream } from '@grpc/grpc-js';
import { beforeEach, describe, expect, test } from 'vitest';
import { BudgetService } from '../../src/gen/safeguards/v1/budget_service_pb.js';
import { Severity } from '../../src/gen/safeguards/v1/severity_pb.js';
import { ViolationType } from '../../src/gen/safeguards/v1/violation_pb.js';
import {
  ViolationService,
  type WatchViolationsResponse,
} from '../../src/gen/safeguards/v1/violation_service_pb.js';
import type { LedgerApi } from '../../src/ledger/api.js';
import * as order from '../fakes/commands.js';
import { SECOND } from '../fakes/manual-time.js';
import { MemoryLedger, STORE_ID } from '../fakes/memory-ledger.js';
import { report } from '../fakes/violations.js';
import { asAdmin, connect, drain, failing, serverStream, unary } from './support/grpc.js';
import { serve } from './support/harness.js';

const service = ViolationService.method;

/** A number that no enum has: clients may send any. */
const UNKNOWN = 99 as never;

let memory: MemoryLedger;
beforeEach(async () => {
  memory = await MemoryLedger.open();
  await memory.must(order.createPool('p', '1000000'));
  for (const id of ['a', 'b']) await memory.must(order.createAgent(id, 'p', '100000'));
});

async function reports(count: number, message = 'something happened'): Promise<void> {
  for (let at = 0; at < count; at += 1) {
    memory.time.pass(SECOND);
    await memory.must(report('a', { message }));
  }
}

function upTo(count: number, first = 1): readonly number[] {
  return Array.from({ length: count }, (_, at) => first + at);
}

function sequenceOf({ message }: WatchViolationsResponse): number | undefined {
  return message.case === 'event' ? Number(message.value.sequence) : undefined;
}

/** What a stream brings, as it comes. */
function heard(stream: ClientReadableStream<WatchViolationsResponse>) {
  const events: number[] = [];
  const bookmarks: string[] = [];
  stream.on('data', (response: WatchViolationsResponse) => {
    const sequence = sequenceOf(response);
    if (sequence !== undefined) events.push(sequence);
    else if (response.message.case === 'bookmark') {
      const { value } = response.message;
      bookmarks.push(`${value.sequence}${value.live ? ' live' : ''}`);
    }
  });
  stream.on('error', () => undefined);
  return { events, bookmarks };
}

describe('a violation', () => {
  test('is reported, read, listed, escalated, resolved and counted', async () => {
    const { agent, admin } = await serve({ ledger: memory.ledger });
    const [asAgent, operator] = [connect(agent), connect(admin)];
    const request = {
      requestId: 'r-1',
      agentId: 'a',
      type: ViolationType.CUSTOM,
      message: 'The tool failed',
      details: { tool: 'search' },
    };
    const { violation, replayed } = await unary(asAgent, service.reportViolation, request);
    expect(replayed).toBe(false);
    expect(violation).toMatchObject({
      id: '1',
      type: 8,
      severity: 3,
      state: 1,
      source: 2,
      ruleKind: 7,
      ruleId: 'a',
      agentId: 'a',
      poolId: 'p',
      message: 'The tool failed',
      details: { tool: 'search' },
      count: 1n,
      entrySequence: 0n,
      reporter: 'agent',
    });
    expect(violation?.endTime).toBeUndefined();
    const again = await unary(asAgent, service.reportViolation, request);
    expect(again).toMatchObject({ replayed: true, violation: { id: '1' } });
    await unary(asAgent, BudgetService.method.spend, {
      requestId: 's-1',
      agentId: 'b',
      amount: '100001',
    });

    const escalated = await unary(
      operator,
      service.escalateViolation,
      { violationId: '1', severity: Severity.CRITICAL, note: 'again', reason: 'policy 7' },
      asAdmin(),
    );
    expect(escalated.violation).toMatchObject({ severity: 5, actor: 'admin', note: 'again' });
    const resolved = await unary(
      operator,
      service.resolveViolation,
      { violationId: '1', reason: 'done' },
      asAdmin(),
    );
    expect(resolved.sequence).toBe(escalated.sequence + 1n);
    expect(resolved.violation).toMatchObject({ state: 2, note: 'done' });
    const got = await unary(asAgent, service.getViolation, { violationId: '1' });
    expect(got.violation).toEqual(resolved.violation);

    const first = await unary(asAgent, service.listViolations, { pageSize: 1 });
    const rest = await unary(asAgent, service.listViolations, {
      pageSize: 1,
      pageToken: first.nextPageToken,
    });
    expect([...first.violations, ...rest.violations].map(({ id }) => id)).toEqual(['2', '1']);
    expect(rest.nextPageToken).toBe('');
    const stats = await unary(operator, service.getViolationStats, {}, asAdmin());
    expect(stats).toMatchObject({
      totalCount: 2n,
      openCount: 1n,
      types: [
        { type: 3, totalCount: 1n, openCount: 1n },
        { type: 8, totalCount: 1n, openCount: 0n },
      ],
      severities: [
        { severity: 3, totalCount: 1n, openCount: 1n },
        { severity: 5, totalCount: 1n, openCount: 0n },
      ],
    });
  });

  test('that is malformed is refused with every field', async () => {
    const { agent, admin } = await serve({ ledger: memory.ledger });
    const details = Object.fromEntries(upTo(17).map((at) => [`k${at}`, 'v']));
    const broken = { severity: UNKNOWN, message: 'x'.repeat(1_025), details };
    expect(await failing(connect(agent), service.reportViolation, broken)).toMatchObject({
      reason: 'INVALID_REQUEST',
      fields: ['request_id', 'agent_id', 'type', 'severity', 'message', 'details'],
    });
    const escalation = { violationId: '01', note: 'x'.repeat(1_025) };
    expect(
      await failing(connect(admin), service.escalateViolation, escalation, asAdmin()),
    ).toMatchObject({ fields: ['violation_id', 'note', 'severity'] });
    const list = {
      agentId: ' ',
      poolId: ' ',
      type: UNKNOWN,
      minSeverity: UNKNOWN,
      state: UNKNOWN,
      startTime: { seconds: 2n },
      endTime: { seconds: 1n },
      pageSize: -1,
    };
    expect(await failing(connect(agent), service.listViolations, list)).toMatchObject({
      fields: ['agent_id', 'pool_id', 'type', 'min_severity', 'state', 'start_time', 'page_size'],
    });
    const watch = {
      agentIds: [''],
      poolId: ' ',
      storeId: ' ',
      afterSequence: 1n,
      oldest: true,
      types: [UNKNOWN],
      kinds: [UNKNOWN],
      minSeverity: UNKNOWN,
    };
    const { failure } = await drain(serverStream(connect(agent), service.watchViolations, watch));
    expect(failure).toMatchObject({
      reason: 'INVALID_REQUEST',
      fields: [
        'agent_ids[0]',
        'pool_id',
        'store_id',
        'oldest',
        'types[0]',
        'kinds[0]',
        'min_severity',
      ],
    });
  });

  test('too many of them are refused, and say when to come back', async () => {
    const { agent } = await serve({ ledger: memory.ledger });
    for (let at = 0; at < 60; at += 1) await memory.must(report('a'));
    const more = { requestId: 'r', agentId: 'a', type: ViolationType.CUSTOM, message: 'm' };
    expect(await failing(connect(agent), service.reportViolation, more)).toMatchObject({
      code: 'RESOURCE_EXHAUSTED',
      reason: 'TOO_MANY_REPORTS',
      retryAfterMs: 60_000,
    });
    expect(
      await failing(connect(agent), service.getViolation, { violationId: '61' }),
    ).toMatchObject({ code: 'NOT_FOUND', reason: 'VIOLATION_NOT_FOUND' });
  });
});

describe('a watch', () => {
  test('is told where it stood when the sidecar stops', async () => {
    const server = await serve({ ledger: memory.ledger });
    await reports(3);
    const stream = serverStream(connect(server.agent), service.watchViolations, { oldest: true });
    const ended = drain(stream);
    const { events, bookmarks } = heard(stream);
    await expect.poll(() => bookmarks).toEqual(['0', '3 live']);
    await server.close({ graceMs: 5_000 });
    expect(events).toEqual([1, 2, 3]);
    expect((await ended).failure).toMatchObject({
      code: 'UNAVAILABLE',
      reason: 'SHUTTING_DOWN',
      metadata: { last_sequence: '3' },
    });
  });

  test.each([
    ['is ahead', { afterSequence: 9n }, 'CURSOR_UNKNOWN', { newest_sequence: '2' }],
    ['is of another store', { storeId: 'other' }, 'CURSOR_UNKNOWN', { store_id: STORE_ID }],
  ])('whose cursor %s is OUT_OF_RANGE', async (_name, request, reason, metadata) => {
    const { agent } = await serve({ ledger: memory.ledger });
    await reports(2);
    const { failure } = await drain(serverStream(connect(agent), service.watchViolations, request));
    expect(failure).toMatchObject({ code: 'OUT_OF_RANGE', reason, metadata });
  });

  test.each([
    ['Connect', createConnectTransport],
    ['gRPC-Web', createGrpcWebTransport],
  ] as const)('works over %s, and is told of the stop', async (_name, transport) => {
    const server = await serve({ ledger: memory.ledger });
    await reports(2);
    const baseUrl = `http://${server.agent}`;
    const client = createClient(ViolationService, transport({ baseUrl, httpVersion: '1.1' }));
    const seen: (number | undefined)[] = [];
    const watch = async (): Promise<void> => {
      for await (const response of client.watchViolations({ afterSequence: 1n })) {
        seen.push(sequenceOf(response));
      }
    };
    const ended = watch().then(
      () => 'the end',
      (error: unknown) => String(error),
    );
    await expect.poll(() => seen).toEqual([undefined, 2, undefined]);
    await reports(1);
    await expect.poll(() => seen.at(-1)).toBe(3);
    await server.close({ graceMs: 5_000 });
    expect(await ended).toContain('[unavailable] The sidecar is stopping');
  });

  test('that is not read for a while costs a cursor, and then misses nothing', async () => {
    let pulled = 0;
    const ledger: LedgerApi = {
      ...memory.ledger,
      watchViolations: (watch, signal) => {
        const messages = memory.ledger.watchViolations(watch, signal);
        if ('verdict' in messages) return messages;
        return (async function* () {
          for await (const message of messages) {
            pulled += 1;
            yield message;
          }
        })();
      },
    };
    const { agent } = await serve({ ledger });
    const stream = serverStream(connect(agent), service.watchViolations, { afterSequence: 0n });
    const { events } = heard(stream);
    await reports(1);
    await expect.poll(() => events).toEqual([1]);
    stream.pause();
    const all = 800;
    await reports(all - 1, 'x'.repeat(1_000));
    for (let turns = 0; turns < 200; turns += 1) await nextTurn();
    const held = pulled;
    // What HTTP/2 and the sockets take is bounded; no more is read for the stream.
    expect(held).toBeLessThan(all / 2);
    await reports(100, 'x'.repeat(1_000));
    for (let turns = 0; turns < 200; turns += 1) await nextTurn();
    expect(pulled).toBe(held);
    await memory.must(order.spend('a', '1'));
    stream.resume();
    await expect.poll(() => events.length, { timeout: 10_000 }).toBe(all + 100);
    expect(events).toEqual(upTo(all + 100));
  });
});

test('a thousand watchers on two connections each see every event once', async () => {
  const limits = { streamsMax: 1_024, connectionsMax: 64 };
  const { agent } = await serve({ ledger: memory.ledger, limits });
  const watchers = 1_000;
  const clients = [connect(agent), connect(agent)];
  const streams = upTo(watchers).map((at) =>
    serverStream(clients[at % 2]!, service.watchViolations, {}),
  );
  const all = streams.map(heard);
  const live = () => all.filter(({ bookmarks }) => bookmarks.length > 0).length;
  await expect.poll(live, { timeout: 15_000 }).toBe(watchers);

  const events = 20;
  const times: number[] = [];
  const begun = performance.now();
  for (let at = 0; at < events; at += 1) {
    memory.time.pass(SECOND);
    await memory.must(report('a'));
    const asked = performance.now();
    await memory.must(order.spend('b', '1'));
    times.push(performance.now() - asked);
  }
  const written = performance.now();
  const done = () => all.filter((one) => one.events.length >= events).length;
  await expect.poll(done, { timeout: 15_000, interval: 10 }).toBe(watchers);
  const told = performance.now();
  for (const one of all) expect(one.events).toEqual(upTo(events));
  const worst = Math.max(...times).toFixed(1);
  process.stdout.write(
    `${watchers} watchers, ${events} events: written in ${(written - begun).toFixed(0)} ms, ` +
      `all told after ${(told - begun).toFixed(0)} ms; slowest spend between them ${worst} ms\n`,
  );
  for (const stream of streams) stream.cancel();
});
