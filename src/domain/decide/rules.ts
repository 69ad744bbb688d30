import { reject, type Rejection, type RejectionReason } from '../answer.js';
import { draftRow, removeRow, type Draft } from '../draft.js';
import { removeAlertsOf } from '../end-alerts.js';
import type { Uid } from '../model.js';
import { endEpisodesOf } from '../raise.js';
import { RULES_MAX } from '../rules.js';
import type { Scope, ScopeKind } from '../scope.js';
import type { State } from '../state.js';
import { agentClosed, agentNotFound, poolNotFound } from './checks.js';

/** Whom a rule is for, by the id that a client gave; empty for EVERY_AGENT. */
export interface ScopeName {
  readonly kind: ScopeKind;
  readonly id: string;
}

/** Finds the agent, pool or limit of a scope. A closed agent has no rules. */
export function resolveScope(state: State, { kind, id }: ScopeName): Scope | Rejection {
  switch (kind) {
    case 'AGENT': {
      const agent = state.agentById(id);
      if (agent === undefined) return agentNotFound(id);
      return agent.state === 'CLOSED' ? agentClosed(agent) : { kind, uid: agent.uid };
    }
    case 'POOL':
    case 'EACH_AGENT_OF_POOL': {
      const pool = state.poolById(id);
      return pool === undefined ? poolNotFound(id) : { kind, uid: pool.uid };
    }
    case 'EVERY_AGENT':
      return { kind, uid: 0 };
    case 'LIMIT': {
      const limit = state.rules.rows.limits.get(id);
      return limit === undefined
        ? ruleNotFound('LIMIT_NOT_FOUND', 'limit', id)
        : { kind, uid: limit.uid };
    }
  }
}

/** The rejection of an unknown rule. `noun` is as in `limit`. */
export function ruleNotFound(reason: RejectionReason, noun: string, id: string): Rejection {
  return reject(reason, `There is no such ${noun}. Create it or correct the id`, {
    [`${noun}_id`]: id,
  });
}

/** The rejection of a rule whose id is taken. */
export function ruleExists(reason: RejectionReason, noun: string, id: string): Rejection {
  return reject(reason, `A ${noun} with that id exists. Use another or update it`, {
    [`${noun}_id`]: id,
  });
}

/** TOO_MANY_RULES when there are as many of a kind as there may be. */
export function checkRoom(noun: string, count: number): Rejection | undefined {
  if (count < RULES_MAX) return undefined;
  return reject('TOO_MANY_RULES', `There are as many ${noun}s as there may be. Delete some`, {
    rules_max: String(RULES_MAX),
  });
}

/** Takes a limit away. Its episodes end; what it counted goes when its accounts count the next time. */
export function removeLimit(draft: Draft, id: string): void {
  const limit = draftRow(draft, 'limits', id);
  if (limit === undefined) return;
  removeRow(draft, 'limits', id);
  removeAlertsOf(draft, 'LIMIT', limit.uid);
  endEpisodesOf(draft, { kind: 'LIMIT', id });
}

/** Takes a monitor away. Its episodes end. */
export function removeMonitor(draft: Draft, id: string): void {
  removeRow(draft, 'monitors', id);
  endEpisodesOf(draft, { kind: 'MONITOR', id });
}

/** Takes the rules away that are for one agent or pool, which goes. */
export function dropRulesOf(draft: Draft, kind: ScopeKind, uid: Uid): void {
  const { rules } = draft.state;
  for (const { id } of rules.limits.of(kind, uid)) removeLimit(draft, id);
  for (const { id } of rules.monitors.of(kind, uid)) removeMonitor(draft, id);
  removeAlertsOf(draft, kind, uid);
}
