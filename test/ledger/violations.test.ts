/** Violations on the whole ledger: episodes in memory, reports without entries, retention, counts. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { REPORTS_MAX } from '../../src/domain/decide/violations.js';
import type { Violation } from '../../src/domain/violation.js';
import type { ViolationCount } from '../../src/domain/violation-counts.js';
import type { ViolationFilter } from '../../src/ledger/violations.js';
import * as order from '../fakes/commands.js';
import { DAY, HOUR, MINUTE, SECOND } from '../fakes/manual-time.js';
import { MemoryLedger, OPERATOR } from '../fakes/memory-ledger.js';
import { escalate, EVERY, report, resolve, said } from '../fakes/violations.js';
import { runs } from '../support/seed.js';

let memory: MemoryLedger;
beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  memory = await MemoryLedger.open({ sweepIntervalMs: SECOND });
  await memory.must(order.createPool('p', '1000'));
  for (const id of ['a', 'b']) await memory.must(order.createAgent(id, 'p', '100'));
});
afterEach(() => {
  vi.useRealTimers();
});

/** A second passes for the timers, and what they began ends. */
async function second(): Promise<void> {
  vi.advanceTimersByTime(SECOND);
  for (let turns = 0; turns < 20; turns += 1) await nextTurn();
}

async function deny(agentId: string, times = 1): Promise<void> {
  for (let at = 0; at < times; at += 1) {
    expect(await memory.verdict(order.spend(agentId, '101'))).toBe('INSUFFICIENT_BUDGET');
  }
}

function told(): readonly string[] {
  return [...memory.store.rows('violation_events', {})].map(([, event]) => said(event));
}

function countOf(sequence: number): number | undefined {
  return memory.ledger.violation(sequence)?.count;
}

const OPENED = '1 OPENED #1 MEDIUM OVERSPEND OPEN x1';

describe('an episode', () => {
  test('is counted in memory, and written once a second', async () => {
    await deny('a', 10);
    expect(told()).toEqual([OPENED]);
    expect(countOf(1)).toBe(1);
    await second();
    expect(countOf(1)).toBe(10);
    expect(told()).toEqual([OPENED]);
  });

  test('writes nothing for a repeat', async () => {
    await deny('a');
    const before = memory.store.header();
    await deny('a', 5);
    expect(memory.store.header()).toEqual(before);
  });

  test('ends five minutes after its last denial, with its count', async () => {
    await deny('a', 2);
    memory.time.pass(4 * MINUTE);
    await deny('a', 3);
    memory.time.pass(5 * MINUTE - 1);
    await second();
    expect(told()).toEqual([OPENED]);
    memory.time.pass(1);
    await second();
    expect(told()).toEqual([OPENED, '2 EPISODE_ENDED #1 MEDIUM OVERSPEND ENDED x5']);
    await deny('a');
    expect(told().at(-1)).toBe('3 OPENED #3 MEDIUM OVERSPEND OPEN x1');
  });

  test('goes on after a clean stop, with its count', async () => {
    await deny('a', 7);
    memory = await memory.restart();
    expect(countOf(1)).toBe(7);
    await deny('a', 1);
    expect(told()).toEqual([OPENED]);
    memory.time.pass(5 * MINUTE);
    await second();
    expect(told().at(-1)).toBe('2 EPISODE_ENDED #1 MEDIUM OVERSPEND ENDED x8');
  });

  test('loses at most what was not written when the process is killed', async () => {
    await deny('a', 4);
    await second();
    await deny('a', 3);
    memory = await memory.crash();
    expect(countOf(1)).toBe(4);
    await deny('a', 1);
    await second();
    expect(countOf(1)).toBe(5);
  });

  test('ends when it is resolved, with what was counted, and another begins from one', async () => {
    await deny('a', 6);
    const { violation } = await memory.must(resolve(1), OPERATOR);
    expect(violation).toMatchObject({ state: 'RESOLVED', count: 6 });
    await deny('a', 2);
    await second();
    expect(countOf(1)).toBe(6);
    expect(countOf(3)).toBe(2);
    memory.time.pass(5 * MINUTE);
    await second();
    expect(told().at(-1)).toBe('4 EPISODE_ENDED #3 MEDIUM OVERSPEND ENDED x2');
    expect((await memory.verify()).findings).toEqual([]);
  });

  test('resolved in the group that repeats it does not linger', async () => {
    await memory.must(order.spend('a', '101', { mode: 'FORCE' }));
    await Promise.all([
      memory.must(order.spend('a', '1', { mode: 'FORCE' })),
      memory.must(resolve(1), OPERATOR),
    ]);
    memory.time.pass(6 * MINUTE);
    await second();
    const before = memory.store.header();
    await second();
    expect(memory.store.header()).toEqual(before);
  });
});

