/** What an operator may do about requests that wait, and what happens in between. */
import { formatAmount } from '../../src/domain/amount.js';
import type { SingleCommand } from '../../src/domain/decide/decide.js';
import { requestAsOf, type EmergencyState } from '../../src/domain/emergency/request.js';
import { sequenceKey } from '../../src/domain/violation.js';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  agentState,
  createAgent,
  createPool,
  deleteAgent,
  fundPool,
  moveAgent,
  poolState,
  spend,
  updateAgent,
} from '../fakes/commands.js';
import {
  approveEmergency,
  rejectEmergency,
  removeEmergencyPolicy,
  requestEmergency,
  setEmergencyPolicy,
} from '../fakes/emergency-commands.js';
import { DAY, MINUTE } from '../fakes/manual-time.js';
import { disagreements, worldWithPool, type World } from '../fakes/world.js';
import { money } from '../support/seed.js';

const TERMS = { approvalAbove: money('20'), perDayMax: money('100') };

let world: World;
beforeEach(() => {
  world = worldWithPool('1000');
  world.must(createAgent('a', 'p', '100', { priority: 8 }));
  world.must(spend('a', '90'));
  world.must(setEmergencyPolicy('p', TERMS));
});
afterEach(() => {
  expect(disagreements(world)).toEqual([]);
});

/** Asks for an amount that waits. */
function waiting(amount = '50', reason = 'x'): string {
  const { emergency } = world.must(requestEmergency('a', amount, reason));
  expect(emergency!.outcome).toBe('PENDING_APPROVAL');
  return emergency!.request.id;
}

/** `outcome amount rule`, or the reason of a rejection. */
function said(command: SingleCommand): string {
  const decided = world.do(command);
  if (decided.verdict === 'REJECTED') return decided.reason;
  const { outcome, approved, rule } = decided.outcome.emergency!;
  return `${outcome} ${formatAmount(approved)} ${rule}`;
}

function stateOf(id: string): EmergencyState {
  const { number } = world.row('emergency_request_ids', id)!;
  return requestAsOf(world.row('emergency_requests', sequenceKey(number))!, world.now).state;
}

function pendingNumbers(): readonly number[] {
  return [...world.rows('emergency_pending', {})].map(([, { number }]) => number);
}

describe('a request above what needs approval', () => {
  test('waits: no balance changes, one entry without postings says so', () => {
    const before = [world.budget('a'), world.money('p')];
    const { emergency, sequence } = world.must(requestEmergency('a', '50'));
    const { id } = emergency!.request;
    expect(emergency).toMatchObject({
      outcome: 'PENDING_APPROVAL',
      rule: 'APPROVAL',
      approved: 0n,
      explanation:
        '50 USD of 50 USD wait for an operator until 2026-01-02T08:00:00.000Z: ' +
        'more than 20 USD needs approval.',
      request: { approvable: money('50'), expireTime: world.now + DAY, endTime: 0, sequence: 0 },
    });
    expect(world.entries.at(-1)).toMatchObject({
      sequence,
      kind: 'CONFIGURE',
      accounts: [{ kind: 'AGENT', postings: [] }],
      changes: [{ field: `emergency_request/${id}.state`, before: '', after: 'PENDING_APPROVAL' }],
    });
    expect([world.budget('a'), world.money('p')]).toEqual(before);
  });

  test('is what the other rules leave of it: a share above it waits, one up to it does not', () => {
    world.must(updateAgent('a', { priority: 3 }));
    expect(said(requestEmergency('a', '40', 'critical'))).toBe(
      'PARTIALLY_APPROVED 20 CRITICAL_REASON',
    );
    expect(said(requestEmergency('a', '42', 'critical'))).toBe('PENDING_APPROVAL 0 APPROVAL');
  });

  test('waits whatever the pool has now, and counts in no cap until it is approved', () => {
    world.must(fundPool('p', '-900'));
    waiting('100');
    waiting('100');
    expect(pendingNumbers()).toEqual([1, 2]);
  });

  test('is denied while ten of the agent wait, until one is settled or expires', () => {
    const ids = Array.from({ length: 10 }, () => waiting());
    expect(world.do(requestEmergency('a', '50'))).toMatchObject({
      outcome: { emergency: { rule: 'TOO_MANY_PENDING', retryTime: world.now + DAY } },
    });
    expect(said(requestEmergency('a', '20'))).toBe('APPROVED 20 PRIORITY');
    world.must(rejectEmergency(ids[3]!));
    waiting();
    expect(said(requestEmergency('a', '50'))).toBe('DENIED 0 TOO_MANY_PENDING');
    world.now += DAY;
    waiting();
    expect(pendingNumbers()).toHaveLength(1);
    expect(stateOf(ids[0]!)).toBe('EXPIRED');
  });
});

