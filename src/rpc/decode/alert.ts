import {
  isLevel,
  isPercent,
  isUsage,
  REARM_MARGIN,
  THRESHOLDS_MAX,
  type AlertCondition,
  type AlertThreshold,
} from '../../domain/alert.js';
import { parseAmount, type Amount } from '../../domain/amount.js';
import type { Rejection } from '../../domain/answer.js';
import type {
  AlertPatch,
  CreateAlertCommand,
  DeleteAlertCommand,
  UpdateAlertCommand,
} from '../../domain/rule-command.js';
import type { ScopeName } from '../../domain/decide/rules.js';
import type { ScopeKind } from '../../domain/scope.js';
import type { Severity } from '../../domain/violation.js';
import type {
  AlertThreshold as ProtoThreshold,
  BudgetAlert,
  CreateBudgetAlertRequest,
  DeleteBudgetAlertRequest,
  ListBudgetAlertsRequest,
  UpdateBudgetAlertRequest,
} from '../../gen/safeguards/v1/alert_pb.js';
import type { AlertFilter } from '../../ledger/api.js';
import { formOf, judged, partOf, refuseField, type Form } from './form.js';
import { maskOf } from './mask.js';
import { enumOf, revisionOf } from './number.js';
import { adminFields } from './pool.js';
import { listingOf, type Listing } from './query.js';
import { LEVEL_NAME_CHARACTERS_MAX, messageOf, optionalId, requiredId, wordOf } from './text.js';

const REMAINING = 'REMAINING_AT_MOST_PERCENT';
const CONDITIONS: readonly (AlertCondition | undefined)[] = [
  REMAINING,
  REMAINING,
  'USED_AT_LEAST_PERCENT',
  'REMAINING_AT_MOST_AMOUNT',
  'EXHAUSTION_WITHIN',
  'SERVICE_LEVEL_AT_OR_BELOW',
  'USED_AT_LEAST_AMOUNT',
];
const SEVERITY_WORDS: readonly Severity[] = ['MEDIUM', 'INFO', 'LOW', 'MEDIUM', 'HIGH', 'CRITICAL'];

const UNIT: Amount = 10n ** 12n;
const HUNDRED: Amount = 100n * UNIT;

/** What is meant by what is left out: api.md, "BudgetAlert". Guide: threshold_percentage=15. */
const DEFAULT_THRESHOLDS: readonly AlertThreshold[] = [{ value: 15n * UNIT, severity: 'MEDIUM' }];

/** Seconds that money may last: 1 min to 90 d. */
const DURATION = { min: 60n * UNIT, max: 90n * 86_400n * UNIT } as const;

/** Above 100: an agent may go below zero, and a forced cost beyond a limit. */
const USED_MAX: Amount = 1_000n * UNIT;

/** The fields of an alert that an update may name. */
const ALERT_FIELDS = ['condition', 'thresholds', 'rearm_margin', 'message'] as const;

/** Reads a new alert. */
export function decodeCreateAlert(
  request: CreateBudgetAlertRequest,
): CreateAlertCommand | Rejection {
  const form = formOf();
  const condition = conditionOf(form, request.condition);
  const scope = scopeOf(form, request.subject);
  if (scope.kind === 'LIMIT' && !isUsage(condition)) {
    refuseField(form, 'condition', 'For a limit give one of the USED_AT_LEAST conditions');
  }
  return judged(form, {
    method: 'CREATE_ALERT',
    ...adminFields(form, request),
    alertId: optionalId(form, 'alert_id', request.alertId),
    scope,
    condition,
    thresholds:
      request.thresholds.length === 0 && condition === REMAINING
        ? DEFAULT_THRESHOLDS
        : thresholdsOf(form, condition, request.thresholds),
    rearmMargin: newMargin(form, condition, request.rearmMargin),
    message: messageOf(form, request.message),
  });
}

/** Reads a change of an alert. */
export function decodeUpdateAlert(
  request: UpdateBudgetAlertRequest,
): UpdateAlertCommand | Rejection {
  const form = formOf();
  const { alert } = request;
  const mask = maskOf(form, request.updateMask, ALERT_FIELDS);
  if (alert === undefined) refuseField(form, 'alert', 'Give the alert with its id');
  return judged(form, {
    method: 'UPDATE_ALERT',
    ...adminFields(form, request),
    alertId: alert === undefined ? '' : requiredId(form, 'alert.id', alert.id),
    patch: alert === undefined ? {} : patchOf(partOf(form, 'alert.'), alert, mask),
    expectedRevision: revisionOf(form, request.expectedRevision),
  });
}

/** What thresholds mean is said by the condition: one that is kept must be named with new ones. */
function patchOf(form: Form, alert: BudgetAlert, mask: ReadonlySet<string>): AlertPatch {
  const condition = conditionOf(form, alert.condition);
  if (mask.has('condition') !== mask.has('thresholds')) {
    const other = mask.has('condition') ? 'thresholds' : 'condition';
    refuseField(form, other, 'Name condition and thresholds together in the mask');
  }
  return {
    ...(mask.has('condition') && { condition }),
    ...(mask.has('thresholds') && {
      thresholds: thresholdsOf(form, condition, alert.thresholds),
    }),
    ...(mask.has('rearm_margin') && { rearmMargin: marginOf(form, alert.rearmMargin) }),
    ...(mask.has('message') && { message: messageOf(form, alert.message) }),
  };
}

/** Reads which alert ends. */
export function decodeDeleteAlert(
  request: DeleteBudgetAlertRequest,
): DeleteAlertCommand | Rejection {
  const form = formOf();
  return judged(form, {
    method: 'DELETE_ALERT',
    ...adminFields(form, request),
    alertId: requiredId(form, 'alert_id', request.alertId),
    expectedRevision: revisionOf(form, request.expectedRevision),
  });
}

