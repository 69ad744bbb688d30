import { alertStateKey, type BudgetAlert } from './alert.js';
import type { AlertGuard } from './alert-index.js';
import type { Money } from './alert-marks.js';
import type { AlertSubject } from './alert-text.js';
import type { Amount } from './amount.js';
import { availableOf, poolRemainingOf, remainingOf } from './budget.js';
import { draftPool, draftRow, type Draft } from './draft.js';
import { judgeBurning, judgeMoney } from './judge-alerts.js';
import { judgeLevels, poolLevel } from './judge-levels.js';
import { HOUR_MS, windowStart } from './metrics.js';
import type { Agent, Pool, Uid } from './model.js';

/**
 * Judges the alerts on every agent and pool whose money a draft changed: what passes a threshold opens
 * its violation in the transaction that passes it.
 */
export function judgeAlerts(draft: Draft): void {
  if (draft.state.rules.alerts.size === 0) return;
  for (const agent of draft.agents.values()) judgeAgent(draft, agent);
  for (const pool of draft.pools.values()) judgePool(draft, pool);
}

function judgeAgent(draft: Draft, after: Agent): void {
  if (after.state === 'CLOSED') return;
  const guard = draft.state.rules.alerts.ofAgent(after);
  if (guard === undefined) return;
  const before = draft.state.agent(after.uid);
  const remaining = remainingOf(after);
  const earlier = before && remainingOf(before);
  if (guard.levelled.length > 0) levelOfAgent(draft, guard, before, after);
  if (isQuiet(guard, before?.baseline, earlier, after.baseline, remaining)) return;
  const subject = subjectOfAgent(draft, after);
  const was = before && moneyOf(remainingOf(before), before);
  judgeMoney(draft, guard.alerts, subject, was, moneyOf(remaining, after));
  burnsOfAgent(draft, guard, after, subject, earlier !== undefined && remaining < earlier);
}

/** The level in a row follows the money before alerts are judged. */
function levelOfAgent(
  draft: Draft,
  { levelled }: AlertGuard,
  before: Agent | undefined,
  after: Agent,
): void {
  const { levels } = draft.state.rules.levels.ofAgent(after);
  const name = after.serviceLevel;
  // Who was at the highest level and is there now has passed nothing, and nothing has stayed passed.
  const fired = (alert: BudgetAlert): boolean =>
    draftRow(draft, 'alert_states', alertStateKey(alert, after.uid)) !== undefined;
  if (before?.serviceLevel === name && name === levels[0]?.name && !levelled.some(fired)) return;
  const money = moneyOf(remainingOf(after), after);
  const reading = { levels, name, fell: hasFallen(before && remainingOf(before), before, money) };
  judgeLevels(draft, levelled, subjectOfAgent(draft, after), reading, money);
}

/** A pool as a whole is at the level at which one of its agents with that share left would be. */
function levelOfPool(
  draft: Draft,
  { levelled }: AlertGuard,
  before: Pool | undefined,
  after: Pool,
): void {
  const { levels } = draft.state.rules.levels.ofPool(after.uid);
  const money = moneyOf(poolRemainingOf(after), after);
  const fell = hasFallen(before && poolRemainingOf(before), before, money);
  for (const alert of levelled) {
    const name = poolLevel(draft, alert, after.uid, levels, money);
    judgeLevels(draft, [alert], subjectOfPool(after), { levels, name, fell }, money);
  }
}

/** Whether a smaller share of the baseline is left than before. */
function hasFallen(
  remaining: Amount | undefined,
  before: Agent | Pool | undefined,
  after: Money,
): boolean {
  if (remaining === undefined || before === undefined || before.baseline <= 0n) return false;
  return after.remaining * before.baseline < remaining * after.baseline;
}

function judgePool(draft: Draft, after: Pool): void {
  if (after.state === 'DELETED') return;
  const guard = draft.state.rules.alerts.ofPool(after);
  if (guard === undefined) return;
  const before = draft.state.pool(after.uid);
  const remaining = poolRemainingOf(after);
  const earlier = before && poolRemainingOf(before);
  if (guard.levelled.length > 0) levelOfPool(draft, guard, before, after);
  if (isQuiet(guard, before?.baseline, earlier, after.baseline, remaining)) return;
  const was = before && moneyOf(poolRemainingOf(before), before);
  judgeMoney(draft, guard.alerts, subjectOfPool(after), was, moneyOf(remaining, after));
  burnsOfPool(draft, guard, after, earlier !== undefined && remaining < earlier);
}

