/** Documents that describe every rule an operator declares, applied over the wire. */
import type { Client } from '@grpc/grpc-js';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { BudgetAdminService } from '../../src/gen/safeguards/v1/budget_admin_service_pb.js';
import { MemoryLedger } from '../fakes/memory-ledger.js';
import { ROOT } from '../support/sidecar.js';
import { asAdmin, connect, failing, unary } from './support/grpc.js';
import { serve } from './support/harness.js';

const { applyConfiguration } = BudgetAdminService.method;

let memory: MemoryLedger;
let operators: Client;
beforeEach(async () => {
  memory = await MemoryLedger.open();
  onTestFinished(() => memory.ledger.close());
  operators = connect((await serve({ ledger: memory.ledger })).admin);
});

interface Terms {
  readonly dryRun?: boolean;
  readonly prune?: boolean;
}

/** The actions by their numbers. */
const WORDS = ['', 'CREATE', 'UPDATE', 'DELETE', 'MOVE'];

/** What a document changes, in words. */
async function apply(document: string, terms: Terms = {}): Promise<readonly string[]> {
  const { changes } = await unary(operators, applyConfiguration, { document, ...terms }, asAdmin());
  return changes.map(({ action, objectKind, objectId, fields }) =>
    [WORDS[action], objectKind, objectId, ...(fields.length > 0 ? [fields.join(',')] : [])]
      .filter((word) => word !== '')
      .join(' '),
  );
}

const refusal = (document: string, terms: Terms = {}) =>
  failing(operators, applyConfiguration, { document, ...terms }, asAdmin());

const BASE = `
pools:
  - { pool_id: p, initial_budget: 1000 }
agents:
  - { agent_id: a, pool_id: p, initial_budget: 100 }
`;

const EVERYTHING = `${BASE}
service_levels:
  - { name: full, min_percent: 40, features: [all] }
  - { name: lean, min_percent: 0 }
emergency_policies:
  - { priority_threshold: 9 }
  - { pool_id: p, per_day_max: 50, cooldown: 10m, mint: false }
budget_alerts:
  - { alert_id: on-limit, limit_id: daily, condition: USED_AT_LEAST_PERCENT, thresholds: [{ value: 90, severity: HIGH }] }
  - { alert_id: low, every_agent: true }
  - { alert_id: degraded, agent_id: a, condition: SERVICE_LEVEL_AT_OR_BELOW, thresholds: [{ value: lean }] }
spending_limits:
  - { limit_id: daily, name: Daily, agent_id: a, window: DAY, time_zone: Europe/Berlin, value: 60 }
  - { limit_id: rolling, pool_id: p, window: LIMIT_WINDOW_ROLLING, rolling_duration: 1h, value: 500, enforcement: OBSERVE }
budget_monitors:
  - { monitor_id: small, name: Small, every_agent: true, expression: amount <= 50, action: REPORT }
schedules:
  - { schedule_id: monthly, cron: 0 0 1 * *, time_zone: UTC, set_budget: { each_agent_of_pool_id: p, amount: 100, reset_baseline: true } }
  - { schedule_id: review, interval: 24h, review_budgets: {} }
`;

const CREATED = [
  'CREATE pool p',
  'CREATE agent a',
  'CREATE service_levels',
  'CREATE emergency_policy',
  'CREATE emergency_policy p',
  'CREATE spending_limit daily',
  'CREATE spending_limit rolling',
  'CREATE budget_monitor small',
  'CREATE budget_alert on-limit',
  'CREATE budget_alert low',
  'CREATE budget_alert degraded',
  'CREATE schedule monthly',
  'CREATE schedule review',
];

