/**
 * What every verb does to a reservation in every state. The table is complete by type: a state or a
 * verb without a cell does not compile. The agent has 100, the hold is of 40 and lives a minute.
 */
import { formatAmount } from '../../src/domain/amount.js';
import type { OveragePolicy, ReservationCommand } from '../../src/domain/command.js';
import { describe, expect, test } from 'vitest';
import { commit, createAgent, extend, release, reserve } from '../fakes/commands.js';
import { MINUTE } from '../fakes/manual-time.js';
import { disagreements, POLICY, verdictOf, worldWithPool, type World } from '../fakes/world.js';

/** How a reservation gets into its state, from OPEN at the moment it was made. */
const states = {
  'an open one': () => undefined,
  'one that is due and not swept': (world: World) => {
    world.now += MINUTE;
  },
  'a committed one': (world: World, id: string) => {
    world.must(commit(id, '25'));
  },
  'a released one': (world: World, id: string) => {
    world.must(release(id));
  },
  'an expired one': (world: World) => {
    world.now += MINUTE;
    world.sweep();
  },
  'an expired one that was settled late': (world: World, id: string) => {
    world.now += MINUTE;
    world.sweep();
    world.must(commit(id, '25'));
  },
  'an expired one whose late window is over': (world: World) => {
    world.now += MINUTE + POLICY.lateWindowMs;
    world.sweep();
  },
} as const satisfies Record<string, (world: World, id: string) => void>;

const over = (amount: string, overage: OveragePolicy) => (id: string) =>
  commit(id, amount, { overage });

const verbs = {
  'commit 25': (id: string) => commit(id, '25'),
  'commit 25 in part': (id: string) => commit(id, '25', { final: false }),
  'commit what is held': (id: string) => commit(id, undefined),
  'commit nothing': (id: string) => commit(id, '0'),
  'commit 120, settle actual': over('120', 'SETTLE_ACTUAL'),
  'commit 100, within available': over('100', 'WITHIN_AVAILABLE'),
  'commit 101, within available': over('101', 'WITHIN_AVAILABLE'),
  'commit 40, reject overage': over('40', 'REJECT'),
  'commit 41, reject overage': over('41', 'REJECT'),
  release: (id: string) => release(id),
  extend: (id: string) => extend(id, 5 * MINUTE),
} as const satisfies Record<string, (id: string) => ReservationCommand>;

type StateName = keyof typeof states;
type VerbName = keyof typeof verbs;

/** `verdict: state held/committed, agent spent/reserved`, then what else is said. */
type Cell = string;

const COMMITTED = 'RESERVATION_ALREADY_COMMITTED: COMMITTED 0/25, 25/0';
const RELEASED = 'RESERVATION_ALREADY_RELEASED: RELEASED 0/0, 0/0';
const SETTLED = 'RESERVATION_ALREADY_COMMITTED: EXPIRED 0/25, 25/0';
const OVER = 'RESERVATION_EXPIRED: EXPIRED 0/0, 0/0';
const LATE = 'late, LATE_COMMIT';

