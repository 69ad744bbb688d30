import { reject, type Rejection } from '../answer.js';
import type {
  CreateMonitorCommand,
  DeleteMonitorCommand,
  UpdateMonitorCommand,
} from '../rule-command.js';
import { carryOut, unchanged, type Decided } from '../decided.js';
import { beginDraft, closeEntry, putRow } from '../draft.js';
import type { BudgetMonitor } from '../monitor.js';
import { endEpisodesOf } from '../raise.js';
import type { Context, State } from '../state.js';
import { changesOf, firstValuesOf } from './changes.js';
import { checkRevision } from './checks.js';
import { checkRoom, removeMonitor, resolveScope, ruleExists, ruleNotFound } from './rules.js';

const FIELDS = [
  ['name', 'name'],
  ['expression', 'expression'],
  ['action', 'action'],
  ['severity', 'severity'],
  ['message', 'message'],
] as const satisfies readonly (readonly [string, keyof BudgetMonitor])[];

/** Makes a monitor. Its expression is compiled here, so that no request meets one that is none. */
export function decideCreateMonitor(
  state: State,
  command: CreateMonitorCommand,
  context: Context,
): Decided {
  const id = command.monitorId === '' ? context.newId() : command.monitorId;
  if (state.rules.rows.monitors.has(id)) {
    return ruleExists('MONITOR_ALREADY_EXISTS', 'monitor', id);
  }
  const scope = resolveScope(state, command.scope);
  if ('verdict' in scope) return scope;
  const refusal =
    checkRoom('monitor', state.rules.monitors.size) ??
    checkExpression(state, 'expression', command.expression);
  if (refusal !== undefined) return refusal;

  const draft = beginDraft(state, context.now);
  const monitor: BudgetMonitor = {
    uid: draft.nextUid,
    id,
    name: command.name,
    scope,
    expression: command.expression,
    action: command.action,
    severity: command.severity,
    message: command.message === '' ? defaultMessage(id) : command.message,
    revision: 1,
    createTime: context.now,
    updateTime: context.now,
  };
  draft.nextUid += 1;
  putRow(draft, 'monitors', id, monitor);
  const field = (name: string): string => `monitor/${id}.${name}`;
  closeEntry(draft, 'CONFIGURE', {
    changes: [
      { field: field('scope'), before: '', after: `${command.scope.kind} ${command.scope.id}` },
      ...firstValuesOf(monitor, FIELDS).map((change) => ({
        ...change,
        field: field(change.field),
      })),
    ],
  });
  return carryOut(draft, { object: { collection: 'monitors', key: id } });
}

/** Changes a monitor. Its episodes end. */
export function decideUpdateMonitor(
  state: State,
  command: UpdateMonitorCommand,
  context: Context,
): Decided {
  const monitor = state.rules.rows.monitors.get(command.monitorId);
  if (monitor === undefined) {
    return ruleNotFound('MONITOR_NOT_FOUND', 'monitor', command.monitorId);
  }
  const { patch } = command;
  const refusal =
    checkRevision(command.expectedRevision, monitor.revision) ??
    (patch.expression === undefined
      ? undefined
      : checkExpression(state, 'monitor.expression', patch.expression));
  if (refusal !== undefined) return refusal;
  const changes = changesOf<BudgetMonitor>(monitor, patch, FIELDS);
  const object = { collection: 'monitors', key: monitor.id } as const;
  if (changes.length === 0) return unchanged({ object });

  const draft = beginDraft(state, context.now);
  const { revision } = monitor;
  const after = { ...monitor, ...patch, revision: revision + 1, updateTime: context.now };
  putRow(draft, 'monitors', monitor.id, after);
  endEpisodesOf(draft, { kind: 'MONITOR', id: monitor.id });
  closeEntry(draft, 'CONFIGURE', {
    changes: changes.map((change) => ({
      ...change,
      field: `monitor/${monitor.id}.${change.field}`,
    })),
  });
  return carryOut(draft, { object });
}

/** Takes a monitor away. */
export function decideDeleteMonitor(
  state: State,
  command: DeleteMonitorCommand,
  context: Context,
): Decided {
  const monitor = state.rules.rows.monitors.get(command.monitorId);
  if (monitor === undefined) {
    return ruleNotFound('MONITOR_NOT_FOUND', 'monitor', command.monitorId);
  }
  const stale = checkRevision(command.expectedRevision, monitor.revision);
  if (stale !== undefined) return stale;
  const draft = beginDraft(state, context.now);
  removeMonitor(draft, monitor.id);
  const field = `monitor/${monitor.id}.expression`;
  closeEntry(draft, 'CONFIGURE', {
    changes: [{ field, before: monitor.expression, after: '' }],
  });
  return carryOut(draft, {});
}

/** EXPRESSION_INVALID with the place where a source is none. */
function checkExpression(state: State, field: string, source: string): Rejection | undefined {
  const compiled = state.rules.compile(source);
  if (compiled.kind === 'COMPILED') return undefined;
  const { message, line, column, offset } = compiled;
  const refusal = reject('EXPRESSION_INVALID', 'The expression is none. See the place and why', {
    line: String(line),
    column: String(column),
    offset: String(offset),
  });
  const description = `line ${line}, column ${column}: ${message}`;
  return { ...refusal, fields: [{ field, description }] };
}

/** What a monitor says that was given no message. */
export function defaultMessage(id: string): string {
  return `Monitor ${id} does not let it pass`;
}
