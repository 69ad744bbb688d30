import { create } from '@bufbuild/protobuf';
import type { DescMessage, MessageShape } from '@bufbuild/protobuf';
import type { Rejection } from '../../domain/answer.js';
import type { DocumentRule, DocumentRuleKind } from '../../domain/document-rule.js';
import { CreateBudgetAlertRequestSchema } from '../../gen/safeguards/v1/alert_pb.js';
import {
  EmergencyPolicySchema,
  SetEmergencyPolicyRequestSchema,
} from '../../gen/safeguards/v1/emergency_pb.js';
import { CreateSpendingLimitRequestSchema } from '../../gen/safeguards/v1/limit_pb.js';
import { CreateBudgetMonitorRequestSchema } from '../../gen/safeguards/v1/monitor_pb.js';
import { CreateScheduleRequestSchema } from '../../gen/safeguards/v1/schedule_pb.js';
import { decodeCreateAlert } from './alert.js';
import { textOf, type Fields } from './document-fields.js';
import { serviceLevelsOf } from './document-levels.js';
import { messageFrom } from './document-message.js';
import { decodeSetEmergencyPolicy } from './emergency.js';
import { partOf, refuseField } from './form.js';
import type { Form } from './form.js';
import { decodeCreateLimit } from './limit.js';
import { decodeCreateMonitor } from './monitor.js';
import { decodeCreateSchedule } from './schedule.js';
import { isFailure } from '../status.js';
import type { Tree } from './yaml-tree.js';

type RuleCommand = DocumentRule['command'];

/** How a list of a document becomes rules. */
interface Section {
  readonly kind: DocumentRuleKind;
  /** The field that names a rule. */
  readonly id: string;
  /** Whether it must be given. */
  readonly named: boolean;
  /** Reads one rule as the RPC that makes it would; undefined where a field is not of its kind. */
  readonly read: (
    form: Form,
    fields: Fields,
    reason: string,
  ) => RuleCommand | Rejection | undefined;
}

/** The lists of rules, by their names in a document. A kind of rule that is new gets a row. */
const SECTIONS: ReadonlyMap<string, Section> = new Map([
  [
    'emergency_policies',
    { kind: 'emergency_policy', id: 'pool_id', named: false, read: policyFrom },
  ],
  [
    'spending_limits',
    section('spending_limit', 'limit_id', CreateSpendingLimitRequestSchema, decodeCreateLimit),
  ],
  [
    'budget_monitors',
    section('budget_monitor', 'monitor_id', CreateBudgetMonitorRequestSchema, decodeCreateMonitor),
  ],
  [
    'budget_alerts',
    section('budget_alert', 'alert_id', CreateBudgetAlertRequestSchema, decodeCreateAlert),
  ],
  [
    'schedules',
    section('schedule', 'schedule_id', CreateScheduleRequestSchema, decodeCreateSchedule),
  ],
]);

/** What a document may have beside pools and agents. */
export const RULE_KEYS: readonly string[] = ['service_levels', ...SECTIONS.keys()];

/** Reads the rules of a document. What is wrong with one is named as the RPC that makes it would. */
export function rulesOf(form: Form, root: Fields, reason: string) {
  const rules: DocumentRule[] = [...everybodysLevels(form, root, reason)];
  const lists: DocumentRuleKind[] = [];
  for (const [key, section] of SECTIONS) {
    const list = root.get(key);
    if (list === undefined) continue;
    lists.push(section.kind);
    if (list === '') continue;
    if (Array.isArray(list)) rules.push(...listOf(form, key, section, list as Tree[], reason));
    else refuseField(form, key, 'Give a list');
  }
  return { ...(rules.length > 0 && { rules }), ...(lists.length > 0 && { lists }) };
}

function listOf(
  form: Form,
  key: string,
  { kind, id: idField, named, read }: Section,
  list: readonly Tree[],
  reason: string,
): readonly DocumentRule[] {
  const seen = new Set<string>();
  return list.flatMap((item, at): readonly DocumentRule[] => {
    const path = `${key}[${at}]`;
    if (!(item instanceof Map)) {
      refuseField(form, path, 'Give an object');
      return [];
    }
    const part = partOf(form, `${path}.`);
    const id = textOf(part, item, idField) ?? '';
    if (id === '' && named) refuseField(part, idField, 'Give an id');
    if ((id !== '' || !named) && seen.has(id)) refuseField(part, idField, 'Describe it once');
    seen.add(id);
    const command = read(part, item, reason);
    if (command === undefined) return [];
    if (!isFailure(command)) return [{ kind, id, path, command }];
    for (const { field, description } of command.fields) refuseField(part, field, description);
    return [];
  });
}

function section<D extends DescMessage>(
  kind: DocumentRuleKind,
  id: string,
  desc: D,
  decode: (request: MessageShape<D>) => RuleCommand | Rejection,
): Section {
  const read: Section['read'] = (form, fields, reason) => {
    const request = messageFrom(form, desc, fields, ['request_id', 'reason']);
    return request && withReason(decode(request), reason);
  };
  return { kind, id, named: true, read };
}

/** A policy is written flat, with its pool among its terms; without one it is the server's. */
function policyFrom(
  form: Form,
  fields: Fields,
  reason: string,
): RuleCommand | Rejection | undefined {
  const kept = ['revision', 'create_time', 'update_time'];
  const policy = messageFrom(form, EmergencyPolicySchema, fields, kept);
  if (policy === undefined) return undefined;
  const { poolId } = policy;
  const request = create(SetEmergencyPolicyRequestSchema, { poolId, policy });
  const command = decodeSetEmergencyPolicy(request);
  if (!isFailure(command)) return withReason(command, reason);
  const named = command.fields.map(({ field, description }) => ({
    field: field.replace(/^policy\./, ''),
    description,
  }));
  return { ...command, fields: named };
}

function withReason(command: RuleCommand | Rejection, reason: string): RuleCommand | Rejection {
  return isFailure(command) ? command : { ...command, reason };
}

/** The levels of whoever has none of its own, nor of its pool. */
function everybodysLevels(form: Form, root: Fields, reason: string): readonly DocumentRule[] {
  const { serviceLevels } = serviceLevelsOf(form, root);
  if (serviceLevels === undefined) return [];
  const command = {
    method: 'SET_SERVICE_LEVELS',
    requestId: '',
    reason,
    scope: { kind: 'EVERY_AGENT', id: '' },
    levels: serviceLevels,
    expectedRevision: undefined,
  } as const;
  return [{ kind: 'service_levels', id: '', path: 'service_levels', command }];
}
