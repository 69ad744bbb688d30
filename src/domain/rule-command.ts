import type { AlertCondition, AlertThreshold } from './alert.js';
import type { Amount } from './amount.js';
import type { AdminFields } from './command.js';
import type { ScopeName } from './decide/rules.js';
import type { Enforcement, LimitKind } from './limit.js';
import type { MonitorAction } from './monitor.js';
import type { Severity } from './violation.js';

export interface CreateLimitCommand extends AdminFields {
  readonly method: 'CREATE_LIMIT';
  /** Empty: made by the server. */
  readonly limitId: string;
  readonly name: string;
  /** AGENT, POOL or EACH_AGENT_OF_POOL. */
  readonly scope: ScopeName;
  readonly metric: string;
  readonly window: LimitKind;
  readonly value: Amount;
  readonly enforcement: Enforcement;
  readonly severity: Severity;
  readonly includePast: boolean;
}

/** The fields of a limit that an update may name; undefined ones stay. */
export interface LimitPatch {
  readonly name?: string;
  readonly value?: Amount;
  readonly enforcement?: Enforcement;
  readonly severity?: Severity;
}

export interface UpdateLimitCommand extends AdminFields {
  readonly method: 'UPDATE_LIMIT';
  readonly limitId: string;
  readonly patch: LimitPatch;
  readonly expectedRevision: number | undefined;
}

export interface DeleteLimitCommand extends AdminFields {
  readonly method: 'DELETE_LIMIT';
  readonly limitId: string;
  readonly expectedRevision: number | undefined;
}

export interface CreateMonitorCommand extends AdminFields {
  readonly method: 'CREATE_MONITOR';
  /** Empty: made by the server. */
  readonly monitorId: string;
  readonly name: string;
  /** AGENT, EACH_AGENT_OF_POOL or EVERY_AGENT. */
  readonly scope: ScopeName;
  readonly expression: string;
  readonly action: MonitorAction;
  readonly severity: Severity;
  /** Empty: one with its id. */
  readonly message: string;
}

/** The fields of a monitor that an update may name; undefined ones stay. */
export interface MonitorPatch {
  readonly name?: string;
  readonly expression?: string;
  readonly action?: MonitorAction;
  readonly severity?: Severity;
  readonly message?: string;
}

export interface UpdateMonitorCommand extends AdminFields {
  readonly method: 'UPDATE_MONITOR';
  readonly monitorId: string;
  readonly patch: MonitorPatch;
  readonly expectedRevision: number | undefined;
}

export interface DeleteMonitorCommand extends AdminFields {
  readonly method: 'DELETE_MONITOR';
  readonly monitorId: string;
  readonly expectedRevision: number | undefined;
}

export interface CreateAlertCommand extends AdminFields {
  readonly method: 'CREATE_ALERT';
  /** Empty: made by the server. */
  readonly alertId: string;
  readonly scope: ScopeName;
  readonly condition: AlertCondition;
  /** 1 to 8, values unique, the one that is passed first in front. */
  readonly thresholds: readonly AlertThreshold[];
  /** 0 to 100. */
  readonly rearmMargin: Amount;
  readonly message: string;
}

/** The fields of an alert that an update may name; undefined ones stay. */
export interface AlertPatch {
  /** Never without thresholds. */
  readonly condition?: AlertCondition;
  readonly thresholds?: readonly AlertThreshold[];
  readonly rearmMargin?: Amount;
  readonly message?: string;
}

export interface UpdateAlertCommand extends AdminFields {
  readonly method: 'UPDATE_ALERT';
  readonly alertId: string;
  readonly patch: AlertPatch;
  readonly expectedRevision: number | undefined;
}

export interface DeleteAlertCommand extends AdminFields {
  readonly method: 'DELETE_ALERT';
  readonly alertId: string;
  readonly expectedRevision: number | undefined;
}

/** A mutation whose subject is a rule. */
export type RuleCommand =
  | CreateLimitCommand
  | UpdateLimitCommand
  | DeleteLimitCommand
  | CreateMonitorCommand
  | UpdateMonitorCommand
  | DeleteMonitorCommand
  | CreateAlertCommand
  | UpdateAlertCommand
  | DeleteAlertCommand;