describe('a report', () => {
  test('is one violation however often it is repeated, and another of its id is refused', async () => {
    const request = report('a', { requestId: 'r' });
    const [first, again] = await Promise.all([memory.must(request), memory.must(request)]);
    expect([first.replayed, again.replayed]).toEqual([false, true]);
    expect(again.violation).toEqual(first.violation);
    memory = await memory.crash();
    const later = await memory.must({ ...request, principal: 'another' });
    expect(later).toMatchObject({ replayed: true, sequence: 0, violation: first.violation });
    expect(await memory.verdict({ ...request, message: 'else' })).toBe('REQUEST_ID_REUSED');
    expect(told()).toHaveLength(1);
  });

  test('is answered as it was, even when it was resolved since', async () => {
    const request = report('a', { requestId: 'r' });
    await memory.must(request);
    await memory.must(resolve(1), OPERATOR);
    expect((await memory.must(request)).violation?.state).toBe('OPEN');
  });

  test('is forgotten a day later, in steps, and its id is free again', async () => {
    const ids = Array.from({ length: REPORTS_MAX }, (_, at) => `r-${at}`);
    for (const requestId of ids) await memory.must(report('a', { requestId }));
    const listed = () => [...memory.store.rows('request_times', {})].length;
    expect(listed()).toBe(REPORTS_MAX);
    memory.time.pass(DAY);
    await second();
    expect(listed()).toBe(REPORTS_MAX);
    memory.time.pass(1);
    await second();
    expect(listed()).toBe(0);
    expect((await memory.must(report('a', { requestId: 'r-0' }))).replayed).toBe(false);
    expect(listed()).toBe(1);
    expect((await memory.verify()).findings).toEqual([]);
  });
});

test('what an operator does is an entry without accounts, and the ledger verifies', async () => {
  await deny('a');
  await memory.must(escalate(1, 'HIGH'), OPERATOR);
  const request = resolve(1, { requestId: 'once' });
  const { sequence, violation } = await memory.must(request, OPERATOR);
  const again = await memory.must(request, OPERATOR);
  expect(again).toMatchObject({ replayed: true, sequence, violation: { state: 'RESOLVED' } });
  expect(violation).toMatchObject({ severity: 'HIGH', state: 'RESOLVED', actor: 'admin' });
  expect(memory.store.entry(sequence)?.entry).toMatchObject({
    kind: 'CONFIGURE',
    accounts: [],
    principal: 'admin',
    reason: 'seen',
    requestId: 'once',
    method: 'RESOLVE_VIOLATION',
  });
  expect((await memory.verify()).findings).toEqual([]);
});

