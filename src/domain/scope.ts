import type { Agent, Uid } from './model.js';

/**
 * Whom a rule is for. POOL is a pool as a whole, EACH_AGENT_OF_POOL each of its agents by itself, those
 * that join later too, EVERY_AGENT each agent there is or will be, LIMIT another rule. The number is on
 * disk.
 */
export const SCOPE_KINDS = {
  AGENT: 1,
  POOL: 2,
  EACH_AGENT_OF_POOL: 3,
  EVERY_AGENT: 4,
  LIMIT: 5,
} as const;

/** The name of a kind of scope. */
export type ScopeKind = keyof typeof SCOPE_KINDS;

/** Whom a rule is for. */
export interface Scope {
  readonly kind: ScopeKind;
  /** Of the agent, pool or limit; 0 for EVERY_AGENT. */
  readonly uid: Uid;
}

/** A rule as an index sees it. */
export interface Scoped {
  readonly id: string;
  readonly scope: Scope;
}

/** Finds the rules that concern an agent or a pool. */
export interface ScopeIndex<Rule extends Scoped> {
  /** Those that judge an agent: its own, its pool's, each agent's of its pool, every agent's. By id. */
  ofAgent(agent: Agent): readonly Rule[];
  /** Those of exactly one subject. By id. */
  of(kind: ScopeKind, uid: Uid): readonly Rule[];
  readonly size: number;
  readonly all: Iterable<Rule>;
}

/** Agents whose merged rules are remembered. */
const REMEMBERED_MAX = 10_000;

/** Makes an index of rules. */
export function scopeIndex<Rule extends Scoped>(rules: Iterable<Rule>): ScopeIndex<Rule> {
  const bySubject = new Map<string, Rule[]>();
  const all = [...rules];
  for (const rule of all) {
    const key = subjectKey(rule.scope.kind, rule.scope.uid);
    const those = bySubject.get(key) ?? [];
    those.push(rule);
    bySubject.set(key, those);
  }
  for (const those of bySubject.values()) those.sort(byId);
  const none: readonly Rule[] = [];
  const of = (kind: ScopeKind, uid: Uid): readonly Rule[] =>
    bySubject.get(subjectKey(kind, uid)) ?? none;
  const merged = new Map<Uid, { readonly poolUid: Uid; readonly rules: readonly Rule[] }>();
  return {
    size: all.length,
    all,
    of,
    ofAgent: ({ uid, poolUid }) => {
      if (all.length === 0) return none;
      const known = merged.get(uid);
      if (known?.poolUid === poolUid) return known.rules;
      const found = [
        ...of('AGENT', uid),
        ...of('POOL', poolUid),
        ...of('EACH_AGENT_OF_POOL', poolUid),
        ...of('EVERY_AGENT', 0),
      ].sort(byId);
      if (merged.size >= REMEMBERED_MAX) merged.clear();
      merged.set(uid, { poolUid, rules: found });
      return found;
    },
  };
}

function subjectKey(kind: ScopeKind, uid: Uid): string {
  return `${kind}/${uid}`;
}

function byId(a: Scoped, b: Scoped): number {
  return a.id < b.id ? -1 : 1;
}
