import type {
  EventKind,
  Notification,
  ToldViolation,
  ViolationEvent,
} from '../../src/domain/notification/notification.js';
import { T0 } from './manual-time.js';

/** The violation of the guide's spending limit of 100. */
export const LIMIT_VIOLATION: ToldViolation = {
  id: 'v-1',
  type: 'BUDGET_LIMIT_EXCEEDED',
  severity: 'MEDIUM',
  agentId: 'agent-1',
  poolId: 'pool-1',
  ruleId: 'limit-1',
  message: 'Agent exceeded spending limit of 100',
  details: { limit: '100', spent: '100.01', overage: '0.01' },
  source: 'DETECTED',
  count: 1,
};

export function eventOf(
  kind: EventKind,
  violation: Partial<ToldViolation> = {},
  rest: Partial<Omit<ViolationEvent, 'kind' | 'violation'>> = {},
): ViolationEvent {
  return {
    sequence: 7,
    time: T0,
    kind,
    ...rest,
    violation: { ...LIMIT_VIOLATION, ...violation },
  };
}

export function notificationOf(
  event: ViolationEvent = eventOf('OPENED'),
  rest: Partial<Omit<Notification, 'event'>> = {},
): Notification {
  return {
    deliveryId: 'd-1',
    channelId: 'ops',
    storeId: 'store-1',
    suppressed: 0,
    toldSeverity: undefined,
    ...rest,
    event,
  };
}
