/** A machine's clock that is set forward and back: what a ledger that serves makes of it. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { formatAmount } from '../../src/domain/amount.js';
import type { ScheduleRun } from '../../src/domain/schedule.js';
import * as order from '../fakes/commands.js';
import { DAY, HOUR, MINUTE, SECOND, T0, YEAR } from '../fakes/manual-time.js';
import { MemoryLedger, type Over } from '../fakes/memory-ledger.js';
import { createAlert, createLimit, thresholds } from '../fakes/rule-commands.js';
import { createSchedule, fundsPool, setsBudget } from '../fakes/schedules.js';
import { runs } from '../support/seed.js';
import { LimitModel, WINDOWS } from '../support/limit-model.js';

const TEN_YEARS = 10 * YEAR;
const SETTLE = 5 * MINUTE;
const OPEN: Over = { sweepIntervalMs: SECOND, entriesRetentionMs: 30 * DAY };

let memory: MemoryLedger;
beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  memory = await begun();
});
afterEach(() => {
  vi.useRealTimers();
});

/** Agents that are named after their limits of 10, of which 7 are spent; `free` has none. */
async function begun(): Promise<MemoryLedger> {
  const it = await MemoryLedger.open(OPEN);
  await it.must(order.createPool('p', '100000'));
  for (const [id, window] of Object.entries(WINDOWS)) {
    await it.must(order.createAgent(id, 'p', '1000'));
    await it.must(createLimit(id, '10', { kind: 'AGENT', id }, { window }));
    await it.must(order.spend(id, '7', { requestId: `first-${id}` }));
  }
  await it.must(order.createAgent('free', 'p', '1000'));
  return it;
}

/** The ledger's timers go off, and what they begin ends. */
async function tick(): Promise<void> {
  vi.advanceTimersByTime(SECOND);
  for (let turns = 0; turns < 20; turns += 1) await nextTurn();
}

/** Somebody sets the machine's clock, and the sidecar sees it. */
async function set(jump: number): Promise<void> {
  memory.time.jump(jump);
  await tick();
}

/** Time passes in steps of a minute at most, and the timers go off at each. */
async function pass(ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= MINUTE) {
    memory.time.pass(Math.min(MINUTE, left));
    await tick();
  }
}

async function hold(ttlMs: number): Promise<string> {
  const { reservation } = await memory.must(order.reserve('free', '1', { ttlMs }));
  return reservation!.id;
}

/** One that was purged had expired. */
const stateOf = (id: string) => memory.ledger.reservation(id)?.reservation.state ?? 'EXPIRED';
const now = () => memory.ledger.now();

/** The verdicts on 4 more of each limited agent, in the order of WINDOWS. */
async function fourMore(): Promise<readonly string[]> {
  const verdicts: string[] = [];
  for (const id of Object.keys(WINDOWS)) {
    verdicts.push(await memory.verdict(order.spend(id, '4', { dryRun: true })));
  }
  return verdicts;
}

const ALL_FULL = Object.keys(WINDOWS).map(() => 'SPENDING_LIMIT_EXCEEDED');

async function repeated(id: string): Promise<boolean> {
  const again = await memory.must(order.spend(id, '7', { requestId: `first-${id}` }));
  return again.replayed;
}

function runsOf(id: string): readonly ScheduleRun[] {
  const page = memory.ledger.scheduleRuns(id, { after: undefined, size: 1_000 });
  if ('verdict' in page) throw new Error(page.reason);
  return page.items;
}

/** Nothing is lost, and a new hold and a new limit do what they did before. */
async function works(): Promise<void> {
  const id = await hold(MINUTE);
  await pass(MINUTE - SECOND);
  expect(stateOf(id)).toBe('OPEN');
  await pass(SECOND);
  expect(stateOf(id)).toBe('EXPIRED');
  const agentId = `new-${now()}`;
  await memory.must(order.createAgent(agentId, 'p', '100'));
  const window = { kind: 'ROLLING', durationMs: HOUR } as const;
  await memory.must(createLimit(agentId, '10', { kind: 'AGENT', id: agentId }, { window }));
  await memory.must(order.spend(agentId, '10'));
  expect(await memory.verdict(order.spend(agentId, '1'))).toBe('SPENDING_LIMIT_EXCEEDED');
  memory.time.pass(HOUR + 2 * MINUTE);
  expect(await memory.verdict(order.spend(agentId, '1'))).toBe('OK');
  expect(await memory.verify()).toMatchObject({ clean: true });
  expect(memory.failures).toEqual([]);
}

/** There and back: how far, and how long it stays there. */
type Excursion = readonly [name: string, jump: number, stay: number];

const UNSETTLED: readonly Excursion[] = [
  ['a second back', -SECOND, SETTLE + MINUTE],
  ['an hour forward for four minutes', HOUR, SETTLE - MINUTE],
  ['an hour back', -HOUR, SETTLE + MINUTE],
  ['ten years forward for four minutes', TEN_YEARS, SETTLE - MINUTE],
  ['ten years back', -TEN_YEARS, SETTLE + MINUTE],
];

