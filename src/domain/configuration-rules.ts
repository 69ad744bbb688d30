import type { ConfigurationChange, FieldViolation, Rejection } from './answer.js';
import type { ApplyConfigurationCommand, SetEmergencyPolicyCommand } from './command.js';
import type { DocumentRule, DocumentRuleKind } from './document-rule.js';
import type { ConfigurationStep } from './configuration.js';
import type { Decided } from './decided.js';
import { defaultMessage } from './decide/monitors.js';
import type { ScopeName } from './decide/rules.js';
import { policyKey, policyScope } from './emergency/policy.js';
import type { LimitKind } from './limit.js';
import type { CreateLimitCommand } from './rule-command.js';
import type { Scope } from './scope.js';
import { serviceLevelsKey } from './service-level.js';
import type { State } from './state.js';

/**
 * The steps that bring the rules to what a document describes, in the order in which they may need each
 * other. A rule that is there is set to the whole description: whether that changes anything is for the
 * step itself to say.
 */
export function ruleSteps(
  state: State,
  { rules = [] }: ApplyConfigurationCommand,
  violations: FieldViolation[],
): readonly ConfigurationStep[] {
  return ORDER.flatMap((kind) =>
    rules.filter((rule) => rule.kind === kind).map((rule) => stepOf(state, rule, violations)),
  );
}

const ORDER: readonly DocumentRuleKind[] = [
  'service_levels',
  'emergency_policy',
  'spending_limit',
  'budget_monitor',
  'budget_alert',
  'schedule',
];

function stepOf(state: State, rule: DocumentRule, violations: FieldViolation[]): ConfigurationStep {
  const { kind, id, path, command } = rule;
  const step = (
    action: ConfigurationChange['action'],
    of: ConfigurationStep['command'],
  ): ConfigurationStep => {
    return { command: of, change: { action, objectKind: kind, objectId: id, fields: [] }, path };
  };
  const common = { requestId: '', reason: command.reason, expectedRevision: undefined };
  const { rows } = state.rules;
  switch (command.method) {
    case 'SET_SERVICE_LEVELS': {
      const known = rows.service_levels.has(serviceLevelsKey({ kind: 'EVERY_AGENT', uid: 0 }));
      const action = command.levels.length === 0 ? 'DELETE' : known ? 'UPDATE' : 'CREATE';
      return step(action, command);
    }
    case 'SET_EMERGENCY_POLICY':
      return step(hasPolicy(state, command) ? 'UPDATE' : 'CREATE', command);
    case 'CREATE_LIMIT': {
      const limit = rows.limits.get(id);
      if (limit === undefined) return step('CREATE', command);
      sameScope(state, limit.scope, command.scope, path, violations);
      for (const field of fixedFields(limit, command)) violations.push(fixed(`${path}.${field}`));
      const { value, enforcement, severity } = command;
      const patch = { name: command.name || id, value, enforcement, severity };
      return step('UPDATE', { method: 'UPDATE_LIMIT', ...common, limitId: id, patch });
    }
    case 'CREATE_MONITOR': {
      const monitor = rows.monitors.get(id);
      if (monitor === undefined) return step('CREATE', command);
      sameScope(state, monitor.scope, command.scope, path, violations);
      const { expression, action, severity } = command;
      const message = command.message || defaultMessage(id);
      const patch = { name: command.name || id, expression, action, severity, message };
      return step('UPDATE', { method: 'UPDATE_MONITOR', ...common, monitorId: id, patch });
    }
    case 'CREATE_ALERT': {
      const alert = rows.alerts.get(id);
      if (alert === undefined) return step('CREATE', command);
      const { kind: scope, id: subject } = command.scope;
      if (alert.scope.kind !== scope || alert.subjectId !== subject) {
        violations.push(fixed(`${path}.subject`));
      }
      const { condition, thresholds, rearmMargin, message } = command;
      const patch = { condition, thresholds, rearmMargin, message };
      return step('UPDATE', { method: 'UPDATE_ALERT', ...common, alertId: id, patch });
    }
    case 'CREATE_SCHEDULE': {
      if (!rows.schedules.has(id)) return step('CREATE', command);
      const { timing, action, catchUp, enabled, runReason } = command;
      const name = command.name || id;
      const patch = { name, ...timing, action, catchUp, enabled, runReason };
      return step('UPDATE', { method: 'UPDATE_SCHEDULE', ...common, scheduleId: id, patch });
    }
  }
}

function hasPolicy(state: State, { poolId }: SetEmergencyPolicyCommand): boolean {
  const pool = poolId === '' ? undefined : state.poolById(poolId);
  if (poolId !== '' && pool === undefined) return false;
  return state.rules.rows.emergency_policies.has(policyKey(policyScope(pool?.uid)));
}

