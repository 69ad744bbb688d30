import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { runs } from '../support/seed.js';
import { budgetMachine, type Budget, type Input, type Output } from './budget-machine.js';
import { linearize, type Machine, type Operation } from './checker.js';

type Step = Operation<Input, Output>;

const machine = budgetMachine(100n);

function step(invoked: number, over: number, input: Input, output?: Partial<Output>): Step {
  const answer = { verdict: 'APPROVED', amount: 0n, replayed: false, balance: undefined };
  return { invoked, over, input, output: output && { ...answer, ...output } };
}

const spend = (requestId: string, amount: bigint): Input => {
  return { kind: 'spend', requestId, amount, upTo: false };
};
const reserve = (requestId: string, amount: bigint): Input => {
  return { kind: 'reserve', requestId, amount, upTo: false };
};
const commit = (requestId: string, hold: string, amount?: bigint): Input => {
  return { kind: 'commit', requestId, hold, amount, final: true };
};
const get: Input = { kind: 'get' };
const shows = (spent: bigint, reserved = 0n) => ({ balance: { spent, reserved } });

const accepted = (...history: readonly Step[]) => linearize(machine, history).linearizable;

describe('a history is accepted', () => {
  test('when one thing happened after the other', () => {
    expect(
      accepted(
        step(0, 1, spend('a', 60n), { amount: 60n, ...shows(60n) }),
        step(2, 3, spend('b', 60n), { verdict: 'DENIED', ...shows(60n) }),
        step(4, 5, reserve('c', 40n), { amount: 40n, ...shows(60n, 40n) }),
        step(6, 7, commit('d', 'c', 30n), { amount: 30n, ...shows(90n) }),
        step(8, 9, commit('e', 'c'), { verdict: 'RESERVATION_ALREADY_COMMITTED' }),
        step(10, 11, get, shows(90n)),
      ),
    ).toBe(true);
  });

  test('when what overlapped happened in the other order', () => {
    expect(
      accepted(
        step(0, 10, spend('a', 60n), { verdict: 'DENIED', ...shows(70n) }),
        step(1, 9, spend('b', 70n), { amount: 70n, ...shows(70n) }),
        step(2, 3, get, shows(0n)),
      ),
    ).toBe(true);
  });

  test('when what was not answered happened, or did not', () => {
    const lost = step(0, 5, spend('a', 60n));
    expect(accepted(lost, step(6, 7, get, shows(60n)))).toBe(true);
    expect(accepted(lost, step(6, 7, get, shows(0n)))).toBe(true);
    const again = { amount: 60n, ...shows(60n) };
    expect(accepted(lost, step(6, 7, spend('a', 60n), again))).toBe(true);
    expect(accepted(lost, step(6, 7, spend('a', 60n), { amount: 60n, replayed: true }))).toBe(true);
  });
});

describe('a history is refused', () => {
  test('when both of two that do not fit were approved', () => {
    expect(
      accepted(
        step(0, 10, spend('a', 60n), { amount: 60n }),
        step(0, 10, spend('b', 60n), { amount: 60n }),
      ),
    ).toBe(false);
  });

  test('when a read shows what was before an answer that was over', () => {
    expect(accepted(step(0, 1, spend('a', 10n), { amount: 10n }), step(2, 3, get, shows(0n)))).toBe(
      false,
    );
  });

  test('when two reads see two spends in different orders', () => {
    expect(
      accepted(
        step(0, 100, spend('a', 10n), { amount: 10n }),
        step(0, 100, spend('b', 20n), { amount: 20n }),
        step(10, 20, get, shows(10n)),
        step(30, 40, get, shows(20n)),
      ),
    ).toBe(false);
  });

  test('when one request was applied twice', () => {
    const once = step(0, 1, spend('a', 10n), { amount: 10n });
    const again = step(2, 3, spend('a', 10n), { amount: 10n, replayed: true });
    expect(accepted(once, again, step(4, 5, get, shows(10n)))).toBe(true);
    expect(accepted(once, again, step(4, 5, get, shows(20n)))).toBe(false);
    expect(accepted(once, step(2, 3, spend('a', 10n), { amount: 10n }))).toBe(false);
  });

  test('when other content under the same id was carried out', () => {
    const once = step(0, 1, spend('a', 10n), { amount: 10n });
    expect(accepted(once, step(2, 3, spend('a', 11n), { amount: 11n }))).toBe(false);
    expect(accepted(once, step(2, 3, spend('a', 11n), { verdict: 'REQUEST_ID_REUSED' }))).toBe(
      true,
    );
  });

  test('when an acknowledged spend is gone after a restart', () => {
    expect(
      accepted(
        step(0, 1, spend('a', 10n), { amount: 10n }),
        step(2, 5, spend('b', 10n)),
        step(6, 7, get, shows(0n)),
      ),
    ).toBe(false);
  });

  test('when something that was not answered happens after nobody could do it', () => {
    expect(
      accepted(
        step(0, 5, spend('a', 60n)),
        step(6, 7, get, shows(0n)),
        step(8, 9, get, shows(60n)),
      ),
    ).toBe(false);
  });

  test('when half of what was not answered happened', () => {
    expect(accepted(step(0, 5, spend('a', 60n)), step(6, 7, get, shows(30n)))).toBe(false);
  });

  test('when one hold was committed twice, or committed and released', () => {
    const held = step(0, 1, reserve('h', 50n), { amount: 50n });
    const first = step(2, 9, commit('a', 'h'), { amount: 50n });
    const release = { kind: 'release', requestId: 'r', hold: 'h' } as const;
    expect(accepted(held, first, step(2, 9, commit('b', 'h'), { amount: 50n }))).toBe(false);
    expect(accepted(held, first, step(2, 9, release, { amount: 50n }))).toBe(false);
    const late = { verdict: 'RESERVATION_ALREADY_COMMITTED' };
    expect(accepted(held, first, step(2, 9, release, late))).toBe(true);
  });
});

