import { formatAmount } from '../amount.js';
import { reject, type Rejection } from '../answer.js';
import type { LevelScopeName, SetServiceLevelsCommand } from '../command.js';
import { carryOut, unchanged, type Decided } from '../decided.js';
import { beginDraft, closeEntry, draftRow, putRow, removeRow, type Draft } from '../draft.js';
import { levelsOfScope, namedLevels, type NamedLevels } from '../effective-levels.js';
import type { FieldChange } from '../entry.js';
import type { Agent, Pool } from '../model.js';
import { RULES_MAX, rulesWith, type Rules } from '../rules.js';
import type { Scope } from '../scope.js';
import { serviceLevelsKey, type ServiceLevel, type ServiceLevels } from '../service-level.js';
import type { Context, State } from '../state.js';
import { agentClosed, agentNotFound, checkRevision, poolNotFound } from './checks.js';

/** Sets the levels of service of a scope, or with none takes them away. */
export function decideSetServiceLevels(
  state: State,
  command: SetServiceLevelsCommand,
  context: Context,
): Decided {
  const found = findLevelScope(state, command.scope);
  if ('verdict' in found) return found;
  const { scope } = found;
  if (found.agent?.state === 'CLOSED') return agentClosed(found.agent);
  const key = serviceLevelsKey(scope);
  const before = state.row('service_levels', key);
  const stale = checkRevision(command.expectedRevision, before?.revision ?? 0);
  if (stale !== undefined) return stale;
  const after: ServiceLevels | undefined =
    command.levels.length === 0
      ? undefined
      : {
          scope,
          levels: command.levels,
          revision: (before?.revision ?? 0) + 1,
          createTime: before?.createTime ?? context.now,
          updateTime: context.now,
        };
  const change = { before: textOf(before), after: textOf(after) };
  if (change.before === change.after) {
    return unchanged({ effectiveLevels: countingLevels(state, state.rules, found) });
  }

  const full = before === undefined ? checkRoom(state) : undefined;
  if (full !== undefined) return full;

  const draft = beginDraft(state, context.now);
  if (after === undefined) removeRow(draft, 'service_levels', key);
  else putRow(draft, 'service_levels', key, after);
  const field = `${nameOf(command.scope)}.service_levels`;
  closeEntry(draft, 'CONFIGURE', { changes: [{ field, ...change }] });
  const rules = rulesWith(state.rules, draft.rows);
  return carryOut(draft, { effectiveLevels: countingLevels(state, rules, found) });
}

/** A scope of levels, with the agent whose own they are. */
export interface LevelScope {
  readonly scope: Scope;
  /** Set when the scope is an agent, closed or not. */
  readonly agent: Agent | undefined;
}

/** Finds the agent or pool of a scope of levels. */
export function findLevelScope(
  rows: {
    agentById(id: string): Agent | undefined;
    poolById(id: string): Pool | undefined;
  },
  { kind, id }: LevelScopeName,
): LevelScope | Rejection {
  switch (kind) {
    case 'AGENT': {
      const agent = rows.agentById(id);
      return agent === undefined ? agentNotFound(id) : { scope: { kind, uid: agent.uid }, agent };
    }
    case 'EACH_AGENT_OF_POOL': {
      const pool = rows.poolById(id);
      if (pool === undefined) return poolNotFound(id);
      return { scope: { kind, uid: pool.uid }, agent: undefined };
    }
    case 'EVERY_AGENT':
      return { scope: { kind, uid: 0 }, agent: undefined };
  }
}

/** The levels that count for a scope: its own, or those of the next wider one. */
export function countingLevels(
  rows: Parameters<typeof namedLevels>[0],
  { levels }: Rules,
  { scope, agent }: LevelScope,
): NamedLevels {
  return namedLevels(rows, levelsOfScope(levels, scope, agent));
}

/** Takes the levels of an agent or pool away, which goes. Returns what the ledger shows of it. */
export function dropServiceLevels(draft: Draft, scope: Scope): readonly FieldChange[] {
  const key = serviceLevelsKey(scope);
  const before = draftRow(draft, 'service_levels', key);
  if (before === undefined) return [];
  removeRow(draft, 'service_levels', key);
  return [{ field: 'service_levels', before: textOf(before), after: '' }];
}

function checkRoom(state: State): Rejection | undefined {
  if (state.rules.rows.service_levels.size < RULES_MAX) return undefined;
  return reject(
    'TOO_MANY_RULES',
    'There are as many sets of service levels as there may be. Take some away',
    { rules_max: String(RULES_MAX) },
  );
}

function nameOf({ kind, id }: LevelScopeName): string {
  if (kind === 'EVERY_AGENT') return 'every_agent';
  return kind === 'AGENT' ? `agent/${id}` : `pool/${id}`;
}

function textOf(set: ServiceLevels | undefined): string {
  return textOfLevels(set?.levels ?? []);
}

/** Levels as the ledger shows them: JSON in the words of the proto, empty for none. */
export function textOfLevels(levels: readonly ServiceLevel[]): string {
  if (levels.length === 0) return '';
  return JSON.stringify(
    levels.map(({ name, minPercent, features }) => ({
      name,
      min_percent: formatAmount(minPercent),
      features,
    })),
  );
}