/** What a limit counts, and over what, cannot change: its counters would mean something else. */
function fixedFields(
  limit: { readonly metric: string; readonly window: LimitKind },
  command: CreateLimitCommand,
): readonly string[] {
  return [
    ...(limit.metric === command.metric ? [] : ['metric']),
    ...(textOf(limit.window) === textOf(command.window) ? [] : ['window']),
  ];
}

function textOf(window: LimitKind): string {
  return JSON.stringify(Object.entries(window).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function sameScope(
  state: State,
  { kind, uid }: Scope,
  named: ScopeName,
  path: string,
  violations: FieldViolation[],
): void {
  const row = kind === 'AGENT' ? state.agent(uid) : state.pool(uid);
  const id = kind === 'EVERY_AGENT' ? '' : row?.id;
  if (kind !== named.kind || id !== named.id) violations.push(fixed(`${path}.scope`));
}

function fixed(field: string): FieldViolation {
  return { field, description: 'cannot change; give the rule another id or delete it first' };
}

/**
 * The steps that take away the rules which a document does not name, of the kinds that it lists: what
 * depends on others first.
 */
export function rulePruning(
  state: State,
  { rules = [], lists = [], reason }: ApplyConfigurationCommand,
): readonly ConfigurationStep[] {
  const common = { requestId: '', reason, expectedRevision: undefined };
  const steps: ConfigurationStep[] = [];
  const left = (kind: DocumentRuleKind, ids: Iterable<string>): readonly string[] => {
    if (!lists.includes(kind)) return [];
    const named = new Set(rules.flatMap((rule) => (rule.kind === kind ? [rule.id] : [])));
    return [...ids].filter((id) => !named.has(id)).sort();
  };
  const remove = (
    objectKind: DocumentRuleKind,
    objectId: string,
    command: ConfigurationStep['command'],
  ): void => {
    const change = { action: 'DELETE', objectKind, objectId, fields: [] } as const;
    steps.push({ command, change });
  };
  const { rows } = state.rules;
  for (const id of left('schedule', rows.schedules.keys())) {
    remove('schedule', id, { method: 'DELETE_SCHEDULE', ...common, scheduleId: id });
  }
  for (const id of left('budget_alert', rows.alerts.keys())) {
    remove('budget_alert', id, { method: 'DELETE_ALERT', ...common, alertId: id });
  }
  for (const id of left('budget_monitor', rows.monitors.keys())) {
    remove('budget_monitor', id, { method: 'DELETE_MONITOR', ...common, monitorId: id });
  }
  for (const id of left('spending_limit', rows.limits.keys())) {
    remove('spending_limit', id, { method: 'DELETE_LIMIT', ...common, limitId: id });
  }
  const pools = [...rows.emergency_policies.values()].map(({ scope }) =>
    scope.kind === 'POOL' ? (state.pool(scope.uid)?.id ?? '') : '',
  );
  for (const poolId of left('emergency_policy', pools)) {
    const terms = undefined;
    remove('emergency_policy', poolId, {
      method: 'SET_EMERGENCY_POLICY',
      ...common,
      poolId,
      terms,
    });
  }
  return steps;
}

/**
 * How a step that was carried out is shown; undefined for one that found its rule as it should be. The
 * fields are those that its ledger entry names.
 */
export function changeOf(
  { change, path }: ConfigurationStep,
  decided: Extract<Decided, { readonly verdict: 'JUDGED' }>,
): ConfigurationChange | undefined {
  if (path === undefined) return change;
  if (decided.outcome.sequence === 0) return undefined;
  if (change.action !== 'UPDATE') return change;
  const written = decided.effects?.entries.at(-1)?.changes ?? [];
  return { ...change, fields: written.map(({ field }) => field.slice(field.lastIndexOf('.') + 1)) };
}

/** Why a step was refused, with the fields where they stand in the document. */
export function refusedStep({ change, path }: ConfigurationStep, refusal: Rejection): Rejection {
  const object = `${change.objectKind} ${change.objectId}`.trimEnd();
  const metadata = { ...refusal.metadata, object };
  if (path === undefined || refusal.fields.length === 0) return { ...refusal, metadata };
  const fields = refusal.fields.map(({ field, description }) => ({
    field: `${path}.${field.replace(/^(limit|monitor|alert|schedule|policy)\./, '')}`,
    description,
  }));
  const names = [...new Set(fields.map(({ field }) => field))].join(',');
  return { ...refusal, fields, metadata: { ...metadata, fields: names } };
}