/** Short histories whose answers are mostly right. */
const histories = fc.array(
  fc.record({
    invoked: fc.nat(12),
    lasts: fc.nat(8),
    input: fc.oneof(
      fc.record({
        kind: fc.constantFrom('spend' as const, 'reserve' as const),
        requestId: fc.constantFrom('a', 'b', 'c'),
        amount: fc.constantFrom(40n, 70n),
        upTo: fc.boolean(),
      }),
      fc.record({
        kind: fc.constant('release' as const),
        requestId: fc.constantFrom('d', 'e'),
        hold: fc.constantFrom('a', 'b'),
      }),
      fc.constant(get),
    ),
    answered: fc.integer({ min: 0, max: 4 }).map((dice) => dice > 0),
    place: fc.nat(12),
    lie: fc.integer({ min: 0, max: 9 }).map((dice) => dice === 0),
  }),
  { maxLength: 6 },
);

/** Whether any order at all is right: every one is tried. */
function bruteForce<S>(target: Machine<S, Input, Output>, history: readonly Step[]): boolean {
  const search = (state: S, left: readonly Step[]): boolean => {
    if (left.every(({ output }) => output === undefined)) return true;
    return left.some((one) => {
      // Whatever was over before it began comes first, or never came.
      const before = left.filter((other) => other.over < one.invoked);
      if (before.some(({ output }) => output !== undefined)) return false;
      const after = target.step(state, one);
      const rest = left.filter((other) => other !== one && !before.includes(other));
      return after !== undefined && search(after, rest);
    });
  };
  return search(target.initial, history);
}

test('the search finds an order exactly when there is one', () => {
  let found = 0;
  let total = 0;
  fc.assert(
    fc.property(histories, (drawn) => {
      // Answered by a machine that took them by their places, now and then with a lie.
      const answers = new Map<number, Output>();
      let state: Budget = machine.initial;
      const places = drawn.map((_, at) => at).sort((a, b) => drawn[a]!.place - drawn[b]!.place);
      for (const at of places) {
        const { input, lie } = drawn[at]!;
        const bare = { input, invoked: 0, over: 0, output: undefined };
        const after = machine.step(state, bare)!;
        answers.set(at, answerOf(state, after, input, lie));
        state = after;
      }
      const history = drawn.map(({ invoked, lasts, input, answered }, at): Step => {
        const output = answered ? answers.get(at) : undefined;
        return { invoked, over: invoked + lasts, input, output };
      });
      const expected = bruteForce(machine, history);
      total += 1;
      if (expected) found += 1;
      expect(linearize(machine, history).linearizable).toBe(expected);
    }),
    runs('histories', 3_000),
  );
  // Neither verdict is rare.
  expect(found / total).toBeGreaterThan(0.1);
  expect(found / total).toBeLessThan(0.95);
});

/** What the machine answered, from the states around it. */
function answerOf(before: Budget, after: Budget, input: Input, lie: boolean): Output {
  const sum = ({ holds }: Budget) => [...holds.values()].reduce((all, { held }) => all + held, 0n);
  const balance = { spent: after.spent, reserved: sum(after) };
  const moved = after.spent - before.spent + sum(after) - sum(before);
  const isDone = after.records.size > before.records.size || input.kind === 'get';
  const amount = input.kind === 'release' ? -moved : moved;
  return {
    verdict: isDone ? 'APPROVED' : 'DENIED',
    amount: lie ? amount + 1n : amount,
    replayed: false,
    balance,
  };
}
