import type { ConfigurationChange } from './answer.js';
import { changesIn } from './collection.js';
import type { DocumentRuleKind } from './document-rule.js';
import type { Effects } from './draft.js';
import type { RuleCollection } from './rules.js';
import type { Scope } from './scope.js';
import type { State } from './state.js';

/** The collections whose rows go with what they are for, in the order in which they are told. */
const FOLLOWING = [
  ['service_levels', 'service_levels'],
  ['emergency_policies', 'emergency_policy'],
  ['limits', 'spending_limit'],
  ['monitors', 'budget_monitor'],
  ['alerts', 'budget_alert'],
  ['schedules', 'schedule'],
] as const satisfies readonly (readonly [RuleCollection, DocumentRuleKind])[];

/**
 * The rules that go with what a step deletes: those of an agent or pool, and the alerts of a limit. The
 * state is the one before the step. Levels of service and policies have no id of their own: theirs is that
 * of the agent or pool.
 */
export function cascadeOf(
  state: State,
  { action, objectKind, objectId }: ConfigurationChange,
  effects: Effects,
): readonly ConfigurationChange[] {
  if (action !== 'DELETE') return [];
  return FOLLOWING.flatMap(([collection, kind]) =>
    goneFrom(state, effects, collection)
      .filter((id) => kind !== objectKind || id !== objectId)
      .sort()
      .map((id) => ({ action, objectKind: kind, objectId: id, fields: [] }) as const),
  );
}

function goneFrom(state: State, { rows }: Effects, collection: RuleCollection): readonly string[] {
  return [...changesIn(rows, collection)].flatMap(([key, after]) => {
    const before = state.rules.rows[collection].get(key);
    if (after !== undefined || before === undefined) return [];
    return ['id' in before ? before.id : ownerOf(state, before.scope)];
  });
}

/** The id of the agent or pool that a rule is for; empty for everybody's. */
function ownerOf(state: State, { kind, uid }: Scope): string {
  if (kind === 'EVERY_AGENT') return '';
  return (kind === 'AGENT' ? state.agent(uid) : state.pool(uid))?.id ?? '';
}