const table: Record<StateName, Record<VerbName, Cell>> = {
  'an open one': {
    'commit 25': 'OK: COMMITTED 0/25, 25/0',
    'commit 25 in part': 'OK: OPEN 15/25, 25/15',
    'commit what is held': 'OK: COMMITTED 0/40, 40/0',
    'commit nothing': 'OK: COMMITTED 0/0, 0/0',
    'commit 120, settle actual': 'OK: COMMITTED 0/120, 120/0, overage 80, OVERSPENT',
    'commit 100, within available': 'OK: COMMITTED 0/100, 100/0, overage 60',
    'commit 101, within available': 'ACTUAL_EXCEEDS_RESERVATION: OPEN 40/0, 0/40',
    'commit 40, reject overage': 'OK: COMMITTED 0/40, 40/0',
    'commit 41, reject overage': 'ACTUAL_EXCEEDS_RESERVATION: OPEN 40/0, 0/40',
    release: 'OK: RELEASED 0/0, 0/0',
    extend: 'OK: OPEN 40/0, 0/40, 5 minutes left',
  },
  'one that is due and not swept': {
    'commit 25': `OK: EXPIRED 0/25, 25/0, ${LATE}`,
    'commit 25 in part': `OK: EXPIRED 0/25, 25/0, ${LATE}`,
    'commit what is held': `OK: EXPIRED 0/40, 40/0, ${LATE}`,
    'commit nothing': `OK: EXPIRED 0/0, 0/0, ${LATE}`,
    'commit 120, settle actual':
      'OK: EXPIRED 0/120, 120/0, overage 80, late, OVERSPENT LATE_COMMIT',
    'commit 100, within available': `OK: EXPIRED 0/100, 100/0, overage 60, ${LATE}`,
    'commit 101, within available': 'ACTUAL_EXCEEDS_RESERVATION: EXPIRED 0/0, 0/40',
    'commit 40, reject overage': `OK: EXPIRED 0/40, 40/0, ${LATE}`,
    'commit 41, reject overage': 'ACTUAL_EXCEEDS_RESERVATION: EXPIRED 0/0, 0/40',
    release: 'OK: EXPIRED 0/0, 0/40',
    extend: 'RESERVATION_EXPIRED: EXPIRED 0/0, 0/40',
  },
  'a committed one': {
    'commit 25': COMMITTED,
    'commit 25 in part': COMMITTED,
    'commit what is held': COMMITTED,
    'commit nothing': COMMITTED,
    'commit 120, settle actual': COMMITTED,
    'commit 100, within available': COMMITTED,
    'commit 101, within available': COMMITTED,
    'commit 40, reject overage': COMMITTED,
    'commit 41, reject overage': COMMITTED,
    release: COMMITTED,
    extend: 'RESERVATION_EXPIRED: COMMITTED 0/25, 25/0',
  },
  'a released one': {
    'commit 25': RELEASED,
    'commit 25 in part': RELEASED,
    'commit what is held': RELEASED,
    'commit nothing': RELEASED,
    'commit 120, settle actual': RELEASED,
    'commit 100, within available': RELEASED,
    'commit 101, within available': RELEASED,
    'commit 40, reject overage': RELEASED,
    'commit 41, reject overage': RELEASED,
    release: 'OK: RELEASED 0/0, 0/0',
    extend: 'RESERVATION_EXPIRED: RELEASED 0/0, 0/0',
  },
  'an expired one': {
    'commit 25': `OK: EXPIRED 0/25, 25/0, ${LATE}`,
    'commit 25 in part': `OK: EXPIRED 0/25, 25/0, ${LATE}`,
    'commit what is held': `OK: EXPIRED 0/40, 40/0, ${LATE}`,
    'commit nothing': `OK: EXPIRED 0/0, 0/0, ${LATE}`,
    'commit 120, settle actual':
      'OK: EXPIRED 0/120, 120/0, overage 80, late, OVERSPENT LATE_COMMIT',
    'commit 100, within available': `OK: EXPIRED 0/100, 100/0, overage 60, ${LATE}`,
    'commit 101, within available': 'ACTUAL_EXCEEDS_RESERVATION: EXPIRED 0/0, 0/0',
    'commit 40, reject overage': `OK: EXPIRED 0/40, 40/0, ${LATE}`,
    'commit 41, reject overage': 'ACTUAL_EXCEEDS_RESERVATION: EXPIRED 0/0, 0/0',
    release: 'OK: EXPIRED 0/0, 0/0',
    extend: 'RESERVATION_EXPIRED: EXPIRED 0/0, 0/0',
  },
  'an expired one that was settled late': {
    'commit 25': SETTLED,
    'commit 25 in part': SETTLED,
    'commit what is held': SETTLED,
    'commit nothing': SETTLED,
    'commit 120, settle actual': SETTLED,
    'commit 100, within available': SETTLED,
    'commit 101, within available': SETTLED,
    'commit 40, reject overage': SETTLED,
    'commit 41, reject overage': SETTLED,
    release: 'OK: EXPIRED 0/25, 25/0',
    extend: 'RESERVATION_EXPIRED: EXPIRED 0/25, 25/0',
  },
  'an expired one whose late window is over': {
    'commit 25': OVER,
    'commit 25 in part': OVER,
    'commit what is held': OVER,
    'commit nothing': OVER,
    'commit 120, settle actual': OVER,
    'commit 100, within available': OVER,
    'commit 101, within available': OVER,
    'commit 40, reject overage': OVER,
    'commit 41, reject overage': OVER,
    release: 'OK: EXPIRED 0/0, 0/0',
    extend: OVER,
  },
};

function cellOf(state: StateName, verb: VerbName): Cell {
  const world = worldWithPool();
  world.must(createAgent('a', 'p', '100'));
  const id = world.must(reserve('a', '40', { ttlMs: MINUTE })).reservation!.id;
  states[state](world, id);
  const before = world.headSequence;
  const madeAt = world.hold(id).expireTime;

  const decided = world.do(verbs[verb](id));

  expect(disagreements(world)).toEqual([]);
  const hold = world.hold(id);
  const { spent, reserved } = world.budget('a');
  const facts: string[] = [];
  if (decided.verdict === 'JUDGED') {
    const { outcome } = decided;
    if (outcome.secondAmount !== 0n) facts.push(`overage ${formatAmount(outcome.secondAmount)}`);
    if (outcome.late) facts.push('late');
    if (outcome.warnings.length > 0) facts.push(outcome.warnings.join(' '));
    if (outcome.sequence > 0) expect(outcome.sequence).toBe(world.headSequence);
    else expect(world.headSequence).toBe(before);
  } else {
    expect(world.headSequence).toBe(before);
  }
  if (hold.expireTime !== madeAt) {
    facts.push(`${(hold.expireTime - world.now) / MINUTE} minutes left`);
  }
  const amounts = `${formatAmount(hold.held)}/${formatAmount(hold.committed)}`;
  const said = `${verdictOf(decided)}: ${hold.state} ${amounts}, ${spent}/${reserved}`;
  return [said, ...facts].join(', ');
}

describe.each(Object.keys(states) as StateName[])('a reservation: %s', (state) => {
  test.each(Object.keys(verbs) as VerbName[])('%s', (verb) => {
    expect(cellOf(state, verb)).toBe(table[state][verb]);
  });
});
