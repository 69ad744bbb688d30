import { describe, expect, test } from 'vitest';
import {
  AlertCondition,
  CreateBudgetAlertRequestSchema,
  DeleteBudgetAlertRequestSchema,
  ListBudgetAlertsRequestSchema,
  UpdateBudgetAlertRequestSchema,
} from '../../../src/gen/safeguards/v1/alert_pb.js';
import { Severity } from '../../../src/gen/safeguards/v1/severity_pb.js';
import {
  decodeCreateAlert,
  decodeDeleteAlert,
  decodeListAlerts,
  decodeUpdateAlert,
} from '../../../src/rpc/decode/alert.js';
import { decoding, refusedFields } from '../support/requests.js';
import { amount } from '../support/rows.js';

const everyAgent = { case: 'everyAgent', value: true } as const;
const create = decoding(CreateBudgetAlertRequestSchema, { subject: everyAgent }, decodeCreateAlert);
const update = decoding(UpdateBudgetAlertRequestSchema, {}, decodeUpdateAlert);
const remove = decoding(DeleteBudgetAlertRequestSchema, { alertId: 'x' }, decodeDeleteAlert);
const list = decoding(ListBudgetAlertsRequestSchema, {}, decodeListAlerts);

test('what is left out means what the guide does', () => {
  expect(create()).toEqual({
    method: 'CREATE_ALERT',
    requestId: '',
    reason: '',
    alertId: '',
    scope: { kind: 'EVERY_AGENT', id: '' },
    condition: 'REMAINING_AT_MOST_PERCENT',
    thresholds: [{ value: amount('15'), severity: 'MEDIUM' }],
    rearmMargin: amount('5'),
    message: '',
  });
});

test.each([
  [
    { case: 'agentId', value: 'a' },
    { kind: 'AGENT', id: 'a' },
  ],
  [
    { case: 'poolId', value: 'p' },
    { kind: 'POOL', id: 'p' },
  ],
  [
    { case: 'eachAgentOfPoolId', value: 'p' },
    { kind: 'EACH_AGENT_OF_POOL', id: 'p' },
  ],
  [everyAgent, { kind: 'EVERY_AGENT', id: '' }],
] as const)('the subject %o', (subject, scope) => {
  expect(create({ subject })).toMatchObject({ scope });
});

test('thresholds are put in the order in which they are passed', () => {
  const thresholds = [
    { value: '5', severity: Severity.CRITICAL },
    { value: '20.5', severity: Severity.LOW },
    { value: '10.0' },
  ];
  const values = (condition: AlertCondition) => {
    const command = create({ thresholds, condition });
    if (!('thresholds' in command)) throw new Error('refused');
    return command.thresholds.map(({ value, severity }) => [value, severity]);
  };
  const ascending = [
    [amount('5'), 'CRITICAL'],
    [amount('10'), 'MEDIUM'],
    [amount('20.5'), 'LOW'],
  ];
  expect(values(AlertCondition.REMAINING_AT_MOST_PERCENT)).toEqual(ascending.toReversed());
  expect(values(AlertCondition.REMAINING_AT_MOST_AMOUNT)).toEqual(ascending.toReversed());
  expect(values(AlertCondition.USED_AT_LEAST_PERCENT)).toEqual(ascending);
  expect(values(AlertCondition.USED_AT_LEAST_AMOUNT)).toEqual(ascending);
});

test('durations are seconds as protobuf writes them', () => {
  const condition = AlertCondition.EXHAUSTION_WITHIN;
  const command = create({ condition, thresholds: [{ value: '90.5s' }, { value: '3600s' }] });
  expect(command).toMatchObject({
    thresholds: [{ value: amount('3600') }, { value: amount('90.5') }],
  });
});

const one = (value: string) => [{ value }];

