import type { Instant } from '../../../src/domain/model.js';
import { spend } from '../../fakes/commands.js';
import { DAY, HOUR, MINUTE, SECOND } from '../../fakes/manual-time.js';
import type { MemoryDisk } from '../../fakes/memory-kv.js';
import { MemoryLedger, type Over } from '../../fakes/memory-ledger.js';
import { runSchedule } from '../../fakes/schedules.js';
import { ServedLedger, type Answered, type JsonObject } from './served-ledger.js';

/** Agents of the pool `fleet`: more than one transaction sets, or ends the alerts of. */
const FLEET = 1_010;

/** When the budgets of the fleet are set: after everything else of the last day. */
const FLEET_DUE_MS = 4 * HOUR;

/** What the sidecar of the fixtures is configured with. */
export const KEEPING: Over = {
  sweepIntervalMs: SECOND,
  entriesRetentionMs: 30 * DAY,
  usageMinutesRetentionMs: 7 * DAY,
  usageHoursRetentionMs: 90 * DAY,
  agentCacheRows: 2_000,
};

/** How a life went that filled every table there is. */
export interface Life {
  readonly disk: MemoryDisk;
  /** When it ended. */
  readonly time: Instant;
  /** Requests of the last day whose answers are still kept. */
  readonly calls: readonly Answered[];
  /** Events that the stream of violations has. */
  readonly events: number;
}

/** Runs a ledger through everything that leaves rows, and ends it in the middle of its work. */
export async function eventfulLife(): Promise<Life> {
  const one = new Liver(await MemoryLedger.open(KEEPING));
  await one.begin();
  await firstDay(one);
  await one.pass(40 * DAY);
  await one.restart({ ...KEEPING, violationsMax: 40 });
  await one.sweep();
  await one.restart(KEEPING);
  await lastDay(one);
  await unfinished(one);
  await one.end();
  const { time } = one.memory;
  const disk = await cutShort(one.memory);
  const events = disk.rows.keys('violation_events', 0, Infinity).length;
  return { disk, time: time.wall() + HOUR, calls: one.calls, events };
}

/** Lives one life: makes its calls, lets time pass, restarts. */
class Liver {
  memory: MemoryLedger;
  readonly calls: Answered[] = [];
  #served: ServedLedger | undefined;
  #count = 0;

  constructor(memory: MemoryLedger) {
    this.memory = memory;
  }

