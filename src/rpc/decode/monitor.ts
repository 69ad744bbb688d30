import type { Rejection } from '../../domain/answer.js';
import type {
  CreateMonitorCommand,
  DeleteMonitorCommand,
  MonitorPatch,
  UpdateMonitorCommand,
} from '../../domain/rule-command.js';
import type { MonitorAction } from '../../domain/monitor.js';
import type {
  BudgetMonitor,
  CreateBudgetMonitorRequest,
  DeleteBudgetMonitorRequest,
  ListBudgetMonitorsRequest,
  UpdateBudgetMonitorRequest,
} from '../../gen/safeguards/v1/monitor_pb.js';
import { formOf, judged, partOf, refuseField } from './form.js';
import type { Form } from './form.js';
import { maskOf } from './mask.js';
import { enumOf, revisionOf } from './number.js';
import { adminFields } from './pool.js';
import { listingOf, type Listing } from './query.js';
import { newRuleId, ruleNameOf, scopeOf, severityOf } from './rule.js';
import { nameOf, optionalId, requiredId, wellFormed } from './text.js';

const ACTIONS: readonly MonitorAction[] = ['DENY', 'DENY', 'REPORT'];
const MONITOR_FIELDS = ['name', 'expression', 'action', 'severity', 'message'] as const;
const MESSAGE_CHARACTERS_MAX = 256;

/** Reads a new monitor. */
export function decodeCreateMonitor(
  request: CreateBudgetMonitorRequest,
): CreateMonitorCommand | Rejection {
  const form = formOf();
  const { monitorId } = request;
  return judged(form, {
    method: 'CREATE_MONITOR',
    ...adminFields(form, request),
    monitorId: newRuleId(form, 'monitor_id', monitorId),
    name: ruleNameOf(form, request.name, monitorId, 'monitor'),
    scope: scopeOf(form, request.scope),
    expression: expressionOf(form, request.expression),
    action: enumOf(form, 'action', request.action, ACTIONS, 'DENY'),
    severity: severityOf(form, request.severity),
    message: messageOf(form, request.message),
  });
}

function expressionOf(form: Form, source: string): string {
  if (source.trim() === '') refuseField(form, 'expression', 'Give an expression');
  return source;
}

function messageOf(form: Form, message: string): string {
  if (Array.from(message).length > MESSAGE_CHARACTERS_MAX) {
    refuseField(form, 'message', `Use at most ${MESSAGE_CHARACTERS_MAX} characters`);
  }
  wellFormed(form, 'message', message);
  return message;
}

/** Reads a change of a monitor. */
export function decodeUpdateMonitor(
  request: UpdateBudgetMonitorRequest,
): UpdateMonitorCommand | Rejection {
  const form = formOf();
  const { monitor } = request;
  const mask = maskOf(form, request.updateMask, MONITOR_FIELDS);
  if (monitor === undefined) refuseField(form, 'monitor', 'Give the monitor with its id');
  return judged(form, {
    method: 'UPDATE_MONITOR',
    ...adminFields(form, request),
    monitorId: monitor === undefined ? '' : requiredId(form, 'monitor.id', monitor.id),
    patch: monitor === undefined ? {} : patchOf(partOf(form, 'monitor.'), monitor, mask),
    expectedRevision: revisionOf(form, request.expectedRevision),
  });
}

function patchOf(form: Form, monitor: BudgetMonitor, mask: ReadonlySet<string>): MonitorPatch {
  return {
    ...(mask.has('name') && { name: nameOf(form, monitor.name) }),
    ...(mask.has('expression') && { expression: expressionOf(form, monitor.expression) }),
    ...(mask.has('action') && { action: enumOf(form, 'action', monitor.action, ACTIONS, 'DENY') }),
    ...(mask.has('severity') && { severity: severityOf(form, monitor.severity) }),
    ...(mask.has('message') && { message: messageOf(form, monitor.message) }),
  };
}

/** Reads the end of a monitor. */
export function decodeDeleteMonitor(
  request: DeleteBudgetMonitorRequest,
): DeleteMonitorCommand | Rejection {
  const form = formOf();
  return judged(form, {
    method: 'DELETE_MONITOR',
    ...adminFields(form, request),
    monitorId: requiredId(form, 'monitor_id', request.monitorId),
    expectedRevision: revisionOf(form, request.expectedRevision),
  });
}

/** Reads which monitors are listed. */
export function decodeListMonitors(
  request: ListBudgetMonitorsRequest,
): Listing<{ readonly agentId: string }> | Rejection {
  const form = formOf();
  const agentId = optionalId(form, 'agent_id', request.agentId);
  return listingOf(form, { agentId }, ['ListBudgetMonitors', agentId], request);
}
