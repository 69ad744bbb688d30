import type { AlertThreshold } from '../../src/domain/alert.js';
import type { Severity } from '../../src/domain/violation.js';
import type * as R from '../../src/domain/rule-command.js';
import type { ScopeKind } from '../../src/domain/scope.js';
import { money } from '../support/seed.js';

/** Well-formed commands about rules with defaults, as the decoders would make them. */

type Over<Command> = Partial<Omit<Command, 'method'>>;

const ADMIN = { requestId: '', reason: '' } as const;

export function createLimit(
  limitId: string,
  value: string,
  scope: R.CreateLimitCommand['scope'],
  over: Over<R.CreateLimitCommand> = {},
): R.CreateLimitCommand {
  return {
    method: 'CREATE_LIMIT',
    ...ADMIN,
    limitId,
    name: limitId,
    scope,
    metric: 'amount',
    window: { kind: 'PER_REQUEST' },
    value: money(value),
    enforcement: 'DENY',
    severity: 'MEDIUM',
    includePast: false,
    ...over,
  };
}

export function updateLimit(limitId: string, patch: R.LimitPatch): R.UpdateLimitCommand {
  return { method: 'UPDATE_LIMIT', ...ADMIN, limitId, patch, expectedRevision: undefined };
}

export function deleteLimit(limitId: string): R.DeleteLimitCommand {
  return { method: 'DELETE_LIMIT', ...ADMIN, limitId, expectedRevision: undefined };
}

export function createMonitor(
  monitorId: string,
  expression: string,
  scope: R.CreateMonitorCommand['scope'],
  over: Over<R.CreateMonitorCommand> = {},
): R.CreateMonitorCommand {
  return {
    method: 'CREATE_MONITOR',
    ...ADMIN,
    monitorId,
    name: monitorId,
    scope,
    expression,
    action: 'DENY',
    severity: 'MEDIUM',
    message: '',
    ...over,
  };
}

export function updateMonitor(monitorId: string, patch: R.MonitorPatch): R.UpdateMonitorCommand {
  return { method: 'UPDATE_MONITOR', ...ADMIN, monitorId, patch, expectedRevision: undefined };
}

export function deleteMonitor(monitorId: string): R.DeleteMonitorCommand {
  return { method: 'DELETE_MONITOR', ...ADMIN, monitorId, expectedRevision: undefined };
}

/** Subjects are written `AGENT a` or `EVERY_AGENT`. */
export function createAlert(
  alertId: string,
  subject: string,
  over: Over<R.CreateAlertCommand> = {},
): R.CreateAlertCommand {
  const [kind, id = ''] = subject.split(' ');
  return {
    method: 'CREATE_ALERT',
    ...ADMIN,
    alertId,
    scope: { kind: kind as ScopeKind, id },
    condition: 'REMAINING_AT_MOST_PERCENT',
    thresholds: thresholds('15'),
    rearmMargin: money('5'),
    message: '',
    ...over,
  };
}

export function updateAlert(
  alertId: string,
  patch: R.AlertPatch,
  over: Over<R.UpdateAlertCommand> = {},
): R.UpdateAlertCommand {
  return { method: 'UPDATE_ALERT', ...ADMIN, alertId, patch, expectedRevision: undefined, ...over };
}

export function deleteAlert(
  alertId: string,
  over: Over<R.DeleteAlertCommand> = {},
): R.DeleteAlertCommand {
  return { method: 'DELETE_ALERT', ...ADMIN, alertId, expectedRevision: undefined, ...over };
}

/** Thresholds are written `15` or `90 CRITICAL`, in the order in which they are passed. */
export function thresholds(...texts: readonly string[]): readonly AlertThreshold[] {
  return texts.map((text) => {
    const [value = '', severity = 'MEDIUM'] = text.split(' ');
    return { value: money(value), severity: severity as Severity };
  });
}

/** An alert on levels, whose thresholds are written `minimal` or `emergency CRITICAL`. */
export function onLevels(...texts: readonly string[]): Over<R.CreateAlertCommand> {
  return {
    condition: 'SERVICE_LEVEL_AT_OR_BELOW',
    thresholds: texts.map((text) => {
      const [level = '', severity = 'MEDIUM'] = text.split(' ');
      return { value: 0n, level, severity: severity as Severity };
    }),
    rearmMargin: 0n,
  };
}