describe('a clock that is set there and back again', () => {
  test.each(UNSETTLED)('%s changes nothing but how late it is', async (_name, jump, stay) => {
    const short = await hold(3 * MINUTE);
    const long = await hold(HOUR);
    const begin = now();
    await set(jump);
    expect(await fourMore()).toEqual(ALL_FULL);
    await pass(2 * MINUTE);
    expect([stateOf(short), stateOf(long)]).toEqual(['OPEN', 'OPEN']);
    await pass(stay - 2 * MINUTE);
    expect([stateOf(short), stateOf(long)]).toEqual(['EXPIRED', 'OPEN']);
    expect(await memory.verdict(order.spend('month', '3'))).toBe('OK');
    await set(-jump);

    expect(now()).toBe(begin + stay);
    expect(await fourMore()).toEqual(ALL_FULL);
    expect(await memory.verdict(order.spend('month', '1'))).toBe('SPENDING_LIMIT_EXCEEDED');
    expect([stateOf(short), stateOf(long)]).toEqual(['EXPIRED', 'OPEN']);
    for (const id of Object.keys(WINDOWS)) expect(await repeated(id)).toBe(true);
    await works();
  });

  test('a second forward, which is followed, ends no window and no hold', async () => {
    const id = await hold(MINUTE);
    await set(SECOND);
    expect(await fourMore()).toEqual(ALL_FULL);
    await set(-SECOND);
    await pass(MINUTE - SECOND - 1);
    expect(stateOf(id)).toBe('OPEN');
    memory.time.pass(1);
    expect(stateOf(id)).toBe('EXPIRED');
    await works();
  });

  test('ten years forward and followed ends what ended by then, and none of it comes back', async () => {
    const long = await hold(HOUR);
    await memory.verdict(order.spend('free', '5000'));
    await set(TEN_YEARS);
    await pass(SETTLE + SECOND);
    expect(now()).toBe(memory.time.wall());
    expect(stateOf(long)).toBe('EXPIRED');
    // All but the limit of a lifetime count anew.
    const counted = Object.keys(WINDOWS).map((id) => (id === 'life' ? ALL_FULL[0] : 'OK'));
    expect(await fourMore()).toEqual(counted);
    for (const id of Object.keys(WINDOWS)) await memory.verdict(order.spend(id, '9'));

    const then = now();
    await set(-TEN_YEARS);
    await pass(SETTLE + SECOND);
    expect(now()).toBe(then + SETTLE + SECOND);
    expect(stateOf(long)).toBe('EXPIRED');
    expect(await fourMore()).toEqual(ALL_FULL);
    memory = await memory.restart();
    expect(now()).toBe(then + SETTLE + SECOND);
    memory = await memory.crash();
    expect(now()).toBe(then + SETTLE + SECOND);
    expect(stateOf(long)).toBe('EXPIRED');
    expect(await fourMore()).toEqual(ALL_FULL);
    await works();
  });

  test('ten years back over a restart, and forward again, leaves windows and holds as they were', async () => {
    const id = await hold(HOUR);
    await set(-TEN_YEARS);
    await pass(10 * MINUTE);
    memory = await memory.restart();
    expect(now()).toBe(T0 + 10 * MINUTE);
    expect(await fourMore()).toEqual(ALL_FULL);
    await set(TEN_YEARS);
    expect(now()).toBe(T0 + 10 * MINUTE);
    expect(stateOf(id)).toBe('OPEN');
    await pass(50 * MINUTE);
    expect(stateOf(id)).toBe('EXPIRED');
    await works();
  });
});

