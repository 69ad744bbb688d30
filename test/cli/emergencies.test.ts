import { toJson } from '@bufbuild/protobuf';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { VERBS } from '../../src/cli/verbs/table.js';
import { BudgetAdminService } from '../../src/gen/safeguards/v1/budget_admin_service_pb.js';
import { BudgetService } from '../../src/gen/safeguards/v1/budget_service_pb.js';
import {
  EmergencyOutcome,
  EmergencyRule,
  EmergencyState,
} from '../../src/gen/safeguards/v1/emergency_pb.js';
import { commandLine, type Outcome } from './command-line.js';
import { FakeSidecar } from './fake-sidecar.js';

const agent = BudgetService.method;
const admin = BudgetAdminService.method;

let fake: FakeSidecar;
beforeAll(async () => {
  fake = await FakeSidecar.start();
});
beforeEach(() => fake.reset());
afterAll(() => {
  fake.close();
});

function call(...words: readonly string[]): Promise<Outcome> {
  const environment = {
    SAFEGUARDS_ADDRESS: fake.address,
    SAFEGUARDS_ADMIN_ADDRESS: fake.address,
    SAFEGUARDS_ADMIN_TOKEN: 'token-token-token-token',
  };
  return commandLine([...words], { environment });
}

/** The request of the last call, as JSON without its request_id. */
function asked(): unknown {
  const { method, request } = fake.calls.at(-1)!;
  const verb = VERBS.find((each) => each.method.name === method)!;
  const { requestId: _made, ...rest } = toJson(verb.method.input, request) as object & {
    requestId?: string;
  };
  return rest;
}

describe('a command line becomes a request', () => {
  test.each<[string, unknown]>([
    ['request a 50 --reason critical', { agentId: 'a', amount: '50', reason: 'critical' }],
    ['get e-1', { emergencyRequestId: 'e-1' }],
    [
      'list --agent a --pool p --state pending-approval',
      { agentId: 'a', poolId: 'p', state: 'EMERGENCY_STATE_PENDING_APPROVAL' },
    ],
    ['approve e-1', { emergencyRequestId: 'e-1' }],
    ['approve e-1 25 --reason ok', { emergencyRequestId: 'e-1', amount: '25', reason: 'ok' }],
    ['reject e-1 --reason no', { emergencyRequestId: 'e-1', reason: 'no' }],
    ['policy set', { policy: {} }],
    [
      'policy set p --no-enabled --priority-threshold 9 --critical-share 0.25 --per-day-max 10 ' +
        '--per-request-max 5 --cooldown 1h --approval-above 2 --approval-ttl 2m --mint ' +
        '--reason why --expected-revision 2',
      {
        poolId: 'p',
        policy: {
          enabled: false,
          priorityThreshold: 9,
          criticalShare: '0.25',
          perDayMax: '10',
          perRequestMax: '5',
          cooldown: '3600s',
          approvalAbove: '2',
          approvalTtl: '120s',
          mint: true,
        },
        reason: 'why',
        expectedRevision: '2',
      },
    ],
    ['policy set p --remove', { poolId: 'p', remove: true }],
    ['policy get p', { poolId: 'p' }],
  ])('emergency %s', async (words, expected) => {
    expect(await call('emergency', ...words.split(' '))).toMatchObject({ code: 0, err: '' });
    expect(asked()).toEqual(expected);
  });

  test('a policy is not set and removed at once', async () => {
    const { code, err } = await call('emergency', 'policy', 'set', '--remove', '--mint');
    expect([code, err]).toEqual([
      2,
      '--remove takes the policy away: leave the other options out.\n',
    ]);
    expect(fake.calls).toEqual([]);
  });
});

describe('an answer', () => {
  test('of a grant says by which rule, and exits with 0', async () => {
    fake.answer(agent.requestEmergencyAllocation, {
      sequence: 5n,
      outcome: EmergencyOutcome.APPROVED,
      rule: EmergencyRule.PRIORITY,
      explanation: 'Approved 50 USD in full: priority 8 is at least 7.',
      emergencyRequestId: 'e-1',
      budget: { agentId: 'a', available: '60', unit: 'USD', spent: '90', reserved: '0' },
    });
    expect(await call('emergency', 'request', 'a', '50', '--reason', 'x')).toEqual({
      code: 0,
      err: '',
      out:
        'APPROVED by PRIORITY. Approved 50 USD in full: priority 8 is at least 7.\n' +
        '  request   e-1\n' +
        'Written (entry 5). a has 60 USD available, 90 spent, 0 reserved.\n',
    });
  });

  test('of a denial says when to come back, and exits with 3', async () => {
    fake.answer(agent.requestEmergencyAllocation, {
      outcome: EmergencyOutcome.DENIED,
      rule: EmergencyRule.COOLDOWN,
      explanation: 'Denied 50 USD: the cooldown.',
      emergencyRequestId: 'e-2',
      retryTime: { seconds: 1_767_225_600n },
    });
    expect(await call('emergency', 'request', 'a', '50', '--reason', 'x')).toEqual({
      code: 3,
      err: '',
      out:
        'DENIED by COOLDOWN. Denied 50 USD: the cooldown.\n' +
        '  request   e-2\n' +
        '  retry at  2026-01-01T00:00:00.000Z\n',
    });
  });

  test('of an approval that was denied says that the request still waits', async () => {
    fake.answer(admin.approveEmergencyRequest, {
      outcome: EmergencyOutcome.DENIED,
      rule: EmergencyRule.POOL_MONEY,
      explanation: 'Denied 50 USD: no money.',
      emergencyRequest: { id: 'e-1', state: EmergencyState.PENDING_APPROVAL },
    });
    const { code, out } = await call('emergency', 'approve', 'e-1');
    expect([code, out]).toEqual([
      3,
      'DENIED by POOL_MONEY. Denied 50 USD: no money.\n  request   e-1\nIt still waits.\n',
    ]);
  });

  test('about a policy that is not there says what that means', async () => {
    expect(await call('emergency', 'policy', 'get')).toMatchObject({
      out: 'There is none: every emergency request is denied.\n',
    });
    expect(await call('emergency', 'policy', 'set', '--remove')).toMatchObject({
      out: 'Removed (nothing written).\n',
    });
  });

  test('about a policy shows every term', async () => {
    fake.answer(admin.getEmergencyPolicy, {
      policy: {
        poolId: 'p',
        enabled: true,
        priorityThreshold: 7,
        criticalShare: '0.5',
        cooldown: { seconds: 60n },
        approvalTtl: { seconds: 86_400n },
        approvalAbove: '40',
        revision: 2n,
      },
    });
    const { out } = await call('emergency', 'policy', 'get', 'p');
    expect(out.split('\n').map((line) => line.trimEnd())).toEqual([
      'NAME                VALUE',
      'of                  pool p',
      'enabled             true',
      'priority_threshold  7',
      'critical_share      0.5',
      "per_day_max         the agent's initial budget",
      'per_request_max     none',
      'cooldown            60 s',
      'approval_above      40',
      'approval_ttl        86400 s',
      'mint                false',
      'revision            2',
      '',
    ]);
  });
});