/** Reads which alerts are listed. */
export function decodeListAlerts(
  request: ListBudgetAlertsRequest,
): Listing<AlertFilter> | Rejection {
  const form = formOf();
  const { agentId, poolId } = request;
  optionalId(form, 'agent_id', agentId);
  optionalId(form, 'pool_id', poolId);
  if (agentId !== '' && poolId !== '') {
    refuseField(form, 'pool_id', 'Give either an agent or a pool');
  }
  return listingOf(form, { agentId, poolId }, ['ListBudgetAlerts', agentId, poolId], request);
}

const SUBJECTS = {
  agentId: ['AGENT', 'agent_id'],
  poolId: ['POOL', 'pool_id'],
  eachAgentOfPoolId: ['EACH_AGENT_OF_POOL', 'each_agent_of_pool_id'],
  limitId: ['LIMIT', 'limit_id'],
} as const satisfies Record<string, readonly [ScopeKind, string]>;

function scopeOf(form: Form, subject: CreateBudgetAlertRequest['subject']): ScopeName {
  const everyAgent: ScopeName = { kind: 'EVERY_AGENT', id: '' };
  if (subject.case === undefined) {
    refuseField(form, 'subject', 'Say whose money it watches, such as every_agent');
    return everyAgent;
  }
  if (subject.case === 'everyAgent') {
    if (!subject.value) refuseField(form, 'every_agent', 'Give true or another subject');
    return everyAgent;
  }
  const [kind, field] = SUBJECTS[subject.case];
  return { kind, id: requiredId(form, field, subject.value) };
}

function conditionOf(form: Form, condition: number): AlertCondition {
  return enumOf(form, 'condition', condition, CONDITIONS, REMAINING);
}

/** In the order in which they are passed: how they were given makes no other request. */
function thresholdsOf(
  form: Form,
  condition: AlertCondition,
  given: readonly ProtoThreshold[],
): readonly AlertThreshold[] {
  if (given.length === 0 || given.length > THRESHOLDS_MAX) {
    refuseField(form, 'thresholds', `Give 1 to ${THRESHOLDS_MAX} thresholds`);
    return [];
  }
  const seen = new Set<Amount>();
  const thresholds = given.map(({ value: text, severity }, at): AlertThreshold => {
    const part = partOf(form, `thresholds[${at}].`);
    if (isLevel(condition)) return levelThreshold(part, text, severity);
    const value = valueOf(part, condition, text);
    if (value !== undefined && seen.has(value)) refuseField(part, 'value', 'Give each value once');
    if (value !== undefined) seen.add(value);
    return {
      value: value ?? 0n,
      severity: enumOf(part, 'severity', severity, SEVERITY_WORDS, 'MEDIUM'),
    };
  });
  if (isLevel(condition)) return inOrderOfNames(form, thresholds);
  const order = isUsage(condition) ? 1 : -1;
  return thresholds.toSorted((a, b) => (a.value < b.value ? -order : order));
}

function levelThreshold(form: Form, name: string, severity: number): AlertThreshold {
  return {
    value: 0n,
    level: wordOf(form, 'value', name, LEVEL_NAME_CHARACTERS_MAX),
    severity: enumOf(form, 'severity', severity, SEVERITY_WORDS, 'MEDIUM'),
  };
}

/** Which of two levels is the lower one is for each agent's levels to say. */
function inOrderOfNames(
  form: Form,
  thresholds: readonly AlertThreshold[],
): readonly AlertThreshold[] {
  const names = thresholds.map(({ level = '' }) => level);
  for (const [at, name] of names.entries()) {
    if (names.indexOf(name) < at) {
      refuseField(form, `thresholds[${at}].value`, 'Give each level once');
    }
  }
  return thresholds.toSorted((a, b) => ((a.level ?? '') < (b.level ?? '') ? -1 : 1));
}

function valueOf(form: Form, condition: AlertCondition, text: string): Amount | undefined {
  if (condition === 'EXHAUSTION_WITHIN') {
    const seconds = /^[0-9]+(?:\.[0-9]{1,3})?s$/.test(text) ? parseAmount(text.slice(0, -1)) : null;
    return within(form, seconds ?? undefined, DURATION, 'Give seconds from 60s to 7776000s');
  }
  const value = parseAmount(text);
  if (condition === 'REMAINING_AT_MOST_PERCENT') {
    return within(form, value, { min: 0n, max: HUNDRED }, 'Give a percentage from 0 to 100');
  }
  if (isPercent(condition)) {
    const advice = 'Give a percentage above 0 and up to 1000';
    return within(form, value, { min: 1n, max: USED_MAX }, advice);
  }
  const least = isUsage(condition) ? 1n : 0n;
  const advice = isUsage(condition) ? 'Give an amount above 0' : 'Give an amount such as 12.50';
  return within(form, value, { min: least, max: value ?? 0n }, advice);
}

function within(
  form: Form,
  value: Amount | undefined,
  { min, max }: { readonly min: Amount; readonly max: Amount },
  advice: string,
): Amount | undefined {
  if (value !== undefined && value >= min && value <= max) return value;
  refuseField(form, 'value', advice);
  return undefined;
}

function newMargin(form: Form, condition: AlertCondition, text: string): Amount {
  if (text === '') return isLevel(condition) ? 0n : REARM_MARGIN;
  return marginOf(form, text);
}

function marginOf(form: Form, text: string): Amount {
  const margin = parseAmount(text);
  if (margin !== undefined && margin <= HUNDRED) return margin;
  refuseField(form, 'rearm_margin', 'Give a number from 0 to 100');
  return 0n;
}