describe('an operator', () => {
  test('approves all of it', () => {
    const id = waiting();
    const { emergency, sequence } = world.must(approveEmergency(id, undefined, { reason: 'ok' }));
    expect(emergency).toMatchObject({
      outcome: 'APPROVED',
      rule: 'OPERATOR',
      explanation: 'Approved 50 USD in full: an operator approved 50.',
      request: { state: 'APPROVED', note: 'ok', sequence, endTime: world.now },
    });
    expect(world.entries.at(-1)).toMatchObject({
      kind: 'EMERGENCY',
      amount: money('50'),
      metadata: [
        ['emergency_reason', 'x'],
        ['emergency_request_id', id],
      ],
    });
    expect(world.budget('a').remaining).toBe('60');
    expect(pendingNumbers()).toEqual([]);
  });

  test('approves less, never more than the policy would have', () => {
    world.must(updateAgent('a', { priority: 3 }));
    const id = waiting('60', 'critical');
    expect(said(approveEmergency(id, '30.000001'))).toBe('INVALID_REQUEST');
    expect(said(approveEmergency(id, '12.5'))).toBe('PARTIALLY_APPROVED 12.5 OPERATOR');
    expect(world.budget('a').remaining).toBe('22.5');
  });

  test('rejects it, by one entry', () => {
    const id = waiting();
    const before = world.budget('a');
    const { emergency } = world.must(rejectEmergency(id, { reason: 'can wait' }));
    expect(emergency!.request).toMatchObject({ state: 'REJECTED', note: 'can wait', approved: 0n });
    expect(world.entries.at(-1)).toMatchObject({
      kind: 'CONFIGURE',
      accounts: [],
      changes: [
        {
          field: `emergency_request/${id}.state`,
          before: 'PENDING_APPROVAL',
          after: 'REJECTED',
        },
      ],
    });
    expect(world.budget('a')).toEqual(before);
  });

  test('does not find what is not there', () => {
    expect(said(approveEmergency('nothing'))).toBe('EMERGENCY_REQUEST_NOT_FOUND');
    expect(said(rejectEmergency('nothing'))).toBe('EMERGENCY_REQUEST_NOT_FOUND');
  });
});

/** A request in every state, by a world of its own. */
const STATES: Readonly<Record<EmergencyState, () => string>> = {
  PENDING_APPROVAL: () => waiting(),
  APPROVED: () => world.must(requestEmergency('a', '20')).emergency!.request.id,
  PARTIALLY_APPROVED: () => {
    world.must(setEmergencyPolicy('p', { perRequestMax: money('5') }));
    return world.must(requestEmergency('a', '20')).emergency!.request.id;
  },
  DENIED: () => {
    world.must(removeEmergencyPolicy('p'));
    const decided = world.do(requestEmergency('a', '20'));
    return decided.verdict === 'JUDGED' ? decided.outcome.emergency!.request.id : '';
  },
  REJECTED: () => {
    const id = waiting();
    world.must(rejectEmergency(id));
    return id;
  },
  EXPIRED: () => {
    const id = waiting();
    world.now += DAY;
    return id;
  },
};

describe.each(Object.entries(STATES))('a request that is %s', (state, make) => {
  const pending = state === 'PENDING_APPROVAL';

  test('is in that state', () => {
    expect(stateOf(make())).toBe(state);
  });

  test(pending ? 'is approved' : 'is not approved', () => {
    const expected = pending ? 'APPROVED 50 OPERATOR' : 'EMERGENCY_REQUEST_NOT_PENDING';
    expect(said(approveEmergency(make()))).toBe(expected);
  });

  test(pending ? 'is rejected' : 'is not rejected', () => {
    const expected = pending ? 'DENIED 0 OPERATOR' : 'EMERGENCY_REQUEST_NOT_PENDING';
    expect(said(rejectEmergency(make()))).toBe(expected);
  });
});

describe('expiry', () => {
  test('comes when the ttl has passed, not a millisecond before, without any job', () => {
    world.must(setEmergencyPolicy('p', { ...TERMS, approvalTtlMs: MINUTE }));
    const [early, late] = [waiting('30'), waiting('30')];
    world.now += MINUTE - 1;
    expect(said(approveEmergency(early))).toBe('APPROVED 30 OPERATOR');
    world.now += 1;
    expect(said(approveEmergency(late))).toBe('EMERGENCY_REQUEST_NOT_PENDING');
  });
});

/** What happened between asking 50 and approving it, what the approval comes to, and a way out. */
type Between = readonly [
  name: string,
  happened: () => readonly SingleCommand[],
  expected: string,
  wayOut?: () => readonly SingleCommand[],
];

