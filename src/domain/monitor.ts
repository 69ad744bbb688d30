import type { Expression } from './expression.js';
import type { Instant, Uid } from './model.js';
import type { Scoped } from './scope.js';
import type { Severity } from './violation.js';

/** DENY refuses what the expression does not let pass, REPORT only tells. The number is on disk. */
export const MONITOR_ACTIONS = { DENY: 1, REPORT: 2 } as const;

/** The name of a monitor's action. */
export type MonitorAction = keyof typeof MONITOR_ACTIONS;

/**
 * Judges each request of one agent, of each agent of a pool, or of every agent by an expression. Guide:
 * register_budget_monitor.
 */
export interface BudgetMonitor extends Scoped {
  readonly uid: Uid;
  readonly name: string;
  /** CEL source, compiled once; true lets a request pass. */
  readonly expression: string;
  readonly action: MonitorAction;
  readonly severity: Severity;
  /** One sentence for people. */
  readonly message: string;
  readonly revision: number;
  readonly createTime: Instant;
  readonly updateTime: Instant;
}

/** A monitor that is ready to judge. */
export interface CompiledMonitor extends Scoped {
  readonly monitor: BudgetMonitor;
  readonly expression: Expression;
}
