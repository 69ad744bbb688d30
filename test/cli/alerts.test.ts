import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { toJson } from '@bufbuild/protobuf';
import { AlertCondition } from '../../src/gen/safeguards/v1/alert_pb.js';
import { BudgetAdminService } from '../../src/gen/safeguards/v1/budget_admin_service_pb.js';
import { Severity } from '../../src/gen/safeguards/v1/severity_pb.js';
import { VERBS } from '../../src/cli/verbs/table.js';
import { commandLine } from './command-line.js';
import { FakeSidecar } from './fake-sidecar.js';

const { createBudgetAlert, listBudgetAlerts } = BudgetAdminService.method;

let fake: FakeSidecar;
beforeAll(async () => {
  fake = await FakeSidecar.start();
});
beforeEach(() => fake.reset());
afterAll(() => fake.close());

function call(words: string) {
  const environment = { SAFEGUARDS_ADMIN_ADDRESS: fake.address, SAFEGUARDS_ADMIN_TOKEN: 't' };
  return commandLine(words.split(' '), { environment });
}

test.each([
  ['alert create --every-agent', { everyAgent: true }],
  [
    'alert create low 15% 5:critical --each-agent-of-pool p --rearm-margin 2',
    {
      alertId: 'low',
      eachAgentOfPoolId: 'p',
      thresholds: [{ value: '15' }, { value: '5', severity: 'SEVERITY_CRITICAL' }],
      rearmMargin: '2',
    },
  ],
  [
    'alert create soon 2h:high --agent a --condition exhaustion-within --message hurry',
    {
      alertId: 'soon',
      agentId: 'a',
      condition: 'ALERT_CONDITION_EXHAUSTION_WITHIN',
      thresholds: [{ value: '7200s', severity: 'SEVERITY_HIGH' }],
      message: 'hurry',
    },
  ],
  [
    'alert create degraded minimal:medium emergency --agent a --condition service-level-at-or-below',
    {
      alertId: 'degraded',
      agentId: 'a',
      condition: 'ALERT_CONDITION_SERVICE_LEVEL_AT_OR_BELOW',
      thresholds: [{ value: 'minimal', severity: 'SEVERITY_MEDIUM' }, { value: 'emergency' }],
    },
  ],
  [
    'alert update low 2.50:info --condition remaining-at-most-amount',
    {
      alert: {
        id: 'low',
        condition: 'ALERT_CONDITION_REMAINING_AT_MOST_AMOUNT',
        thresholds: [{ value: '2.50', severity: 'SEVERITY_INFO' }],
      },
      updateMask: 'condition,thresholds',
    },
  ],
  ['alert delete low --expected-revision 3', { alertId: 'low', expectedRevision: '3' }],
])('%s', async (words, expected) => {
  expect((await call(words)).code).toBe(0);
  const { method, request } = fake.calls.at(-1)!;
  const verb = VERBS.find((each) => each.method.name === method)!;
  const { requestId, ...rest } = toJson(verb.method.input, request) as Record<string, unknown>;
  expect(requestId).not.toBe('');
  if (rest['updateMask'] !== undefined) {
    rest['updateMask'] = (rest['updateMask'] as string).split(',').sort().join(',');
  }
  expect(rest).toEqual(expected);
});

test('what is no threshold is said so', async () => {
  const { code, err } = await call('alert create low :high --every-agent');
  expect(code).toBe(2);
  expect(err).toContain('":high" is no threshold. Write one like 15:medium or 2h:critical.');
});

test('alerts are shown with whom they watch and when they speak', async () => {
  const low = {
    id: 'low',
    subject: { case: 'eachAgentOfPoolId', value: 'p' } as const,
    condition: AlertCondition.REMAINING_AT_MOST_PERCENT,
    thresholds: [
      { value: '15', severity: Severity.MEDIUM },
      { value: '5', severity: Severity.CRITICAL },
    ],
    rearmMargin: '5',
    revision: 1n,
  };
  fake.answer(createBudgetAlert, { sequence: 12n, alert: low });
  expect((await call('alert create low 15 5:critical --each-agent-of-pool p')).out).toBe(
    'Created (entry 12). Alert low on each agent of p: ' +
      'REMAINING_AT_MOST_PERCENT 15:medium 5:critical.\n',
  );
  fake.answer(listBudgetAlerts, { alerts: [low] });
  expect((await call('alert list')).out).toBe(
    [
      'ALERT  SUBJECT          CONDITION                  THRESHOLDS            MARGIN  REVISION',
      'low    each agent of p  REMAINING_AT_MOST_PERCENT  15:medium 5:critical  5       1',
      '',
    ].join('\n'),
  );
});
