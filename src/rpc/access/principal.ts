import type { AgentScope } from '../../ledger/api.js';

/** What a principal may do, see `matrix.ts`: an agent its own, each other one what the one before may. */
export const ROLES = ['agent', 'viewer', 'operator', 'admin'] as const;

/** The name of a role. */
export type Role = (typeof ROLES)[number];

/** Who calls. */
export interface Principal {
  /** What stands in the ledger and in the log. */
  readonly name: string;
  readonly role: Role;
  /** Ids, and prefixes that end in `*`, of the agents that are its own. Undefined: every agent is. */
  readonly agents: readonly string[] | undefined;
}

/** Whoever reaches an agent listener that asks for nothing. */
export const ANY_AGENT: Principal = { name: 'agent', role: 'agent', agents: undefined };

/** Whoever has the admin token, or reaches an admin listener that asks for nothing. */
export const ADMIN: Principal = { name: 'admin', role: 'admin', agents: undefined };

/** Names that the sidecar itself writes into the ledger: no principal of a file has one. */
export const RESERVED_NAMES: readonly string[] = [ANY_AGENT.name, ADMIN.name, 'sidecar'];

const scopes = new WeakMap<Principal, AgentScope>();

/** Judges whether an agent is the principal's own; undefined where every agent is. */
export function scopeOf(principal: Principal): AgentScope | undefined {
  const { agents } = principal;
  if (agents === undefined) return undefined;
  const known = scopes.get(principal);
  if (known !== undefined) return known;
  const ids = new Set(agents.filter((pattern) => !pattern.endsWith('*')));
  const prefixes = agents.flatMap((text) => (text.endsWith('*') ? [text.slice(0, -1)] : []));
  const scope: AgentScope = (id) => ids.has(id) || prefixes.some((prefix) => id.startsWith(prefix));
  scopes.set(principal, scope);
  return scope;
}

/** Whether a principal may do the same as before, so that what it has open may stay open. */
export function isSame(a: Principal, b: Principal): boolean {
  return (
    a === b ||
    JSON.stringify([a.name, a.role, a.agents]) === JSON.stringify([b.name, b.role, b.agents])
  );
}
