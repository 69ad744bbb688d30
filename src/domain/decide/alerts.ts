import {
  isLevel,
  isPercent,
  isUsage,
  REARM_MARGIN,
  type AlertThreshold,
  type BudgetAlert,
} from '../alert.js';
import { formatAmount, type Amount } from '../amount.js';
import { thresholdText } from '../alert-text.js';
import { rejectFields, type Rejection } from '../answer.js';
import type {
  AlertPatch,
  CreateAlertCommand,
  DeleteAlertCommand,
  UpdateAlertCommand,
} from '../rule-command.js';
import { carryOut, unchanged, type Decided } from '../decided.js';
import { beginDraft, closeEntry, putRow } from '../draft.js';
import { endStates, removeAlert } from '../end-alerts.js';
import type { FieldChange } from '../entry.js';
import type { Scope } from '../scope.js';
import type { Context, State } from '../state.js';
import { checkRevision, checkScales } from './checks.js';
import { checkRoom, resolveScope, ruleExists, ruleNotFound } from './rules.js';

/** Makes a budget alert. Guide: setup_budget_alerts. It is first judged at the next change. */
export function decideCreateAlert(
  state: State,
  command: CreateAlertCommand,
  context: Context,
): Decided {
  const { alerts } = state.rules;
  const id = command.alertId === '' ? context.newId() : command.alertId;
  if (state.rules.rows.alerts.has(id)) return ruleExists('ALERT_ALREADY_EXISTS', 'alert', id);
  const scope = resolveScope(state, command.scope);
  if ('verdict' in scope) return scope;
  const refusal =
    checkRoom('alert', alerts.size) ??
    checkMargin(command, '') ??
    checkDigits(state, scope, command, '');
  if (refusal !== undefined) return refusal;

  const draft = beginDraft(state, context.now);
  const uid = draft.nextUid;
  draft.nextUid += 1;
  const alert: BudgetAlert = {
    uid,
    id,
    scope,
    subjectId: command.scope.id,
    condition: command.condition,
    thresholds: command.thresholds,
    rearmMargin: command.rearmMargin,
    widestMargin: command.rearmMargin,
    message: command.message,
    statesUid: uid,
    revision: 1,
    createTime: context.now,
    updateTime: context.now,
  };
  putRow(draft, 'alerts', id, alert);
  const subject = `${scope.kind} ${alert.subjectId}`.trimEnd();
  closeEntry(draft, 'CONFIGURE', {
    changes: [
      { field: `alert/${id}.subject`, before: '', after: subject },
      ...changesOf(undefined, alert),
    ],
  });
  return carryOut(draft, { object: { collection: 'alerts', key: id } });
}

/**
 * Changes an alert. With another condition or other threshold values it begins anew: what it had opened
 * is RESOLVED. Otherwise what has fired stays so.
 */
export function decideUpdateAlert(
  state: State,
  command: UpdateAlertCommand,
  context: Context,
): Decided {
  const alert = state.rules.rows.alerts.get(command.alertId);
  if (alert === undefined) return ruleNotFound('ALERT_NOT_FOUND', 'alert', command.alertId);
  const next: BudgetAlert = { ...alert, ...marginsOf(alert, command.patch), ...command.patch };
  const refusal =
    checkRevision(command.expectedRevision, alert.revision) ??
    checkSubject(next) ??
    checkMargin(next, 'alert.') ??
    checkDigits(state, alert.scope, next, 'alert.');
  if (refusal !== undefined) return refusal;
  const object = { collection: 'alerts', key: alert.id } as const;
  const changes = changesOf(alert, next);
  if (changes.length === 0) return unchanged({ object });

  const draft = beginDraft(state, context.now);
  const anew = !sameMeaning(alert, next);
  const wider = next.rearmMargin > alert.widestMargin;
  if (anew) {
    endStates(draft, alert, 'alert changed');
    draft.nextUid += 1;
  }
  putRow(draft, 'alerts', alert.id, {
    ...next,
    // In a new place: what is left of the old states is nobody's.
    statesUid: anew ? draft.nextUid - 1 : alert.statesUid,
    widestMargin: anew || wider ? next.rearmMargin : alert.widestMargin,
    revision: alert.revision + 1,
    updateTime: context.now,
  });
  closeEntry(draft, 'CONFIGURE', { changes });
  return carryOut(draft, { object });
}

