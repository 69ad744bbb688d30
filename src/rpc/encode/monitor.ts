import type { BudgetMonitor, MonitorAction } from '../../domain/monitor.js';
import { MonitorAction as ProtoAction } from '../../gen/safeguards/v1/monitor_pb.js';
import type { BudgetMonitor as ProtoMonitor } from '../../gen/safeguards/v1/monitor_pb.js';
import { encodeScope, SEVERITIES } from './rule.js';
import { timestampOf } from './time.js';

const ACTIONS = {
  DENY: ProtoAction.DENY,
  REPORT: ProtoAction.REPORT,
} as const satisfies Record<MonitorAction, ProtoAction>;

/** Prints a monitor. `scopeId` is the id of whom it judges. */
export function encodeMonitor(monitor: BudgetMonitor, scopeId: string): ProtoMonitor {
  const scope = encodeScope(monitor.scope, scopeId);
  return {
    $typeName: 'safeguards.v1.BudgetMonitor',
    id: monitor.id,
    uid: String(monitor.uid),
    name: monitor.name,
    scope: scope.case === 'poolId' || scope.case === 'limitId' ? { case: undefined } : scope,
    expression: monitor.expression,
    action: ACTIONS[monitor.action],
    severity: SEVERITIES[monitor.severity],
    message: monitor.message,
    revision: BigInt(monitor.revision),
    createTime: timestampOf(monitor.createTime),
    updateTime: timestampOf(monitor.updateTime),
  };
}