describe('a list', () => {
  function numbers(filter: Partial<ViolationFilter>, size = 1_000): readonly number[] {
    const found: number[] = [];
    let after: string | undefined;
    do {
      const page = memory.ledger.listViolations({ ...EVERY, ...filter }, { after, size });
      if ('verdict' in page) throw new Error(page.reason);
      found.push(...page.items.map(({ sequence }) => sequence));
      after = page.last;
    } while (after !== undefined);
    return found;
  }

  beforeEach(async () => {
    await memory.must(order.createPool('q', '100'));
    await memory.must(order.createAgent('c', 'q', '100'));
    await memory.must(report('a', { severity: 'LOW' }));
    memory.time.pass(HOUR);
    await deny('b');
    await memory.must(report('c', { severity: 'CRITICAL', type: 'UNAUTHORIZED' }));
    memory.time.pass(HOUR);
    await memory.must(report('a', { severity: 'HIGH' }));
    await memory.must(resolve(1), OPERATOR);
  });

  test.each<readonly [string, Partial<ViolationFilter>, readonly number[]]>([
    ['everything, newest first', {}, [4, 3, 2, 1]],
    ['an agent', { agentId: 'a' }, [4, 1]],
    ['a pool', { poolId: 'q' }, [3]],
    ['a pool that is not there', { poolId: 'x' }, []],
    ['a type', { type: 'OVERSPEND' }, [2]],
    ['a severity and above', { minSeverity: 'HIGH' }, [4, 3]],
    ['a state', { state: 'RESOLVED' }, [1]],
    ['an agent and a state', { agentId: 'a', state: 'OPEN' }, [4]],
  ])('of %s', (_name, filter, expected) => {
    expect(numbers(filter)).toEqual(expected);
    expect(numbers(filter, 1)).toEqual(expected);
  });

  test('of a time is half-open', () => {
    const [third, second] = [memory.ledger.violation(3)!, memory.ledger.violation(2)!];
    const range = { start: second.createTime, end: third.createTime + HOUR };
    expect(numbers({ range })).toEqual([3, 2]);
    expect(numbers({ range: { start: 0, end: second.createTime } })).toEqual([1]);
  });

  test('of an unknown agent is refused', () => {
    const page = memory.ledger.listViolations(
      { ...EVERY, agentId: 'nobody' },
      { after: undefined, size: 10 },
    );
    expect(page).toMatchObject({ reason: 'AGENT_NOT_FOUND' });
  });
});

/** The counts of rows, by a full scan. */
function scanned(agentUid: number): readonly ViolationCount[] {
  const counts = new Map<
    string,
    { total: number; open: number } & Pick<Violation, 'type' | 'severity'>
  >();
  for (const [, row] of memory.store.rows('violations', {})) {
    if (agentUid !== 0 && row.agentUid !== agentUid) continue;
    const { type, severity } = row;
    const key = `${type} ${severity}`;
    const count = counts.get(key) ?? { type, severity, total: 0, open: 0 };
    count.total += 1;
    if (row.state === 'OPEN') count.open += 1;
    counts.set(key, count);
  }
  return [...counts.values()];
}

