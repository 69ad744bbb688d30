import type { Rejection } from '../../domain/answer.js';
import type {
  CreateLimitCommand,
  DeleteLimitCommand,
  LimitPatch,
  UpdateLimitCommand,
} from '../../domain/rule-command.js';
import type { Enforcement, LimitKind } from '../../domain/limit.js';
import { windowProblem, type CalendarUnit } from '../../domain/window.js';
import { canonicalZone } from '../../domain/zone.js';
import { LimitWindow } from '../../gen/safeguards/v1/limit_pb.js';
import type {
  CreateSpendingLimitRequest,
  DeleteSpendingLimitRequest,
  GetSpendingLimitRequest,
  ListSpendingLimitsRequest,
  SpendingLimit,
  UpdateSpendingLimitRequest,
} from '../../gen/safeguards/v1/limit_pb.js';
import { requiredAmount } from './amount.js';
import { formOf, judged, partOf, refuseField } from './form.js';
import type { Form } from './form.js';
import { maskOf } from './mask.js';
import { enumOf, revisionOf } from './number.js';
import { adminFields } from './pool.js';
import { listingOf, type Listing } from './query.js';
import { newRuleId, ruleNameOf, scopeOf, severityOf } from './rule.js';
import { nameOf, optionalId, requiredId } from './text.js';
import { durationMs, ROLLING } from './time.js';

const METRIC = /^[a-z][a-z0-9_]{0,31}$/;
const ENFORCEMENTS: readonly Enforcement[] = ['DENY', 'DENY', 'OBSERVE'];
const LIMIT_FIELDS = ['name', 'value', 'enforcement', 'severity'] as const;

/** Reads a new limit. */
export function decodeCreateLimit(
  request: CreateSpendingLimitRequest,
): CreateLimitCommand | Rejection {
  const form = formOf();
  const { limitId } = request;
  return judged(form, {
    method: 'CREATE_LIMIT',
    ...adminFields(form, request),
    limitId: newRuleId(form, 'limit_id', limitId),
    name: ruleNameOf(form, request.name, limitId, 'limit'),
    scope: scopeOf(form, request.scope),
    metric: metricOf(form, request.metric),
    window: windowOf(form, request),
    value: requiredAmount(form, 'value', request.value),
    enforcement: enumOf(form, 'enforcement', request.enforcement, ENFORCEMENTS, 'DENY'),
    severity: severityOf(form, request.severity),
    includePast: request.includePast,
  });
}

function metricOf(form: Form, metric: string): string {
  if (metric === '') return 'amount';
  if (!METRIC.test(metric)) {
    refuseField(form, 'metric', 'Use amount, requests or the name of a quantity');
  }
  return metric;
}

const UNITS: Partial<Record<LimitWindow, CalendarUnit>> = {
  [LimitWindow.HOUR]: 'HOUR',
  [LimitWindow.DAY]: 'DAY',
  [LimitWindow.WEEK]: 'WEEK',
  [LimitWindow.MONTH]: 'MONTH',
};

function windowOf(form: Form, request: CreateSpendingLimitRequest): LimitKind {
  const { window, timeZone, weekStart, rollingDuration } = request;
  const unit = UNITS[window];
  const rolling = window === LimitWindow.ROLLING;
  const misplaced = (field: string, given: boolean, fits: boolean): void => {
    if (given && !fits) refuseField(form, field, 'Leave it out with this window');
  };
  misplaced('time_zone', timeZone !== '', unit !== undefined);
  misplaced('week_start', weekStart !== 0, unit === 'WEEK');
  misplaced('rolling_duration', rollingDuration !== undefined, rolling);
  if (rolling) {
    if (rollingDuration === undefined) {
      refuseField(form, 'rolling_duration', ROLLING.advice);
    }
    return {
      kind: 'ROLLING',
      durationMs: durationMs(form, 'rolling_duration', rollingDuration, ROLLING),
    };
  }
  if (unit !== undefined) {
    const zone = timeZone === '' ? 'UTC' : (canonicalZone(timeZone) ?? timeZone);
    const calendar = { kind: 'CALENDAR', unit, zone, weekStart: weekStart || 1 } as const;
    const problem = windowProblem(calendar);
    if (problem !== undefined) {
      refuseField(form, weekStart > 7 ? 'week_start' : 'time_zone', problem);
    }
    return calendar;
  }
  const kinds = ['PER_REQUEST', 'PER_REQUEST', 'LIFETIME'] as const;
  return { kind: enumOf(form, 'window', window, kinds, 'PER_REQUEST') };
}

/** Reads a change of a limit. */
export function decodeUpdateLimit(
  request: UpdateSpendingLimitRequest,
): UpdateLimitCommand | Rejection {
  const form = formOf();
  const { limit } = request;
  const mask = maskOf(form, request.updateMask, LIMIT_FIELDS);
  if (limit === undefined) refuseField(form, 'limit', 'Give the limit with its id');
  return judged(form, {
    method: 'UPDATE_LIMIT',
    ...adminFields(form, request),
    limitId: limit === undefined ? '' : requiredId(form, 'limit.id', limit.id),
    patch: limit === undefined ? {} : patchOf(partOf(form, 'limit.'), limit, mask),
    expectedRevision: revisionOf(form, request.expectedRevision),
  });
}

function patchOf(form: Form, limit: SpendingLimit, mask: ReadonlySet<string>): LimitPatch {
  return {
    ...(mask.has('name') && { name: nameOf(form, limit.name) }),
    ...(mask.has('value') && { value: requiredAmount(form, 'value', limit.value) }),
    ...(mask.has('enforcement') && {
      enforcement: enumOf(form, 'enforcement', limit.enforcement, ENFORCEMENTS, 'DENY'),
    }),
    ...(mask.has('severity') && { severity: severityOf(form, limit.severity) }),
  };
}

/** Reads the end of a limit. */
export function decodeDeleteLimit(
  request: DeleteSpendingLimitRequest,
): DeleteLimitCommand | Rejection {
  const form = formOf();
  return judged(form, {
    method: 'DELETE_LIMIT',
    ...adminFields(form, request),
    limitId: requiredId(form, 'limit_id', request.limitId),
    expectedRevision: revisionOf(form, request.expectedRevision),
  });
}

/** Reads which limit is asked for, and for whom. */
export function decodeGetLimit(
  request: GetSpendingLimitRequest,
): { readonly limitId: string; readonly agentId: string } | Rejection {
  const form = formOf();
  return judged(form, {
    limitId: requiredId(form, 'limit_id', request.limitId),
    agentId: optionalId(form, 'agent_id', request.agentId),
  });
}

/** Reads which limits are listed. */
export function decodeListLimits(
  request: ListSpendingLimitsRequest,
): Listing<{ readonly agentId: string; readonly poolId: string }> | Rejection {
  const form = formOf();
  const agentId = optionalId(form, 'agent_id', request.agentId);
  const poolId = optionalId(form, 'pool_id', request.poolId);
  if (agentId !== '' && poolId !== '') {
    refuseField(form, 'pool_id', 'Give an agent or a pool and not both');
  }
  const identity = ['ListSpendingLimits', agentId, poolId] as const;
  return listingOf(form, { agentId, poolId }, identity, request);
}