  get served(): ServedLedger {
    if (this.#served === undefined) throw new Error('nothing is served');
    return this.#served;
  }

  async begin(): Promise<void> {
    this.#served = await ServedLedger.open(this.memory.ledger);
  }

  async end(): Promise<void> {
    await this.served.close();
    this.#served = undefined;
  }

  async restart(over: Over): Promise<void> {
    await this.end();
    this.memory = await this.memory.restart(over);
    await this.begin();
  }

  /** Calls under a request_id of its own, a second after the call before. */
  async do(method: string, body: JsonObject): Promise<JsonObject> {
    this.memory.time.pass(SECOND);
    this.#count += 1;
    const full = { requestId: `request-${String(this.#count).padStart(3, '0')}`, ...body };
    const answer = await this.served.call(method, full);
    // A denied request_id stays free.
    const { decision, outcome } = answer;
    const denied = decision === 'DECISION_DENIED' || outcome === 'EMERGENCY_OUTCOME_DENIED';
    if (!denied) this.calls.push({ method, body: full, answer });
    return answer;
  }

  async pass(ms: number): Promise<void> {
    this.memory.time.pass(ms);
    // Whatever was answered before is forgotten within the day.
    if (ms > DAY) this.calls.length = 0;
    await this.served.tick();
  }

  /** Sweeps until nothing more goes. */
  async sweep(): Promise<void> {
    for (let times = 0; times < 20; times += 1) await this.served.tick();
  }
}

type Doer = Pick<Liver, 'do' | 'pass' | 'served' | 'memory'>;

const idOf = (answer: JsonObject): string => (answer['reservation'] as { id: string }).id;

async function hold(one: Doer, agentId: string, amount: string, ttl = '60s'): Promise<string> {
  return idOf(await one.do('Reserve', { agentId, amount, ttl }));
}

async function firstDay(one: Doer): Promise<void> {
  const crew = { poolId: 'crew', name: 'Crew', initialBudget: '10000', unit: 'USD' };
  await one.do('CreatePool', { ...crew, metadata: { team: 'a' }, reason: 'a new team' });
  await one.do('CreatePool', { poolId: 'rest', name: 'Rest', initialBudget: '500' });
  await one.do('CreatePool', { poolId: 'gone', name: 'Gone', initialBudget: '1' });
  await one.do('DeletePool', { poolId: 'gone' });
  await one.do('FundPool', { poolId: 'crew', delta: '250.5', reason: 'a gift' });
  await agents(one);
  await rules(one);
  await configuration(one);
  for (let hour = 0; hour < 30; hour += 1) {
    for (const agentId of ['ada', 'bob', 'cyd']) {
      await one.do('Spend', { agentId, amount: `0.${hour + 11}`, category: 'model' });
    }
    await one.pass(HOUR);
  }
  for (let times = 0; times < 50; times += 1) {
    await one.do('ReportViolation', { agentId: 'cyd', type: 8, severity: 2, message: 'early' });
  }
}

async function agents(one: Doer): Promise<void> {
  const agent = { poolId: 'crew', initialBudget: '100' };
  for (const agentId of ['ada', 'bob', 'cyd', 'dan', 'eve', 'fay']) {
    await one.do('CreateAgent', { ...agent, agentId, name: agentId, priority: 5 });
  }
  await one.do('CreateAgent', { ...agent, agentId: 'old', name: 'old' });
  await one.do('Spend', { agentId: 'old', amount: '3' });
  await one.do('DeleteAgent', { agentId: 'old' });
  await one.do('CreateAgent', { ...agent, agentId: 'old', name: 'old, again' });
  await one.do('MoveAgent', { agentId: 'fay', poolId: 'rest' });
}

async function rules(one: Doer): Promise<void> {
  const limit = { agentId: 'ada', metric: 'amount', enforcement: 1 };
  const windows = { hour: 3, day: 4, week: 5, month: 6, lifetime: 2, request: 1 };
  for (const [limitId, window] of Object.entries(windows)) {
    await one.do('CreateSpendingLimit', { ...limit, limitId, window, value: '90' });
  }
  await one.do('CreateSpendingLimit', {
    limitId: 'rolling',
    eachAgentOfPoolId: 'crew',
    metric: 'requests',
    window: 7,
    rollingDuration: '3600s',
    value: '100',
    enforcement: 2,
  });
  await one.do('CreateBudgetMonitor', {
    monitorId: 'no-gpu',
    everyAgent: true,
    expression: 'category != "gpu"',
    action: 1,
    severity: 4,
    message: 'no GPU',
  });
  await one.do('SetServiceLevels', {
    poolId: 'crew',
    levels: [
      { name: 'full', minPercent: '50', features: ['search', 'draw'] },
      { name: 'lean', minPercent: '0', features: ['search'] },
    ],
  });
  await one.do('SetEmergencyPolicy', {
    policy: { enabled: true, perRequestMax: '50', perDayMax: '80', approvalAbove: '20' },
  });
  await one.do('SetEmergencyPolicy', { poolId: 'crew', policy: { enabled: true, cooldown: '1s' } });
  const hourly = { interval: '3600s', catchUp: 1 };
  await one.do('CreateSchedule', {
    ...hourly,
    scheduleId: 'allowance',
    setBudget: { agentId: 'eve', amount: '40' },
  });
  await one.do('CreateSchedule', {
    scheduleId: 'grant',
    cron: '0 0 * * *',
    timeZone: 'Europe/Berlin',
    fundPool: { poolId: 'rest', delta: '5' },
    catchUp: 2,
  });
  await one.do('CreateSchedule', { ...hourly, scheduleId: 'review', reviewBudgets: {} });
}

function fleetId(at: number): string {
  return `fleet-${String(at).padStart(4, '0')}`;
}

/** A fleet, all of it under one alert that fires for each of its agents. */
async function configuration(one: Doer): Promise<void> {
  const listed = Array.from({ length: FLEET }, (_, at) => {
    return `  - { agent_id: ${fleetId(at)}, pool_id: fleet, initial_budget: "10" }`;
  });
  const document = [
    'pools:',
    '  - { pool_id: fleet, name: Fleet, initial_budget: "100000" }',
    'agents:',
    ...listed,
  ].join('\n');
  await one.do('ApplyConfiguration', { document, reason: 'the fleet' });
  const threshold = { value: '90', severity: 2 };
  await one.do('CreateBudgetAlert', {
    alertId: 'fleet-low',
    eachAgentOfPoolId: 'fleet',
    condition: 1,
    thresholds: [threshold],
  });
  const items = Array.from({ length: FLEET }, (_, at) => {
    return { requestId: `fleet-${at}`, agentId: fleetId(at), amount: '2' };
  });
  await one.served.call('BatchSpend', { items: items.slice(0, 505) });
  await one.served.call('BatchSpend', { items: items.slice(505) });
}

async function lastDay(one: Doer): Promise<void> {
  await one.do('CreateSchedule', {
    scheduleId: 'fleet',
    interval: `${FLEET_DUE_MS / SECOND}s`,
    setBudget: { eachAgentOfPoolId: 'fleet', amount: '9' },
  });
  await channels(one);
  await alerts(one);
  await holds(one);
  const spend = await one.do('Spend', {
    agentId: 'ada',
    amount: '12.5',
    category: 'model',
    quantities: { tokens: '1200' },
    runId: 'run-1',
    metadata: { model: 'large' },
  });
  await one.do('RefundSpend', { sequence: spend['sequence'] ?? '', amount: '2.25' });
  await one.do('Spend', { agentId: 'ada', amount: '95' });
  await one.do('Spend', { agentId: 'bob', amount: '500' });
  await one.do('Spend', { agentId: 'bob', amount: '500' });
  await one.do('Spend', { agentId: 'bob', amount: '1', category: 'gpu' });
  await one.do('Spend', { agentId: 'cyd', amount: '150', mode: 3 });
  await one.do('Spend', { agentId: 'dan', amount: '1000', mode: 2 });
  const [ada, fay, rest] = [{ agentId: 'ada' }, { agentId: 'fay' }, { poolId: 'rest' }];
  await one.do('TransferBudget', { source: fay, destination: rest, amount: '10' });
  await one.do('TransferBudget', { source: rest, destination: fay, amount: '2.5' });
  await one.do('SetBudget', { ...ada, amount: '70', resetBaseline: true });
  await one.do('AdjustBudget', { ...fay, delta: '-1.5' });
  await one.do('FreezeAgent', { agentId: 'fay', reason: 'for the night' });
  await one.do('AllocateDynamic', { poolId: 'crew', baseBudget: '5' });
  await one.do('RunSchedule', { scheduleId: 'grant', reason: 'early' });
  await violations(one);
  await emergencies(one);
  await one.do('RunBudgetReview', { poolId: 'crew' });
  const change = { oldBudget: '1', newBudget: '2', changeAmount: '1', reason: 'elsewhere' };
  await one.do('RecordBudgetChange', { agentId: 'ada', ...change });
  for (let hour = 0; hour < 3; hour += 1) {
    await one.pass(HOUR);
    await one.do('Spend', { agentId: 'ada', amount: '0.5' });
    await one.do('Spend', { agentId: 'eve', amount: '0.125' });
  }
}

async function channels(one: Doer): Promise<void> {
  const webhook = {
    url: 'https://hooks.example.com/services/fixture',
    secrets: ['a-secret-of-the-fixture-1'],
    headers: [{ name: 'x-from', value: 'fixture' }],
  };
  await one.do('CreateNotificationChannel', { channelId: 'hook', webhook, cooldown: '300s' });
  await one.do('CreateNotificationChannel', { channelId: 'log', log: {}, minSeverity: 4 });
  await one.do('CreateNotificationChannel', { channelId: 'closed', webhook, agentIds: ['cyd'] });
}

async function alerts(one: Doer): Promise<void> {
  const thresholds = [
    { value: '50', severity: 2 },
    { value: '10', severity: 5 },
  ];
  await one.do('CreateBudgetAlert', { alertId: 'low', everyAgent: true, condition: 1, thresholds });
  await one.do('CreateBudgetAlert', {
    alertId: 'rate',
    limitId: 'day',
    condition: 2,
    thresholds: [{ value: '80', severity: 3 }],
  });
}

async function holds(one: Doer): Promise<void> {
  await one.do('Commit', { reservationId: await hold(one, 'ada', '2'), amount: '1.75' });
  await one.do('Commit', { reservationId: await hold(one, 'ada', '1'), amount: '1.5' });
  await one.do('Release', { reservationId: await hold(one, 'bob', '4') });
  const late = await hold(one, 'bob', '3', '1s');
  await hold(one, 'bob', '1', '1s');
  await one.pass(MINUTE);
  await one.do('Commit', { reservationId: late, amount: '2' });
  const open = await hold(one, 'ada', '5', '86400s');
  await one.do('Commit', { reservationId: open, amount: '2', final: false });
  await one.do('ExtendReservation', { reservationId: open, ttl: '86000s' });
  await hold(one, 'dan', '6.5', '40000s');
}

async function violations(one: Doer): Promise<void> {
  const report = { agentId: 'ada', type: 7, severity: 3, message: 'not allowed' };
  const ids: string[] = [];
  for (let times = 0; times < 3; times += 1) {
    const { violation } = await one.do('ReportViolation', { ...report, details: { n: '1' } });
    ids.push((violation as { id: string }).id);
  }
  await one.do('ResolveViolation', { violationId: ids[0] ?? '', note: 'seen' });
  await one.do('EscalateViolation', { violationId: ids[1] ?? '', severity: 5, note: 'worse' });
}

async function emergencies(one: Doer): Promise<void> {
  const ask = (agentId: string, amount: string, reason: string) =>
    one.do('RequestEmergencyAllocation', { agentId, amount, reason });
  await ask('ada', '5', 'critical: the last step');
  await ask('dan', '1', 'no reason');
  await one.do('SetEmergencyPolicy', {
    poolId: 'rest',
    policy: { enabled: true, approvalAbove: '1', approvalTtl: '86400s', criticalShare: '1' },
  });
  await one.do('UnfreezeAgent', { agentId: 'fay' });
  await ask('fay', '5', 'critical outage');
  await one.do('CreateAgent', { agentId: 'gus', name: 'gus', poolId: 'rest', initialBudget: '9' });
  const { emergencyRequestId = '' } = await ask('gus', '4', 'critical outage');
  await one.do('ApproveEmergencyRequest', { emergencyRequestId, amount: '3' });
}

/** Leaves deliveries in every state, an open episode, and what deletions have not come to yet. */
async function unfinished(one: Doer): Promise<void> {
  const { ledger } = one.served;
  const now = ledger.now();
  const query = { now, limit: 3, afterChannelId: '', roomOf: () => 10, isInFlight: () => false };
  const { deliveries } = await ledger.outbox.next(query);
  const [first, second] = deliveries.map(({ notification }) => notification.deliveryId);
  const times = { number: 1, startTime: now, endTime: now };
  const attempt = { ...times, status: 503, reason: 'SERVER_ERROR', excerpt: 'busy' };
  await ledger.outbox.dead(first ?? '', attempt);
  await ledger.outbox.retryLater(second ?? '', now + HOUR, attempt);
  await one.do('Spend', { agentId: 'bob', amount: '500' });
  await one.do('Spend', { agentId: 'bob', amount: '600' });
  await one.do('DeleteNotificationChannel', { channelId: 'closed' });
  await one.do('DeleteBudgetAlert', { alertId: 'fleet-low' });
  await one.served.tick(2 * SECOND);
}

/**
 * Ends twice without a word: with a review ordered and not made, then while the budgets of the fleet
 * are being set, one of them ahead of its turn.
 */
async function cutShort(memory: MemoryLedger): Promise<MemoryDisk> {
  await memory.must(runSchedule('review', { requestId: 'the-review' }));
  const next = await memory.crash(KEEPING);
  next.time.pass(HOUR);
  await next.must(spend(fleetId(FLEET - 1), '1', { requestId: 'ahead' }));
  next.kv.hold();
  return next.disk.copy();
}