const BETWEEN: readonly Between[] = [
  [
    'the pool was drained',
    () => [fundPool('p', '-900')],
    'DENIED 0 POOL_MONEY',
    () => [fundPool('p', '50')],
  ],
  [
    'the pool was drained but for 30',
    () => [fundPool('p', '-870')],
    'PARTIALLY_APPROVED 30 POOL_MONEY',
  ],
  [
    'the cap was used up but for 10',
    () => Array.from({ length: 5 }, () => requestEmergency('a', '18')),
    'PARTIALLY_APPROVED 10 PER_DAY_MAX',
  ],
  [
    'the cap was used up',
    () => Array.from({ length: 5 }, () => requestEmergency('a', '20')),
    'DENIED 0 PER_DAY_MAX',
    () => [setEmergencyPolicy('p', { ...TERMS, perDayMax: money('1000') })],
  ],
  [
    'the policy caps requests now',
    () => [setEmergencyPolicy('p', { ...TERMS, perRequestMax: money('7') })],
    'PARTIALLY_APPROVED 7 PER_REQUEST_MAX',
  ],
  [
    'the policy was taken away',
    () => [removeEmergencyPolicy('p')],
    'DENIED 0 OFF',
    () => [setEmergencyPolicy('')],
  ],
  [
    'the agent was frozen',
    () => [agentState('FREEZE_AGENT', 'a')],
    'DENIED 0 AGENT_FROZEN',
    () => [agentState('UNFREEZE_AGENT', 'a')],
  ],
  [
    'the pool was frozen',
    () => [poolState('FREEZE_POOL', 'p')],
    'DENIED 0 POOL_FROZEN',
    () => [poolState('UNFREEZE_POOL', 'p')],
  ],
  ['the agent was deleted', () => [deleteAgent('a')], 'AGENT_CLOSED'],
  [
    'the agent was deleted and made anew',
    () => [deleteAgent('a'), createAgent('a', 'p', '100')],
    'AGENT_CLOSED',
  ],
  [
    'the agent’s priority was lowered',
    () => [updateAgent('a', { priority: 1 })],
    'APPROVED 50 OPERATOR',
  ],
  [
    'the agent got something and has to cool down',
    () => [setEmergencyPolicy('p', { ...TERMS, cooldownMs: DAY }), requestEmergency('a', '1')],
    'APPROVED 50 OPERATOR',
  ],
  [
    'the agent moved to a pool without money',
    () => [createPool('q', '0'), moveAgent('a', 'q'), setEmergencyPolicy('q')],
    'DENIED 0 POOL_MONEY',
  ],
  [
    'the agent moved to a pool without a policy',
    () => [createPool('q', '500'), moveAgent('a', 'q')],
    'DENIED 0 OFF',
  ],
  [
    'the agent moved to a pool with both',
    () => [createPool('q', '500'), moveAgent('a', 'q'), setEmergencyPolicy('q', TERMS)],
    'APPROVED 50 OPERATOR',
  ],
];

describe('when in between', () => {
  test.each(BETWEEN.map((row) => [row[0], row] as const))('%s', (_name, between) => {
    const [, happened, expected, wayOut] = between;
    const id = waiting();
    for (const command of happened()) world.must(command);
    const entries = world.entries.length;
    expect(said(approveEmergency(id))).toBe(expected);
    if (expected.includes('APPROVED')) {
      expect(world.entries.length).toBe(entries + 1);
      return;
    }
    // Nothing changed: it still waits, and may be approved when the cause is gone.
    expect([world.entries.length, stateOf(id)]).toEqual([entries, 'PENDING_APPROVAL']);
    if (wayOut === undefined) return;
    for (const command of wayOut()) world.must(command);
    expect(said(approveEmergency(id))).toBe('APPROVED 50 OPERATOR');
  });

  test('the agent moved, the pool that it is in pays and the request says so', () => {
    const id = waiting();
    const commands = [createPool('q', '500'), moveAgent('a', 'q'), setEmergencyPolicy('q', TERMS)];
    for (const command of commands) world.must(command);
    const before = world.money('p');
    const { emergency } = world.must(approveEmergency(id));
    expect(emergency!.request.poolId).toBe('q');
    expect(world.money('p')).toEqual(before);
    expect(world.money('q')).toMatchObject({ funded: '510', unallocated: '450' });
  });

  test('the agent moved to a pool with fewer decimals, what does not fit is cut', () => {
    const id = waiting('50.5');
    const whole = setEmergencyPolicy('q', { perDayMax: money('100') });
    for (const command of [createPool('q', '500', { scale: 0 }), moveAgent('a', 'q'), whole]) {
      world.must(command);
    }
    expect(said(approveEmergency(id))).toBe('PARTIALLY_APPROVED 50 OPERATOR');
  });
});

describe('an approval', () => {
  test('counts in the day and begins the cooldown', () => {
    world.must(setEmergencyPolicy('p', { ...TERMS, cooldownMs: MINUTE }));
    const id = waiting('90');
    world.must(approveEmergency(id));
    expect(said(requestEmergency('a', '20'))).toBe('DENIED 0 COOLDOWN');
    world.now += MINUTE;
    expect(said(requestEmergency('a', '20'))).toBe('PARTIALLY_APPROVED 10 PER_DAY_MAX');
  });
});
