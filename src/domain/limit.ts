import type { Amount } from './amount.js';
import type { Instant, Quantities, Uid } from './model.js';
import type { Scoped } from './scope.js';
import type { Severity } from './violation.js';
import type { LimitWindow } from './window.js';

/** DENY refuses what would exceed the limit, OBSERVE only reports it. The number is on disk. */
export const ENFORCEMENTS = { DENY: 1, OBSERVE: 2 } as const;

/** The name of an enforcement. */
export type Enforcement = keyof typeof ENFORCEMENTS;

/** What a limit counts over: each request by itself, or a window of time. */
export type LimitKind = { readonly kind: 'PER_REQUEST' } | LimitWindow;

/** The money of a request. */
export const AMOUNT_METRIC = 'amount';

/** One per Spend or Reserve, counted by the server. */
export const REQUESTS_METRIC = 'requests';

/**
 * A limit on what one agent, a pool together (scope POOL) or each agent of a pool spends. Exceeded means
 * strictly greater. Guide: set_spending_limit.
 */
export interface SpendingLimit extends Scoped {
  readonly uid: Uid;
  readonly name: string;
  /** `amount`, `requests` or the name of a quantity. */
  readonly metric: string;
  readonly window: LimitKind;
  readonly value: Amount;
  readonly enforcement: Enforcement;
  readonly severity: Severity;
  /** What happened before is not counted. 0 with include_past. */
  readonly countFrom: Instant;
  readonly revision: number;
  readonly createTime: Instant;
  readonly updateTime: Instant;
}

/** What a request or hold uses of the metrics that limits count. */
export interface Use {
  readonly amount: Amount;
  /** 1 for a Spend or Reserve. */
  readonly requests: number;
  readonly quantities: Quantities;
}

/** Steps of one whole unit: how a count of requests is an amount. */
const ONE: Amount = 10n ** 12n;

/** How much of a limit's metric is used. */
export function usedOf(metric: string, use: Use): Amount {
  if (metric === AMOUNT_METRIC) return use.amount;
  if (metric === REQUESTS_METRIC) return BigInt(use.requests) * ONE;
  for (const { name, amount } of use.quantities) if (name === metric) return amount;
  return 0n;
}

/** The key of what is counted of whom a limit counts: an agent, or its pool for scope POOL. */
export function countsKey({ scope }: SpendingLimit, agentUid: Uid): string {
  return String(scope.kind === 'POOL' ? scope.uid : agentUid);
}
