import type { SetEmergencyPolicyCommand, SetServiceLevelsCommand } from './command.js';
import type {
  CreateAlertCommand,
  CreateLimitCommand,
  CreateMonitorCommand,
} from './rule-command.js';
import type { CreateScheduleCommand } from './schedule-command.js';

/** The kinds of rules that a configuration document may describe. */
export type DocumentRuleKind =
  | 'service_levels'
  | 'emergency_policy'
  | 'spending_limit'
  | 'budget_monitor'
  | 'budget_alert'
  | 'schedule';

/** A rule as a configuration document describes it, whole: what is left out has its default. */
export interface DocumentRule {
  readonly kind: DocumentRuleKind;
  /** Of the rule; of a policy the pool's, empty for the server's; empty for everybody's levels. */
  readonly id: string;
  /** Where it stands in the document, such as `spending_limits[0]`. */
  readonly path: string;
  /** The command that makes it where it is not there. */
  readonly command:
    | CreateLimitCommand
    | CreateMonitorCommand
    | CreateAlertCommand
    | CreateScheduleCommand
    | SetEmergencyPolicyCommand
    | SetServiceLevelsCommand;
}