/** Takes an alert away. What it had opened is RESOLVED. */
export function decideDeleteAlert(
  state: State,
  command: DeleteAlertCommand,
  context: Context,
): Decided {
  const alert = state.rules.rows.alerts.get(command.alertId);
  if (alert === undefined) return ruleNotFound('ALERT_NOT_FOUND', 'alert', command.alertId);
  const stale = checkRevision(command.expectedRevision, alert.revision);
  if (stale !== undefined) return stale;
  const draft = beginDraft(state, context.now);
  removeAlert(draft, alert, 'alert deleted');
  closeEntry(draft, 'CONFIGURE', { changes: changesOf(alert, undefined) });
  return carryOut(draft, {});
}

/** Whether what one has fired means the same for the other. */
function sameMeaning(a: BudgetAlert, b: BudgetAlert): boolean {
  const values = ({ thresholds }: BudgetAlert): string =>
    thresholds.map(({ value, level }) => level ?? value).join(' ');
  return a.condition === b.condition && values(a) === values(b);
}

const FIELDS = {
  condition: ({ condition }) => condition,
  thresholds: (alert) =>
    alert.thresholds
      .map((threshold) => `${thresholdText(alert, threshold)} ${threshold.severity}`)
      .join(', '),
  rearm_margin: ({ rearmMargin }) => formatAmount(rearmMargin),
  message: ({ message }) => message,
} as const satisfies Record<string, (alert: BudgetAlert) => string>;

/** The fields that differ, as the ledger shows them; an alert that is not there has empty ones. */
function changesOf(
  before: BudgetAlert | undefined,
  after: BudgetAlert | undefined,
): readonly FieldChange[] {
  const id = (before ?? after)?.id ?? '';
  return Object.entries(FIELDS).flatMap(([name, show]) => {
    const change = {
      field: `alert/${id}.${name}`,
      before: before === undefined ? '' : show(before),
      after: after === undefined ? '' : show(after),
    };
    return change.before === change.after ? [] : [change];
  });
}

type Judged = Pick<BudgetAlert, 'condition' | 'thresholds' | 'rearmMargin'>;

const HUNDRED: Amount = 100n * 10n ** 12n;

/** Levels have a margin of their own: an alert that begins or ceases to be on them changes its one. */
function marginsOf({ condition }: BudgetAlert, patch: AlertPatch): Pick<AlertPatch, 'rearmMargin'> {
  const next = patch.condition ?? condition;
  if (isLevel(next) === isLevel(condition)) return {};
  return { rearmMargin: isLevel(next) ? 0n : REARM_MARGIN };
}

/** INVALID_REQUEST for a condition that a limit's counter cannot meet. */
function checkSubject({ scope, condition }: BudgetAlert): Rejection | undefined {
  if (scope.kind !== 'LIMIT' || isUsage(condition)) return undefined;
  return rejectFields([
    {
      field: 'alert.condition',
      description: 'For a limit give one of the USED_AT_LEAST conditions',
    },
  ]);
}

/** INVALID_REQUEST when a percentage could never come back by the margin. */
function checkMargin(
  { condition, thresholds, rearmMargin }: Judged,
  prefix: string,
): Rejection | undefined {
  if (isLevel(condition) && rearmMargin !== 0n) {
    const description = 'Leave it out: levels of service have a margin of their own';
    return rejectFields([{ field: `${prefix}rearm_margin`, description }]);
  }
  if (!isPercent(condition)) return undefined;
  const room = (value: Amount): Amount => (isUsage(condition) ? value : HUNDRED - value);
  if (thresholds.every(({ value }) => rearmMargin <= room(value))) return undefined;
  return rejectFields([
    {
      field: `${prefix}rearm_margin`,
      description: 'a threshold with it lies outside of 0 to 100; give a smaller margin',
    },
  ]);
}

/** INVALID_REQUEST for amounts with digits that no amount of the pool can have. */
function checkDigits(
  state: State,
  { kind, uid }: Scope,
  { condition, thresholds }: Judged,
  prefix: string,
): Rejection | undefined {
  if (isPercent(condition) || isLevel(condition) || condition === 'EXHAUSTION_WITHIN') {
    return undefined;
  }
  const poolUid = kind === 'AGENT' ? state.agent(uid)?.poolUid : uid;
  const pool = poolUid === undefined ? undefined : state.pool(poolUid);
  if (pool === undefined) return undefined;
  return checkScales(
    pool,
    thresholds.map(({ value }: AlertThreshold, at) => [`${prefix}thresholds[${at}].value`, value]),
  );
}