/**
 * Whether a change says nothing to any alert: the path of nearly every spend, two comparisons for all
 * alerts together. What was above the level before and is above it now has passed nothing.
 */
function isQuiet(
  { level, timed }: AlertGuard,
  baselineBefore: Amount | undefined,
  before: Amount | undefined,
  baseline: Amount,
  remaining: Amount,
): boolean {
  if (before === undefined || baselineBefore !== baseline) return false;
  if (before === remaining) return true;
  return timed.length === 0 && before > level && remaining > level;
}

function moneyOf(remaining: Amount, { baseline }: Agent | Pool): Money {
  return { remaining, baseline };
}

/** Judges how long an agent's money lasts, by the time that has passed. For the task of every minute. */
export function judgeAgentNow(draft: Draft, agent: Agent): void {
  const guard = draft.state.rules.alerts.ofAgent(agent);
  if (guard === undefined || agent.state === 'CLOSED') return;
  burnsOfAgent(draft, guard, agent, subjectOfAgent(draft, agent), true);
}

/** As judgeAgentNow, of a pool. */
export function judgePoolNow(draft: Draft, pool: Pool): void {
  const guard = draft.state.rules.alerts.ofPool(pool);
  if (guard === undefined || pool.state === 'DELETED') return;
  burnsOfPool(draft, guard, pool, true);
}

function burnsOfAgent(
  draft: Draft,
  guard: AlertGuard,
  agent: Agent,
  subject: AlertSubject,
  fell: boolean,
): void {
  if (guard.timed.length === 0) return;
  const money = moneyOf(remainingOf(agent), agent);
  const lastHour = (): Amount =>
    burntOf(draft, agent) + ownUsage(draft, (usage) => usage.agentUid === agent.uid);
  judgeBurning(draft, guard, subject, money, { available: availableOf(agent), lastHour, fell });
}

function burnsOfPool(draft: Draft, guard: AlertGuard, pool: Pool, fell: boolean): void {
  if (guard.timed.length === 0) return;
  const remaining = poolRemainingOf(pool);
  const lastHour = (): Amount =>
    burntOf(draft, pool) + ownUsage(draft, (_usage, payer) => payer === pool.uid);
  judgeBurning(
    draft,
    guard,
    subjectOfPool(pool),
    { remaining, baseline: pool.baseline },
    { available: remaining, lastHour, fell },
  );
}

/** Spends and commits of the last hour, as metrics show them: refunds take nothing away. */
function burntOf({ now, state }: Draft, { uid, usageHour }: Agent | Pool): Amount {
  const start = windowStart(now, HOUR_MS);
  // The idle ones of a round are many: nothing is read of them.
  if ((usageHour + 1) * HOUR_MS <= start) return 0n;
  return state.usage(uid, start, now + 1).amount;
}

/** What the draft itself adds to usage: the state does not have it yet. */
function ownUsage(
  draft: Draft,
  counts: (usage: { readonly agentUid: Uid }, payer: Uid | undefined) => boolean,
): Amount {
  let sum = 0n;
  for (const { usage, accounts } of draft.entries) {
    if (usage === undefined) continue;
    const payer = accounts.find(({ kind }) => kind === 'POOL')?.uid;
    if (counts(usage, payer)) sum += usage.amount;
  }
  return sum;
}

function subjectOfAgent(draft: Draft, agent: Agent): AlertSubject {
  const pool = draftPool(draft, agent.poolUid);
  return {
    uid: agent.uid,
    noun: 'Agent budget',
    unit: pool.unit,
    agentUid: agent.uid,
    agentId: agent.id,
    poolUid: pool.uid,
    poolId: pool.id,
  };
}

function subjectOfPool(pool: Pool): AlertSubject {
  return {
    uid: pool.uid,
    noun: 'Pool budget',
    unit: pool.unit,
    agentUid: 0,
    agentId: '',
    poolUid: pool.uid,
    poolId: pool.id,
  };
}
