import { describe, expect, test } from 'vitest';
import { startClock, type StoreClock } from '../../src/ledger/clock.js';
import { reserve, createAgent, createPool } from '../fakes/commands.js';
import { DAY, HOUR, ManualTime, MINUTE, SECOND, T0, YEAR } from '../fakes/manual-time.js';
import { MemoryLedger } from '../fakes/memory-ledger.js';

const POLICY = { jumpMaxMs: MINUTE, settleMs: 5 * MINUTE };

function started(): { readonly time: ManualTime; readonly clock: StoreClock } {
  const time = new ManualTime();
  return { time, clock: startClock(time, POLICY, 0) };
}

/** What the machine's clock does in between, then what the store's time has done since. */
type Row = readonly [name: string, jump: number, followed: boolean];

const TEN_YEARS = 10 * YEAR;
const forward: readonly Row[] = [
  ['a second', SECOND, true],
  ['a minute', MINUTE, true],
  ['a minute and a millisecond', MINUTE + 1, false],
  ['an hour', HOUR, false],
  ['ten years', TEN_YEARS, false],
];

describe('the store’s time', () => {
  test('is the wall clock’s while nobody touches it', () => {
    const { time, clock } = started();
    for (const ms of [0, 1, SECOND, DAY]) {
      time.pass(ms);
      expect(clock.now()).toBe(time.wall());
      expect(clock.jumped()).toBe(false);
    }
  });

  test.each(forward)('when set forward by %s', (_name, jump, followed) => {
    const { time, clock } = started();
    time.jump(jump);
    expect(clock.now()).toBe(followed ? T0 + jump : T0);
    expect(clock.jumped()).toBe(!followed);
    time.pass(SECOND);
    expect(clock.now()).toBe((followed ? T0 + jump : T0) + SECOND);
  });

  test.each([
    ['a second', SECOND],
    ['an hour', HOUR],
    ['ten years', TEN_YEARS],
  ])('goes on when set back by %s', (_name, jump) => {
    const { time, clock } = started();
    time.jump(-jump);
    expect(clock.now()).toBe(T0);
    time.pass(MINUTE);
    expect(clock.now()).toBe(T0 + MINUTE);
    expect(clock.jumped()).toBe(false);
  });

  test('follows a jump that has stayed for five minutes, not a moment before', () => {
    const { time, clock } = started();
    time.jump(HOUR);
    expect(clock.now()).toBe(T0);
    time.pass(5 * MINUTE - 1);
    expect(clock.now()).toBe(T0 + 5 * MINUTE - 1);
    expect(clock.jumped()).toBe(true);
    time.pass(1);
    expect(clock.now()).toBe(time.wall());
    expect(clock.jumped()).toBe(false);
  });

  test('ignores a jump there and back, and begins to count anew at the next one', () => {
    const { time, clock } = started();
    time.jump(TEN_YEARS);
    clock.now();
    time.pass(4 * MINUTE);
    clock.now();
    time.jump(-TEN_YEARS);
    expect(clock.now()).toBe(T0 + 4 * MINUTE);
    expect(clock.jumped()).toBe(false);
    time.jump(TEN_YEARS);
    clock.now();
    time.pass(4 * MINUTE);
    expect(clock.now()).toBe(T0 + 8 * MINUTE);
    expect(clock.jumped()).toBe(true);
  });

  test('does not follow a jump because a smaller one before it had almost settled', () => {
    const { time, clock } = started();
    time.jump(HOUR);
    clock.now();
    time.pass(5 * MINUTE - 1);
    clock.now();
    time.jump(TEN_YEARS);
    time.pass(SECOND);
    expect(clock.now()).toBe(T0 + 5 * MINUTE - 1 + SECOND);
    time.jump(-TEN_YEARS);
    expect(clock.now()).toBe(T0 + 5 * MINUTE - 1 + SECOND);
    time.pass(5 * MINUTE - 1);
    expect(clock.jumped()).toBe(true);
    time.pass(1);
    expect(clock.now()).toBe(time.wall());
  });

  test('follows a lead that became smaller once the smaller one has stayed as long', () => {
    const { time, clock } = started();
    time.jump(TEN_YEARS);
    clock.now();
    time.pass(MINUTE);
    time.jump(HOUR - TEN_YEARS);
    expect(clock.now()).toBe(T0 + MINUTE);
    time.pass(4 * MINUTE);
    expect(clock.now()).toBe(T0 + HOUR + 5 * MINUTE);
  });

  test('never goes back, whatever happens', () => {
    const { time, clock } = started();
    let last = clock.now();
    const jumps = [SECOND, -HOUR, MINUTE, TEN_YEARS, 0, -TEN_YEARS, 30 * SECOND, -1];
    for (const [at, jump] of jumps.entries()) {
      time.jump(jump);
      time.pass(at * MINUTE);
      const now = clock.now();
      expect(now).toBeGreaterThanOrEqual(last);
      last = now;
    }
  });

  test('begins at the newest moment that the store knows', () => {
    expect(startClock(new ManualTime(), POLICY, T0 + DAY).now()).toBe(T0 + DAY);
    expect(startClock(new ManualTime(), POLICY, T0 - DAY).now()).toBe(T0);
  });
});

describe('a hold of a minute', () => {
  async function held(): Promise<{ readonly memory: MemoryLedger; readonly id: string }> {
    const memory = await MemoryLedger.open();
    await memory.must(createPool('p', '1000'));
    await memory.must(createAgent('a', 'p', '100'));
    const { reservation } = await memory.must(reserve('a', '10', { ttlMs: MINUTE }));
    return { memory, id: reservation!.id };
  }

  const stateOf = (memory: MemoryLedger, id: string) =>
    memory.ledger.reservation(id)?.reservation.state;

  test('does not expire because the clock was set forward, until that has stayed', async () => {
    const { memory, id } = await held();
    memory.time.jump(TEN_YEARS);
    await memory.turn();
    expect(stateOf(memory, id)).toBe('OPEN');
    expect(await memory.must(reserve('a', '1'))).toMatchObject({ warnings: ['CLOCK_JUMPED'] });
    memory.time.pass(MINUTE - 1);
    await memory.turn();
    expect(stateOf(memory, id)).toBe('OPEN');
    memory.time.pass(1);
    expect(stateOf(memory, id)).toBe('EXPIRED');
  });

  test('is not prolonged, nor brought back, by a clock set back', async () => {
    const { memory, id } = await held();
    memory.time.jump(-HOUR);
    memory.time.pass(MINUTE);
    expect(stateOf(memory, id)).toBe('EXPIRED');
    await memory.turn();
    memory.time.jump(-YEAR);
    expect(stateOf(memory, id)).toBe('EXPIRED');
    const next = await memory.restart();
    expect(stateOf(next, id)).toBe('EXPIRED');
    expect(next.ledger.agent('a')?.agent.reserved).toBe(0n);
  });

  test('that was seen expired stays so over a restart with a clock set back', async () => {
    const { memory, id } = await held();
    memory.time.jump(-HOUR);
    memory.time.pass(MINUTE);
    expect(stateOf(memory, id)).toBe('EXPIRED');
    const next = await memory.restart();
    expect(stateOf(next, id)).toBe('EXPIRED');
  });
});
