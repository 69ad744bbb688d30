import type { Instant } from '../model.js';
import { isClosing, type Notification, type Severity, type ToldViolation } from './notification.js';

/** What a placeholder can stand for: outside of a JSON string it becomes a value of this type. */
export type FieldValue = string | number | Readonly<Record<string, string>>;

/** One placeholder of templates: what it stands for when no text may exceed so many characters. */
export interface Field {
  readonly type: 'TEXT' | 'NUMBER' | 'OBJECT';
  readonly valueOf: (notification: Notification, charsMax: number) => FieldValue;
}

/** How long an alert of a violation that nobody ends lasts in Alertmanager: a day. */
export const ALERT_OPEN_MS = 24 * 60 * 60_000;

/**
 * How far back the end of an alert is dated. Alertmanager believes an end only when it has passed on
 * its own clock: without this one that lags by a second would show the alert for the rest of the day.
 */
export const ALERT_SKEW_MS = 60_000;

/** The names that Alertmanager's routes expect as `severity`. */
const ALERT_SEVERITIES = {
  INFO: 'info',
  LOW: 'info',
  MEDIUM: 'warning',
  HIGH: 'critical',
  CRITICAL: 'critical',
} as const satisfies Readonly<Record<Severity, string>>;

/** Every placeholder but those of single details. */
export const FIELDS: Readonly<Record<string, Field>> = {
  delivery_id: text(({ deliveryId }) => deliveryId),
  channel_id: text(({ channelId }) => channelId),
  store_id: text(({ storeId }) => storeId),
  sequence: number(({ event }) => event.sequence),
  time: text(({ event }) => formatTime(event.time)),
  kind: text(({ event }) => event.kind),
  suppressed: number(({ suppressed }) => suppressed),
  suppressed_note: text(({ suppressed }) => (suppressed > 0 ? ` (${suppressed} not told)` : '')),
  'violation.id': ofViolation(({ id }) => id),
  'violation.type': ofViolation(({ type }) => type),
  'violation.severity': ofViolation(({ severity }) => severity),
  'violation.agent_id': ofViolation(({ agentId }) => agentId),
  'violation.pool_id': ofViolation(({ poolId }) => poolId),
  'violation.rule_id': ofViolation(({ ruleId }) => ruleId),
  'violation.subject': ofViolation(subjectOf),
  'violation.message': ofViolation(({ message }) => message),
  'violation.source': ofViolation(({ source }) => source),
  'violation.count': number(({ event }) => event.violation.count),
  'violation.details': {
    type: 'OBJECT',
    valueOf: ({ event }, charsMax) => cutDetails(event.violation.details, charsMax),
  },
  'alert.severity': text(({ event }) => ALERT_SEVERITIES[event.violation.severity]),
  'alert.starts_at': text((notification) => formatTime(alertTimes(notification).start)),
  'alert.ends_at': text((notification) => formatTime(alertTimes(notification).end)),
  'alert.told_severity': text((notification) => ALERT_SEVERITIES[toldSeverityOf(notification)]),
  'alert.told_starts_at': text((notification) => formatTime(toldTimes(notification).start)),
  'alert.told_ends_at': text((notification) => formatTime(toldTimes(notification).end)),
};

const DETAIL = /^violation\.details\.([A-Za-z0-9_.-]{1,64})$/;

/** The placeholder of a name, or undefined. A detail that a violation does not have is empty. */
export function fieldNamed(name: string): Field | undefined {
  const key = DETAIL.exec(name)?.[1];
  if (key === undefined) return Object.hasOwn(FIELDS, name) ? FIELDS[name] : undefined;
  return text(({ event: { violation } }) =>
    Object.hasOwn(violation.details, key) ? (violation.details[key] ?? '') : '',
  );
}

/** At most so many characters; what is cut ends in an ellipsis. Never cuts a character in two. */
export function cutText(value: string, charsMax: number): string {
  if (value.length <= charsMax) return value;
  return `${value.slice(0, charsMax - 1).replace(/[\ud800-\udbff]$/, '')}…`;
}

/** Details sorted by key, as many as fit. What JSON needs around a pair counts as six characters. */
function cutDetails(
  details: ToldViolation['details'],
  charsMax: number,
): Readonly<Record<string, string>> {
  const kept: (readonly [string, string])[] = [];
  let rest = charsMax;
  for (const key of Object.keys(details).sort()) {
    const value = cutText(details[key] ?? '', Math.ceil(charsMax / 4));
    rest -= key.length + value.length + 6;
    if (rest < 0) break;
    kept.push([key, value]);
  }
  return Object.fromEntries(kept);
}

function subjectOf({ agentId, poolId }: ToldViolation): string {
  if (agentId === '') return poolId === '' ? 'the sidecar' : `pool ${poolId}`;
  return poolId === '' ? `agent ${agentId}` : `agent ${agentId} of pool ${poolId}`;
}

interface Times {
  readonly start: Instant;
  readonly end: Instant;
}

/** From when to when the alert of the violation fires. */
function alertTimes({ event }: Notification): Times {
  return isClosing(event.kind)
    ? endedAt(event.time)
    : { start: event.time, end: event.time + ALERT_OPEN_MS };
}

/**
 * The same of the alert that the receiver knows. The severity is among the labels of an alert and so
 * part of its identity: when it has changed, the one known before must end. Otherwise it is the same
 * alert once more, which Alertmanager takes as one.
 */
function toldTimes(notification: Notification): Times {
  const { severity } = notification.event.violation;
  const changed = ALERT_SEVERITIES[toldSeverityOf(notification)] !== ALERT_SEVERITIES[severity];
  return changed ? endedAt(notification.event.time) : alertTimes(notification);
}

/** An alert may not end before it starts, so one that is over has no length. */
function endedAt(time: Instant): Times {
  return { start: time - ALERT_SKEW_MS, end: time - ALERT_SKEW_MS };
}

function toldSeverityOf({ toldSeverity, event }: Notification): Severity {
  return toldSeverity ?? event.violation.severity;
}

function formatTime(time: Instant): string {
  return new Date(time).toISOString();
}

function text(of: (notification: Notification) => string): Field {
  return { type: 'TEXT', valueOf: (notification, max) => cutText(of(notification), max) };
}

function number(of: (notification: Notification) => number): Field {
  return { type: 'NUMBER', valueOf: of };
}

function ofViolation(of: (violation: ToldViolation) => string): Field {
  return text(({ event }) => of(event.violation));
}