describe('what the sidecar does by itself', () => {
  test('schedules make up once for ten years, and run on time after the way back', async () => {
    await memory.must(createSchedule('once', HOUR, setsBudget('agent free', '50')));
    await memory.must(
      createSchedule('skip', '0 * * * *', fundsPool('p', '1'), { catchUp: 'SKIP' }),
    );
    await set(TEN_YEARS);
    await pass(SETTLE - SECOND);
    expect([runsOf('once'), runsOf('skip')]).toEqual([[], []]);
    await pass(2 * SECOND);
    const said = (id: string) => runsOf(id).map(({ trigger, outcome }) => `${trigger} ${outcome}`);
    expect(said('once')).toEqual(['CAUGHT_UP OK']);
    expect(said('skip')).toEqual(['SCHEDULED SKIPPED']);
    await set(-TEN_YEARS);
    await pass(3 * HOUR);
    expect(said('once')).toEqual([...Array<string>(3).fill('SCHEDULED OK'), 'CAUGHT_UP OK']);
    expect(said('skip')).toEqual([...Array<string>(3).fill('SCHEDULED OK'), 'SCHEDULED SKIPPED']);
    const { funded } = memory.ledger.pool('p')!;
    expect(formatAmount(funded)).toBe('100003');
    await works();
  });

  test('retention cuts nothing before the jump has settled, and then in steps', async () => {
    const spends = Array.from({ length: 1_200 }, () => memory.must(order.spend('free', '0.01')));
    await Promise.all(spends);
    const oldest = () => memory.ledger.info().oldestSequence;
    const { head } = memory;
    await set(TEN_YEARS);
    await pass(SETTLE - SECOND);
    expect([oldest(), memory.head]).toEqual([1, head]);
    await set(-TEN_YEARS);
    await pass(MINUTE);
    expect([oldest(), memory.head]).toEqual([1, head]);

    await set(TEN_YEARS);
    await pass(SETTLE + SECOND);
    await pass(MINUTE);
    expect(oldest()).toBeGreaterThan(head - 500);
    const cuts = [...memory.store.entries(0)].filter(({ entry }) => entry.kind === 'CUT');
    expect(cuts.length).toBeGreaterThanOrEqual(2);
    const spent = memory.ledger.agent('free')!.agent.spent;
    expect(formatAmount(spent)).toBe('12');
    await works();
  });

  test('alerts and episodes tell nothing twice', async () => {
    const over = { condition: 'USED_AT_LEAST_PERCENT', thresholds: thresholds('50') } as const;
    await memory.must(createAlert('used', 'AGENT free', over));
    await memory.must(order.spend('free', '600'));
    await memory.verdict(order.spend('free', '600'));
    const events = () =>
      [...memory.store.rows('violation_events', {})].map(([, { kind, violation }]) => {
        return `${kind} ${violation.type}`;
      });
    const opened = ['OPENED LOW_BUDGET', 'OPENED OVERSPEND'];
    expect(events()).toEqual(opened);
    for (const jump of [TEN_YEARS, -TEN_YEARS, -TEN_YEARS, TEN_YEARS, HOUR, -HOUR]) {
      await set(jump);
      await pass(30 * SECOND);
      await memory.verdict(order.spend('free', '600'));
    }
    expect(events()).toEqual(opened);
    await pass(6 * MINUTE);
    expect(events()).toEqual([...opened, 'EPISODE_ENDED OVERSPEND']);
  });
});

test(
  'any clock: time goes on, holds end once and on time, and limits hold',
  { timeout: 120_000 },
  async () => {
    const ids = Object.keys(WINDOWS);
    const step = fc.oneof(
      {
        weight: 4,
        arbitrary: fc.record({
          kind: fc.constant('SPEND'),
          of: fc.constantFrom(...ids),
          ms: fc.integer({ min: 1, max: 9 }),
        }),
      },
      {
        weight: 1,
        arbitrary: fc.record({
          kind: fc.constant('HOLD'),
          of: fc.constant('free'),
          ms: fc.constantFrom(SECOND, MINUTE, HOUR),
        }),
      },
      {
        weight: 3,
        arbitrary: fc.record({
          kind: fc.constant('PASS'),
          of: fc.constant(''),
          ms: fc.constantFrom(1, SECOND, MINUTE, SETTLE, HOUR, DAY),
        }),
      },
      {
        weight: 3,
        arbitrary: fc.record({
          kind: fc.constant('JUMP'),
          of: fc.constant(''),
          ms: fc.constantFrom(...[SECOND, MINUTE, HOUR, TEN_YEARS].flatMap((ms) => [ms, -ms])),
        }),
      },
      {
        weight: 1,
        arbitrary: fc.record({
          kind: fc.constantFrom('RESTART', 'CRASH'),
          of: fc.constant(''),
          ms: fc.constant(0),
        }),
      },
    );
    const check = async (steps: readonly { kind: string; of: string; ms: number }[]) => {
      memory = await begun();
      const model = new LimitModel(10, T0, 7);
      const holds = new Map<string, number>();
      let last = now();
      for (const { kind, of, ms } of steps) {
        if (kind === 'PASS') memory.time.pass(ms);
        if (kind === 'JUMP') memory.time.jump(ms);
        // A start more than a year ahead asks first.
        const asks = memory.time.wall() - last > YEAR;
        if (kind === 'RESTART' && !asks) memory = await memory.restart();
        if (kind === 'CRASH' && !asks) {
          await memory.turn();
          memory = await memory.crash();
          last = Math.min(last, now());
        }
        if (kind === 'HOLD') holds.set(await hold(ms), now() + ms);
        if (kind === 'SPEND') {
          const verdict = await memory.verdict(order.spend(of, String(ms)));
          const said = verdict === 'OK' ? 'OK' : 'DENIED';
          expect(`${of} ${said}`).toBe(`${of} ${model.spend(of, ms, now())}`);
        }
        expect(now()).toBeGreaterThanOrEqual(last);
        last = now();
        for (const [id, expireTime] of holds) {
          expect(stateOf(id)).toBe(last < expireTime ? 'OPEN' : 'EXPIRED');
        }
      }
      expect(await memory.verify()).toMatchObject({ clean: true });
      expect(memory.failures).toEqual([]);
      await memory.ledger.close();
    };
    const property = fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 60 }), check);
    await fc.assert(property, runs('clock steps', 40));
  },
);
