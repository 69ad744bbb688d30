import { durationFromMs } from '@bufbuild/protobuf/wkt';
import { formatAmount } from '../../domain/amount.js';
import type { Enforcement, LimitKind, SpendingLimit } from '../../domain/limit.js';
import {
  Enforcement as ProtoEnforcement,
  LimitWindow,
  Weekday,
} from '../../gen/safeguards/v1/limit_pb.js';
import type { LimitStatus, SpendingLimit as ProtoLimit } from '../../gen/safeguards/v1/limit_pb.js';
import type { LimitStatusView } from '../../ledger/api.js';
import { encodeScope, SEVERITIES } from './rule.js';
import { timestampOf } from './time.js';

const ENFORCEMENTS = {
  DENY: ProtoEnforcement.DENY,
  OBSERVE: ProtoEnforcement.OBSERVE,
} as const satisfies Record<Enforcement, ProtoEnforcement>;

/** Prints a limit. `scopeId` is the id of whom it is for. */
export function encodeLimit(limit: SpendingLimit, scopeId: string): ProtoLimit {
  const scope = encodeScope(limit.scope, scopeId);
  const { window } = limit;
  return {
    $typeName: 'safeguards.v1.SpendingLimit',
    id: limit.id,
    uid: String(limit.uid),
    name: limit.name,
    scope: scope.case === 'everyAgent' || scope.case === 'limitId' ? { case: undefined } : scope,
    metric: limit.metric,
    window: windowOf(window),
    timeZone: window.kind === 'CALENDAR' ? window.zone : '',
    weekStart: weekStartOf(window),
    rollingDuration: window.kind === 'ROLLING' ? durationFromMs(window.durationMs) : undefined,
    value: formatAmount(limit.value),
    enforcement: ENFORCEMENTS[limit.enforcement],
    severity: SEVERITIES[limit.severity],
    includePast: limit.countFrom === 0,
    revision: BigInt(limit.revision),
    createTime: timestampOf(limit.createTime),
    updateTime: timestampOf(limit.updateTime),
  };
}

function weekStartOf(window: LimitKind): Weekday {
  const weekly = window.kind === 'CALENDAR' && window.unit === 'WEEK';
  return weekly ? (WEEKDAYS[window.weekStart] ?? Weekday.MONDAY) : Weekday.UNSPECIFIED;
}

const WEEKDAYS: readonly Weekday[] = [
  Weekday.UNSPECIFIED,
  Weekday.MONDAY,
  Weekday.TUESDAY,
  Weekday.WEDNESDAY,
  Weekday.THURSDAY,
  Weekday.FRIDAY,
  Weekday.SATURDAY,
  Weekday.SUNDAY,
];

function windowOf(window: LimitKind): LimitWindow {
  return window.kind === 'CALENDAR' ? LimitWindow[window.unit] : LimitWindow[window.kind];
}

/** Prints how a limit stands. */
export function encodeLimitStatus(limit: SpendingLimit, status: LimitStatusView): LimitStatus {
  const { counted, windowStart, windowEnd } = status;
  return {
    $typeName: 'safeguards.v1.LimitStatus',
    counted: formatAmount(counted),
    remaining: formatAmount(limit.value - counted),
    windowStartTime: windowStart === undefined ? undefined : timestampOf(windowStart),
    windowEndTime: windowEnd === undefined ? undefined : timestampOf(windowEnd),
  };
}
