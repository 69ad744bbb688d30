import type { Amount } from '../amount.js';

/** What an allocation makes of one agent. */
export interface AllocationRow {
  readonly agentId: string;
  readonly priority: number;
  /** `remaining` before it. */
  readonly before: Amount;
  /** `remaining` after it: holds stay on top. */
  readonly after: Amount;
  /** What counts as 100 percent after it. */
  readonly baseline: Amount;
  /** The usage it was judged by; undefined where the strategy looks at none. */
  readonly usage: UsageBasis | undefined;
  /** Whether the agent is frozen: it was left out, with its money. */
  readonly leftOut: boolean;
}

/** An agent's spends and commits in the window of an allocation. */
export interface UsageBasis {
  /** Their sum. Refunds are no entries and take nothing away. */
  readonly amount: Amount;
  /** Their number. */
  readonly entries: number;
}