describe('a document of everything', () => {
  test('is made in one transaction, what others need first', async () => {
    expect(await apply(EVERYTHING)).toEqual(CREATED);
    expect(await memory.verify()).toMatchObject({ clean: true });
  });

  test('applied again changes nothing and writes nothing', async () => {
    await apply(EVERYTHING);
    const { head } = memory;
    expect(await apply(EVERYTHING)).toEqual([]);
    expect(await apply(EVERYTHING, { prune: true })).toEqual([]);
    expect(memory.head).toBe(head);
  });

  test('in a dry run shows the same and makes none of it', async () => {
    const { head } = memory;
    expect(await apply(EVERYTHING, { dryRun: true })).toEqual(CREATED);
    expect(memory.head).toBe(head);
    expect(await apply(EVERYTHING)).toEqual(CREATED);
  });
});

describe('a rule that is described otherwise', () => {
  beforeEach(async () => {
    await apply(EVERYTHING);
  });

  test.each([
    ['value: 60', 'value: 61', 'UPDATE spending_limit daily value'],
    ['name: Daily, ', '', 'UPDATE spending_limit daily name'],
    [
      'enforcement: OBSERVE',
      'severity: HIGH',
      'UPDATE spending_limit rolling enforcement,severity',
    ],
    ['amount <= 50', 'amount <= 51', 'UPDATE budget_monitor small expression'],
    [
      'every_agent: true }',
      'every_agent: true, message: wake up }',
      'UPDATE budget_alert low message',
    ],
    [
      'thresholds: [{ value: lean }]',
      'thresholds: [{ value: full }]',
      'UPDATE budget_alert degraded thresholds',
    ],
    ['interval: 24h', 'interval: 2d', 'UPDATE schedule review interval_ms'],
    ['0 0 1 * *', '0 6 1 * *', 'UPDATE schedule monthly cron'],
    ['amount: 100', 'amount: 90', 'UPDATE schedule monthly action'],
    ['per_day_max: 50', 'per_day_max: 60', 'UPDATE emergency_policy p per_day_max'],
    [
      'priority_threshold: 9',
      'priority_threshold: 8',
      'UPDATE emergency_policy priority_threshold',
    ],
    ['min_percent: 40', 'min_percent: 50', 'UPDATE service_levels service_levels'],
  ])('%s -> %s', async (before, after, change) => {
    const next = EVERYTHING.replace(before, after);
    expect(next).not.toBe(EVERYTHING);
    expect(await apply(next, { dryRun: true })).toEqual([change]);
    expect(await apply(next)).toEqual([change]);
    expect(await apply(next)).toEqual([]);
  });

  test.each([
    ['agent_id: a, window', 'each_agent_of_pool_id: p, window', 'spending_limits[0].scope'],
    ['window: DAY', 'window: WEEK', 'spending_limits[0].window'],
    ['value: 60', 'value: 60, metric: tokens', 'spending_limits[0].metric'],
    ['Small, every_agent: true', 'Small, agent_id: a', 'budget_monitors[0].scope'],
    ['low, every_agent: true', 'low, pool_id: p', 'budget_alerts[1].subject'],
  ])('cannot change what is immutable: %s -> %s', async (before, after, field) => {
    const next = EVERYTHING.replace(before, after).replace('value: 61', 'value: 62');
    expect(next).not.toBe(EVERYTHING);
    expect(await refusal(next)).toMatchObject({ reason: 'INVALID_REQUEST', fields: [field] });
  });

  test('goes when it is pruned and its kind has a list, and stays where there is none', async () => {
    expect(await apply(BASE, { prune: true })).toEqual([]);
    expect(await apply(`${BASE}budget_alerts: []\nschedules: []\n`)).toEqual([]);
    const kinds = ['emergency_policies', 'spending_limits', 'budget_monitors', 'budget_alerts'];
    const keep = '- { alert_id: low, every_agent: true }';
    const document = `${BASE}${kinds.map((kind) => `${kind}: []\n`).join('')}`;
    const kept = document.replace('budget_alerts: []', `budget_alerts: [${keep.slice(2)}]`);
    expect(await apply(`${kept}schedules: []\nservice_levels: []\n`, { prune: true })).toEqual([
      'DELETE service_levels',
      'DELETE schedule monthly',
      'DELETE schedule review',
      'DELETE budget_alert degraded',
      'DELETE budget_alert on-limit',
      'DELETE budget_monitor small',
      'DELETE spending_limit daily',
      'DELETE spending_limit rolling',
      'DELETE emergency_policy',
      'DELETE emergency_policy p',
    ]);
    expect(await memory.verify()).toMatchObject({ clean: true });
  });

  test('goes with the pool and the agents that prune takes away', async () => {
    const scoped = `${EVERYTHING}
  - { schedule_id: top-up, interval: 1h, set_budget: { agent_id: a, amount: 1 } }
`;
    expect(await apply(scoped)).toEqual(['CREATE schedule top-up']);
    await apply('agents: [{ agent_id: a, service_levels: [{ name: all, min_percent: 0 }] }]');
    const nobody = 'pools: []\nagents: []\n';
    const gone = [
      'DELETE agent a',
      'DELETE service_levels a',
      'DELETE spending_limit daily',
      'DELETE budget_alert degraded',
      'DELETE budget_alert on-limit',
      'DELETE schedule top-up',
      'DELETE pool p',
      'DELETE emergency_policy p',
      'DELETE spending_limit rolling',
      'DELETE schedule monthly',
    ];
    expect(await apply(nobody, { prune: true, dryRun: true })).toEqual(gone);
    expect(await apply(nobody, { prune: true })).toEqual(gone);
    expect(await apply(EVERYTHING)).toEqual(
      CREATED.filter((change) => gone.includes(change.replace('CREATE', 'DELETE'))),
    );
    expect(await memory.verify()).toMatchObject({ clean: true });
  });

  test('takes the alerts of a limit with it, and says so', async () => {
    const document = EVERYTHING.replace(/ {2}- \{ limit_id: daily.*\n/, '').replace(
      /budget_alerts:\n( {2}- .*\n)+/,
      '',
    );
    expect(await apply(document, { prune: true })).toEqual([
      'DELETE spending_limit daily',
      'DELETE budget_alert on-limit',
    ]);
  });
});

describe('a pruned document without one of the lists of pools and agents', () => {
  test.each([
    ['', ['pools', 'agents']],
    ['# all budgets are commented out\n', ['pools', 'agents']],
    ['schedules: []\n', ['pools', 'agents']],
    ['pools: []\nagents:\n', ['agents']],
    ['agents: []\n', ['pools']],
  ])('is refused, since it would delete them all: %j', async (document, fields) => {
    await apply(EVERYTHING);
    for (const dryRun of [false, true]) {
      expect(await refusal(document, { prune: true, dryRun })).toMatchObject({
        reason: 'INVALID_REQUEST',
        fields,
      });
    }
    expect(await apply(EVERYTHING)).toEqual([]);
  });
});

describe('what is wrong', () => {
  test('is named where it stands, all at once', async () => {
    const failure = await refusal(`${BASE}
emergency_policies:
  - { pool_id: p, priority_threshold: 12 }
  - { pool_id: p, enabled: maybe }
spending_limits:
  - { limit_id: l, agent_id: a, value: -1, window: FORTNIGHT }
  - { name: nameless, agent_id: a, value: 1 }
  - { limit_id: m, agent_id: a, pool_id: p, value: 1, colour: red }
budget_monitors: [text]
budget_alerts:
  - { alert_id: x, every_agent: true, thresholds: [{ value: 101 }] }
  - { alert_id: x, every_agent: true, thresholds: { value: 1 } }
schedules:
  - { schedule_id: s, interval: soon, set_budget: { agent_id: a, amount: x } }
  - { schedule_id: t, interval: 1h, set_budget: { agent_id: a, amount: x } }
  - { schedule_id: u }
service_levels: [{ name: one, min_percent: 1 }]
`);
    expect([...failure.fields].sort()).toEqual([
      'budget_alerts[0].thresholds[0].value',
      'budget_alerts[1].alert_id',
      'budget_alerts[1].thresholds',
      'budget_monitors[0]',
      'emergency_policies[0].priority_threshold',
      'emergency_policies[1].enabled',
      'emergency_policies[1].pool_id',
      'schedules[0].interval',
      'schedules[1].set_budget.amount',
      'schedules[2].action',
      'schedules[2].cron',
      'service_levels',
      'spending_limits[0].window',
      'spending_limits[1].limit_id',
      'spending_limits[2].colour',
      'spending_limits[2].pool_id',
    ]);
  });

  test('in what is decided has its place too, and nothing of the document is applied', async () => {
    const { head } = memory;
    const digits = `${BASE}spending_limits:\n  - { limit_id: l, agent_id: a, value: 0.0000000001 }\n`;
    expect(await refusal(digits)).toMatchObject({
      reason: 'INVALID_REQUEST',
      fields: ['spending_limits[0].value'],
      metadata: { object: 'spending_limit l' },
    });
    const unknown = `${BASE}budget_alerts:\n  - { alert_id: x, agent_id: nobody }\n`;
    expect(await refusal(unknown)).toMatchObject({
      reason: 'AGENT_NOT_FOUND',
      metadata: { object: 'budget_alert x' },
    });
    const broken = `${BASE}budget_monitors:\n  - { monitor_id: m, every_agent: true, expression: amount < }\n`;
    expect(await refusal(broken)).toMatchObject({
      reason: 'EXPRESSION_INVALID',
      metadata: { object: 'budget_monitor m' },
    });
    expect(memory.head).toBe(head);
  });

  test('in an update has the same place as in a creation', async () => {
    await apply(EVERYTHING);
    const finer = EVERYTHING.replace('value: 60', 'value: 60.0000000001');
    expect(await refusal(finer)).toMatchObject({ fields: ['spending_limits[0].value'] });
    const wide = EVERYTHING.replace(
      'low, every_agent: true',
      'low, every_agent: true, rearm_margin: 90',
    );
    expect(await refusal(wide)).toMatchObject({ fields: ['budget_alerts[1].rearm_margin'] });
  });
});

test('what a document made is what the single calls show', async () => {
  await apply(EVERYTHING);
  const { getSpendingLimit, getBudgetAlert, getSchedule, getEmergencyPolicy, getBudgetMonitor } =
    BudgetAdminService.method;
  expect(await unary(operators, getSpendingLimit, { limitId: 'rolling' }, asAdmin())).toMatchObject(
    {
      limit: { scope: { value: 'p' }, rollingDuration: { seconds: 3_600n }, enforcement: 2 },
    },
  );
  expect(await unary(operators, getBudgetAlert, { alertId: 'low' }, asAdmin())).toMatchObject({
    alert: { thresholds: [{ value: '15' }], rearmMargin: '5' },
  });
  expect(await unary(operators, getSchedule, { scheduleId: 'monthly' }, asAdmin())).toMatchObject({
    schedule: { name: 'monthly', cron: '0 0 1 * *', action: { case: 'setBudget' } },
  });
  expect(await unary(operators, getBudgetMonitor, { monitorId: 'small' }, asAdmin())).toMatchObject(
    {
      monitor: { expression: 'amount <= 50' },
    },
  );
  expect(await unary(operators, getEmergencyPolicy, { poolId: 'p' }, asAdmin())).toMatchObject({
    policy: { poolId: 'p', perDayMax: '50', cooldown: { seconds: 600n } },
  });
});

test('the example of the deployment is a document, and describes all that it makes', async () => {
  const document = readFileSync(path.join(ROOT, 'deploy/kubernetes/budgets.yaml'), 'utf8');
  const changes = await apply(document);
  expect(changes).toHaveLength(9);
  expect(changes.every((change) => change.startsWith('CREATE '))).toBe(true);
  expect(await apply(document, { prune: true })).toEqual([]);
});
