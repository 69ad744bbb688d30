import type { ScopeName } from '../../domain/decide/rules.js';
import type { ScopeKind } from '../../domain/scope.js';
import type { Severity } from '../../domain/violation.js';
import type { Severity as ProtoSeverity } from '../../gen/safeguards/v1/severity_pb.js';
import { refuseField } from './form.js';
import type { Form } from './form.js';
import { enumOf } from './number.js';
import { nameOf, optionalId, requiredId } from './text.js';

const SEVERITIES: readonly Severity[] = ['MEDIUM', 'INFO', 'LOW', 'MEDIUM', 'HIGH', 'CRITICAL'];

/** Reads a severity; left out it is MEDIUM. */
export function severityOf(form: Form, severity: ProtoSeverity): Severity {
  return enumOf(form, 'severity', severity, SEVERITIES, 'MEDIUM');
}

/** The name of a new rule: its id when left out. */
export function ruleNameOf(form: Form, name: string, id: string, noun: string): string {
  return nameOf(form, name === '' ? (id === '' ? noun : id) : name);
}

/** Reads the id of a new rule, made by the server when left out. */
export function newRuleId(form: Form, field: string, id: string): string {
  return optionalId(form, field, id);
}

/** A choice of whom a rule is for, as protobuf-es has it. */
export type ScopeChoice =
  | {
      readonly case: 'agentId' | 'poolId' | 'eachAgentOfPoolId' | 'limitId';
      readonly value: string;
    }
  | { readonly case: 'everyAgent'; readonly value: boolean }
  | { readonly case: undefined; readonly value?: undefined };

const FIELDS = {
  agentId: ['agent_id', 'AGENT'],
  poolId: ['pool_id', 'POOL'],
  eachAgentOfPoolId: ['each_agent_of_pool_id', 'EACH_AGENT_OF_POOL'],
  limitId: ['limit_id', 'LIMIT'],
} as const satisfies Record<string, readonly [field: string, kind: ScopeKind]>;

/** Reads whom a rule is for. */
export function scopeOf(form: Form, choice: ScopeChoice): ScopeName {
  if (choice.case === undefined) {
    refuseField(
      form,
      'scope',
      'Say whom it is for: agent_id, pool_id, each_agent_of_pool_id, limit_id or every_agent',
    );
    return { kind: 'EVERY_AGENT', id: '' };
  }
  if (choice.case === 'everyAgent') {
    if (!choice.value) refuseField(form, 'every_agent', 'Set it to true or name somebody');
    return { kind: 'EVERY_AGENT', id: '' };
  }
  const [field, kind] = FIELDS[choice.case];
  return { kind, id: requiredId(form, field, choice.value) };
}