describe('retention', () => {
  const over = { sweepIntervalMs: SECOND, violationsMax: 20, violationsRetentionMs: 10 * DAY };
  beforeEach(async () => {
    memory = await memory.restart(over);
  });

  function kept(): readonly number[] {
    return [...memory.store.rows('violation_events', {})].map(([, { sequence }]) => sequence);
  }

  function rows(): readonly number[] {
    return [...memory.store.rows('violations', {})].map(([, { sequence }]) => sequence);
  }

  test('keeps the newest events by number, and the sequence goes on', async () => {
    for (let at = 0; at < 30; at += 1) await memory.must(report(at % 2 === 0 ? 'a' : 'b'));
    await second();
    expect(kept()).toEqual(Array.from({ length: 20 }, (_, at) => at + 11));
    await memory.must(report('a'));
    expect(kept().at(-1)).toBe(31);
    expect((await memory.verify()).findings).toEqual([]);
  });

  test('keeps them by age, and cuts any number of them step by step', async () => {
    memory = await memory.restart({ ...over, violationsMax: 1_000_000 });
    for (let at = 0; at < 1_020; at += 1) {
      if (at % 50 === 0) memory.time.pass(MINUTE);
      await memory.must(report('a'));
    }
    memory.time.pass(10 * DAY + 1);
    await second();
    expect(kept()).toEqual([]);
    expect(rows()).toEqual([]);
    expect(memory.ledger.violationCounts('')).toEqual([]);
    expect(memory.store.header().violationSequence).toBe(1_020);
    expect((await memory.verify()).findings).toEqual([]);
  });

  test('keeps an open violation that was detected until it has ended, then its row goes too', async () => {
    await deny('a');
    memory.time.pass(MINUTE);
    for (let at = 0; at < 25; at += 1) await memory.must(report('b'));
    await second();
    expect(kept()[0]).toBe(7);
    expect(memory.ledger.violation(1)?.state).toBe('OPEN');
    expect(rows()[0]).toBe(1);
    memory.time.pass(5 * MINUTE);
    await second();
    expect(memory.ledger.violation(1)?.state).toBe('ENDED');
    for (let at = 0; at < 20; at += 1) await memory.must(report('b'));
    await second();
    expect(memory.ledger.violation(1)).toBeUndefined();
    expect(memory.ledger.violationCounts('a')).toEqual([]);
  });

  test('a missing event is found by verification', async () => {
    for (let at = 0; at < 5; at += 1) await memory.must(report('a'));
    const { store } = memory;
    await store.transact((writer) => {
      writer.putRow('violation_events', '0000000000000003', undefined);
    });
    store.refreshReads();
    expect((await memory.verify()).findings.map(({ message }) => message)).toEqual([
      'event 3 of the violations is missing',
    ]);
    await store.transact((writer) => {
      for (const at of [4, 5]) writer.putRow('violation_events', `000000000000000${at}`, undefined);
    });
    store.refreshReads();
    expect((await memory.verify()).findings.map(({ message }) => message)).toEqual([
      'the violations end with event 2, their head is 5',
    ]);
  });
});

describe('the counts', () => {
  const act = fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom('report a', 'report b', 'deny a', 'deny b') },
    { weight: 2, arbitrary: fc.constantFrom('force a', 'resolve', 'escalate') },
    { weight: 1, arbitrary: fc.constantFrom('pass', 'second', 'restart', 'crash') },
  );

  async function carryOut(what: string, at: number): Promise<void> {
    const [word, agent = ''] = what.split(' ');
    const one = 1 + (at % Math.max(1, memory.store.header().violationSequence));
    if (word === 'report') await memory.do(report(agent, { severity: at % 2 ? 'LOW' : 'MEDIUM' }));
    if (word === 'deny') await memory.do(order.spend(agent, '1000'));
    if (word === 'force') await memory.do(order.spend(agent, '101', { mode: 'FORCE' }));
    if (word === 'resolve') await memory.do(resolve(one), OPERATOR);
    if (word === 'escalate') await memory.do(escalate(one, 'CRITICAL'), OPERATOR);
    if (word === 'pass') memory.time.pass(3 * MINUTE);
    if (word === 'second') await second();
    if (word === 'restart') memory = await memory.restart();
    if (word === 'crash') memory = await memory.crash();
  }

  test('are those of a full scan, whatever happens', async () => {
    const property = fc.asyncProperty(fc.array(act, { maxLength: 40 }), async (acts) => {
      memory = await MemoryLedger.open({ sweepIntervalMs: SECOND, violationsMax: 8 });
      await memory.must(order.createPool('p', '1000'));
      for (const id of ['a', 'b']) await memory.must(order.createAgent(id, 'p', '100'));
      for (const [at, what] of acts.entries()) await carryOut(what, at);
      for (const id of ['', 'a', 'b']) {
        const counts = memory.ledger.violationCounts(id) as readonly ViolationCount[];
        const uid = id === '' ? 0 : memory.ledger.agent(id)!.agent.uid;
        expect(new Set(counts)).toEqual(new Set(scanned(uid)));
      }
      expect((await memory.verify()).findings).toEqual([]);
    });
    await fc.assert(property, runs('counts of violations', 40));
  });
});
