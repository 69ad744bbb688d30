import { rejectFields, type Rejection } from '../answer.js';
import { countIn } from '../counter.js';
import type { Draft } from '../draft.js';
import { AMOUNT_METRIC, countsKey, usedOf, type SpendingLimit } from '../limit.js';
import type { Agent, Instant, Uid } from '../model.js';
import { minuteStart } from '../usage.js';
import { countsSince, sliceOf, type LimitWindow } from '../window.js';
import { poolOf } from './checks.js';
import { addTo } from './limit-checks.js';
import { DraftCounts } from './limit-counts.js';

/** Agents whose past one new limit may count. */
const AGENTS_MAX = 10_000;

/**
 * Counts what was used before a limit was made, from the usage of minutes, and what is held: the
 * minutes that a window's edge lies in count wholly.
 */
export function countPast(draft: Draft, limit: SpendingLimit): Rejection | undefined {
  const { scope, window } = limit;
  if (window.kind === 'PER_REQUEST') return undefined;
  const agents = agentsOf(draft, limit);
  if (agents.length > AGENTS_MAX) {
    return rejectFields([
      {
        field: 'include_past',
        description: `the pool has more than ${AGENTS_MAX} agents; leave it out`,
      },
    ]);
  }
  // A pool's own usage has no quantities: those are summed over its agents.
  const together = scope.kind === 'POOL' && limit.metric === AMOUNT_METRIC;
  const counts = new DraftCounts(draft);
  if (together) countAccount(draft, counts, limit, scope.uid, 0);
  for (const agent of agents) {
    if (!together) countAccount(draft, counts, limit, agent.uid, agent.uid);
    countHolds(draft, counts, limit, agent);
  }
  return undefined;
}

function agentsOf({ state }: Draft, { scope }: SpendingLimit): readonly Agent[] {
  if (scope.kind !== 'AGENT') return [...state.agentsOfPool(scope.uid)];
  const agent = state.agent(scope.uid);
  return agent === undefined ? [] : [agent];
}

/** Counts what an account used, in the slices of a rolling window or at once. */
function countAccount(
  draft: Draft,
  counts: DraftCounts,
  limit: SpendingLimit,
  account: Uid,
  agentUid: Uid,
): void {
  const { window } = limit;
  if (window.kind === 'PER_REQUEST') return;
  const key = countsKey(limit, agentUid);
  for (const { start, end, at } of partsOf(window, draft.now)) {
    const usage = draft.state.usage(account, start, end);
    const used = usedOf(limit.metric, { ...usage, amount: usage.amount - usage.refunded });
    const before = counts.find(key, limit.uid);
    const after = countIn(window, before, at, draft.now, used);
    if (after !== undefined && after !== before) counts.put(limit.uid, after);
  }
}

/**
 * The parts of a window's past, in whole minutes, since usage has no finer grain. What a part of a rolling
 * window used counts at its end, so that it leaves late rather than early.
 */
function partsOf(window: LimitWindow, now: Instant): readonly Part[] {
  const since = countsSince(window, now);
  if (window.kind !== 'ROLLING') return [{ start: since, end: now + 1, at: since }];
  const step = Math.ceil(sliceOf(window) / MINUTE_MS) * MINUTE_MS;
  const parts: Part[] = [];
  for (let start = minuteStart(since); start <= now; start += step) {
    const end = Math.min(start + step, now + 1);
    parts.push({ start, end, at: end - 1 });
  }
  return parts;
}

/** What was used from `start` up to `end` is counted at the moment `at`. */
interface Part {
  readonly start: Instant;
  readonly end: Instant;
  readonly at: Instant;
}

const MINUTE_MS = 60_000;

function countHolds(draft: Draft, counts: DraftCounts, limit: SpendingLimit, agent: Agent): void {
  if (agent.openReservations === 0) return;
  for (const hold of draft.state.openReservations(agent.uid)) {
    const use = { amount: hold.held, requests: 0, quantities: hold.quantities };
    const used = usedOf(limit.metric, use);
    if (used <= 0n) continue;
    addTo(draft, counts, limit, agent, poolOf(draft.state, agent), hold.createTime, used);
  }
}
