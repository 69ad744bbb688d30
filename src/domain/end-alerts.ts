import { alertStateKey, type AlertState, type BudgetAlert } from './alert.js';
import { draftRow, putRow, removeRow, type Draft } from './draft.js';
import type { Agent, Uid } from './model.js';
import { tellOf } from './raise.js';
import type { ScopeKind } from './scope.js';
import { sequenceKey } from './violation.js';

/** States that one transaction ends at most, so that no spend waits for it. */
export const ENDED_STATES_MAX = 1_000;

/** Why an alert's violations were resolved. */
export type EndNote =
  | 'alert changed'
  | 'alert deleted'
  | 'agent deleted'
  | 'agent moved'
  | 'pool deleted'
  | 'limit deleted';

/**
 * Ends all states of an alert: what it had opened is RESOLVED. Those beyond 1,000 are left for
 * `endMoreStates`; nobody reads them any more.
 */
export function endStates(draft: Draft, alert: BudgetAlert, note: EndNote): void {
  if (endSome(draft, alert.statesUid, note, ENDED_STATES_MAX) < ENDED_STATES_MAX) return;
  putRow(draft, 'ended_alerts', sequenceKey(alert.statesUid), { note });
}

/** Ends at most 1,000 states that were left by `endStates`. Returns whether there are more. */
export function endMoreStates(draft: Draft): boolean {
  let room = ENDED_STATES_MAX;
  for (const [key, { note }] of [...draft.state.rows('ended_alerts', {})]) {
    room -= endSome(draft, Number(key), note, room);
    if (room === 0) return true;
    removeRow(draft, 'ended_alerts', key);
  }
  return false;
}

function endSome(draft: Draft, statesUid: number, note: string, max: number): number {
  const some: (readonly [key: string, state: AlertState])[] = [];
  for (const row of draft.state.rows('alert_states', { prefix: `${statesUid}/` })) {
    if (some.length === max) break;
    some.push(row);
  }
  for (const [key, state] of some) endState(draft, key, state, note);
  return some.length;
}

/**
 * Ends what an agent did to the alerts of some scopes that watch it, since it leaves them: every agent's,
 * those of each agent of its pool, those on limits that count it by itself.
 */
export function leaveAlerts(
  draft: Draft,
  agent: Agent,
  scopes: readonly ScopeKind[],
  note: EndNote,
): void {
  for (const alert of draft.state.rules.rows.alerts.values()) {
    const { kind, uid } = alert.scope;
    if (!scopes.includes(kind) || (kind === 'EACH_AGENT_OF_POOL' && uid !== agent.poolUid)) {
      continue;
    }
    if (kind === 'LIMIT' && note === 'agent moved' && !countsEachOf(draft, uid, agent.poolUid)) {
      continue;
    }
    const key = alertStateKey(alert, agent.uid);
    const state = draftRow(draft, 'alert_states', key);
    if (state !== undefined) endState(draft, key, state, note);
  }
}

/** Whether a limit counts each agent of a pool by itself. */
function countsEachOf(draft: Draft, limitUid: Uid, poolUid: Uid): boolean {
  return draft.state.rules.limits
    .of('EACH_AGENT_OF_POOL', poolUid)
    .some(({ uid }) => uid === limitUid);
}

/** Takes an alert away, with its states. */
export function removeAlert(draft: Draft, alert: BudgetAlert, note: EndNote): void {
  removeRow(draft, 'alerts', alert.id);
  endStates(draft, alert, note);
}

/** Why the alerts on something end when it goes. */
const GONE: Record<ScopeKind, EndNote> = {
  AGENT: 'agent deleted',
  POOL: 'pool deleted',
  EACH_AGENT_OF_POOL: 'pool deleted',
  EVERY_AGENT: 'agent deleted',
  LIMIT: 'limit deleted',
};

/** Takes the alerts away that are on one agent, pool or limit, which goes. */
export function removeAlertsOf(draft: Draft, kind: ScopeKind, uid: Uid): void {
  for (const alert of draft.state.rules.alerts.of(kind, uid)) {
    removeAlert(draft, alert, GONE[kind]);
  }
}

function endState(draft: Draft, key: string, { fired }: AlertState, note: string): void {
  removeRow(draft, 'alert_states', key);
  for (const { violation: sequence } of fired) {
    const violation = draftRow(draft, 'violations', sequenceKey(sequence));
    if (violation?.state !== 'OPEN') continue;
    tellOf(draft, 'RESOLVED', {
      ...violation,
      state: 'RESOLVED',
      updateTime: draft.now,
      endTime: draft.now,
      actor: 'sidecar',
      note,
    });
  }
}
