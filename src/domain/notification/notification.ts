import type { Instant } from '../model.js';

/** What a violation is about. Guide: ViolationType, and more. */
export const VIOLATION_TYPES = [
  'BUDGET_LIMIT_EXCEEDED',
  'LOW_BUDGET',
  'OVERSPEND',
  'RATE_LIMIT',
  'UNAUTHORIZED',
  'POOL_BREACH',
  'POLICY_BREACH',
  'CUSTOM',
] as const;

/** One of VIOLATION_TYPES. */
export type ViolationType = (typeof VIOLATION_TYPES)[number];

/** Severities, the least first. Guide: AlertSeverity. */
export const SEVERITIES = ['INFO', 'LOW', 'MEDIUM', 'HIGH', 'CRITICAL'] as const;

/** One of SEVERITIES. */
export type Severity = (typeof SEVERITIES)[number];

/** What happened to a violation. The first two leave it open, the others end it. */
export const EVENT_KINDS = [
  'OPENED',
  'ESCALATED',
  'RESOLVED',
  'RECOVERED',
  'EPISODE_ENDED',
] as const;

/** One of EVENT_KINDS. */
export type EventKind = (typeof EVENT_KINDS)[number];

/** Who found a violation: the sidecar, or an agent that reported it. */
export type ViolationSource = 'DETECTED' | 'REPORTED';

/** A violation as it was at an event. */
export interface ToldViolation {
  readonly id: string;
  readonly type: ViolationType;
  readonly severity: Severity;
  /** Empty: of a pool as a whole. */
  readonly agentId: string;
  readonly poolId: string;
  /** The limit, monitor or alert that found it; empty: none did. */
  readonly ruleId: string;
  /** One sentence. A reported one was written by an agent, so trust nothing in it. */
  readonly message: string;
  readonly details: Readonly<Record<string, string>>;
  readonly source: ViolationSource;
  /** Denials of the episode so far; from 1. */
  readonly count: number;
}

/** One event of a violation. */
export interface ViolationEvent {
  /** Dense number of the event in its store, from 1. */
  readonly sequence: number;
  readonly time: Instant;
  readonly kind: EventKind;
  readonly violation: ToldViolation;
}

/** One event that one channel is told. It is the same at every attempt to deliver it. */
export interface Notification {
  /** Names the delivery: receivers recognize a repeated one by it. */
  readonly deliveryId: string;
  readonly channelId: string;
  readonly storeId: string;
  readonly event: ViolationEvent;
  /** Events of the same rule and agent that the cooldown kept from the channel since the last one. */
  readonly suppressed: number;
  /** The severity that the channel was last told of this violation; undefined: never told of it. */
  readonly toldSeverity: Severity | undefined;
}

/** How severe: 0 is INFO, 4 is CRITICAL. */
export function rankOf(severity: Severity): number {
  return SEVERITIES.indexOf(severity);
}

/** Whether a violation is over after an event of this kind. */
export function isClosing(kind: EventKind): boolean {
  switch (kind) {
    case 'OPENED':
    case 'ESCALATED':
      return false;
    case 'RESOLVED':
    case 'RECOVERED':
    case 'EPISODE_ENDED':
      return true;
  }
}

/** An example of a notification: what a test of a channel sends. */
export function sampleNotification(
  names: Pick<Notification, 'deliveryId' | 'channelId' | 'storeId'>,
  time: Instant,
): Notification {
  return {
    ...names,
    suppressed: 0,
    toldSeverity: undefined,
    event: {
      sequence: 0,
      time,
      kind: 'OPENED',
      violation: {
        id: 'sample-violation',
        type: 'CUSTOM',
        severity: 'INFO',
        agentId: 'sample-agent',
        poolId: 'sample-pool',
        ruleId: 'sample-rule',
        message: 'This is a test of the notification channel',
        details: { test: 'true' },
        source: 'REPORTED',
        count: 1,
      },
    },
  };
}