describe('what is refused', () => {
  test.each([
    ['no subject', { subject: { case: undefined } }, ['subject']],
    ['not every agent', { subject: { case: 'everyAgent', value: false } }, ['every_agent']],
    ['no agent', { subject: { case: 'agentId', value: '' } }, ['agent_id']],
    ['a bad id', { alertId: '-' }, ['alert_id']],
    ['an unknown condition', { condition: 7 }, ['condition']],
    [
      'what remains of a limit',
      { subject: { case: 'limitId', value: 'l' }, thresholds: one('5') },
      ['condition'],
    ],
    ['no threshold', { condition: AlertCondition.USED_AT_LEAST_PERCENT }, ['thresholds']],
    [
      'nine',
      { thresholds: Array.from({ length: 9 }, (_, at) => ({ value: `${at}` })) },
      ['thresholds'],
    ],
    ['twice', { thresholds: [{ value: '5' }, { value: '5.0' }] }, ['thresholds[1].value']],
    ['above 100', { thresholds: one('100.1') }, ['thresholds[0].value']],
    ['below 0', { thresholds: one('-1') }, ['thresholds[0].value']],
    ['no value', { thresholds: one('') }, ['thresholds[0].value']],
    ['no severity', { thresholds: [{ value: '5', severity: 9 }] }, ['thresholds[0].severity']],
    [
      'nothing used',
      { condition: AlertCondition.USED_AT_LEAST_PERCENT, thresholds: one('0') },
      ['thresholds[0].value'],
    ],
    [
      'too much used',
      { condition: AlertCondition.USED_AT_LEAST_PERCENT, thresholds: one('1000.1') },
      ['thresholds[0].value'],
    ],
    [
      'nothing used, as an amount',
      { condition: AlertCondition.USED_AT_LEAST_AMOUNT, thresholds: one('0') },
      ['thresholds[0].value'],
    ],
    ...['3600', '59s', '7776001s', '1h', 's', '60.0001s', '-60s'].map(
      (value) =>
        [
          `a duration ${value}`,
          { condition: AlertCondition.EXHAUSTION_WITHIN, thresholds: one(value) },
          ['thresholds[0].value'],
        ] as const,
    ),
    ...['', 'x'.repeat(65)].map(
      (value) =>
        [
          `a level named "${value}"`,
          { condition: AlertCondition.SERVICE_LEVEL_AT_OR_BELOW, thresholds: one(value) },
          ['thresholds[0].value'],
        ] as const,
    ),
    [
      'a level named twice',
      {
        condition: AlertCondition.SERVICE_LEVEL_AT_OR_BELOW,
        thresholds: [...one('a'), ...one('b'), ...one('a')],
      },
      ['thresholds[2].value'],
    ],
    [
      'a level of a limit',
      {
        subject: { case: 'limitId', value: 'l' },
        condition: AlertCondition.SERVICE_LEVEL_AT_OR_BELOW,
        thresholds: one('minimal'),
      },
      ['condition'],
    ],
    ['a margin above 100', { rearmMargin: '100.1' }, ['rearm_margin']],
    ['no margin', { rearmMargin: 'x' }, ['rearm_margin']],
    ['a long message', { message: 'x'.repeat(513) }, ['message']],
    [
      'all at once',
      { alertId: '-', message: '\ud800', rearmMargin: '-1' },
      ['alert_id', 'rearm_margin', 'message'],
    ],
  ] as const)('%s', (_, over, fields) => {
    expect(refusedFields(create(over as never))).toEqual(fields);
  });

  test('of a change', () => {
    const refused = (paths: readonly string[], alert: object = {}) =>
      refusedFields(update({ alert: { id: 'x', ...alert }, updateMask: { paths: [...paths] } }));
    expect(refusedFields(update())).toEqual(['update_mask', 'alert']);
    expect(refused(['message', 'subject'])).toEqual(['update_mask']);
    expect(refused(['condition'])).toEqual(['alert.thresholds']);
    expect(refused(['thresholds'], { thresholds: one('5') })).toEqual(['alert.condition']);
    expect(refused(['condition', 'thresholds'])).toEqual(['alert.thresholds']);
    expect(refused(['rearm_margin'])).toEqual(['alert.rearm_margin']);
    expect(refusedFields(remove({ alertId: '' }))).toEqual(['alert_id']);
    expect(refusedFields(list({ agentId: 'a', poolId: 'p' }))).toEqual(['pool_id']);
  });
});

test('levels are in the order of their names and have no margin', () => {
  const levels = {
    condition: AlertCondition.SERVICE_LEVEL_AT_OR_BELOW,
    thresholds: [{ value: 'minimal' }, { value: 'emergency', severity: Severity.CRITICAL }],
  };
  expect(create(levels)).toMatchObject({
    condition: 'SERVICE_LEVEL_AT_OR_BELOW',
    thresholds: [
      { level: 'emergency', value: 0n, severity: 'CRITICAL' },
      { level: 'minimal', value: 0n, severity: 'MEDIUM' },
    ],
    rearmMargin: 0n,
  });
});

test('a change has what its mask names', () => {
  const alert = {
    id: 'x',
    condition: AlertCondition.USED_AT_LEAST_PERCENT,
    thresholds: one('75'),
    rearmMargin: '2',
    message: 'm',
  };
  const patch = (...paths: string[]) => update({ alert, updateMask: { paths } });
  expect(patch('message')).toEqual({
    method: 'UPDATE_ALERT',
    requestId: '',
    reason: '',
    alertId: 'x',
    patch: { message: 'm' },
    expectedRevision: undefined,
  });
  expect(patch('condition', 'thresholds', 'rearm_margin')).toMatchObject({
    patch: {
      condition: 'USED_AT_LEAST_PERCENT',
      thresholds: [{ value: amount('75'), severity: 'MEDIUM' }],
      rearmMargin: amount('2'),
    },
  });
});
