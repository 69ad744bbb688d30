import type * as C from '../../src/domain/schedule-command.js';
import type { ScheduleAction } from '../../src/domain/schedule.js';
import { money } from '../support/seed.js';

/** Well-formed commands about schedules with defaults, as the decoders would make them. */

type Over<Command> = Partial<Omit<Command, 'method'>>;

const ADMIN = { requestId: '', reason: '' } as const;

/** `when` is a cron text in UTC, or an interval in milliseconds. */
export function createSchedule(
  scheduleId: string,
  when: string | number,
  action: ScheduleAction,
  over: Over<C.CreateScheduleCommand> = {},
): C.CreateScheduleCommand {
  return {
    method: 'CREATE_SCHEDULE',
    ...ADMIN,
    scheduleId,
    name: '',
    timing: typeof when === 'string' ? { cron: when, zone: 'UTC' } : { everyMs: when },
    action,
    catchUp: 'RUN_ONCE',
    enabled: true,
    runReason: '',
    ...over,
  };
}

export function updateSchedule(
  scheduleId: string,
  patch: C.SchedulePatch,
  over: Over<C.UpdateScheduleCommand> = {},
): C.UpdateScheduleCommand {
  const command = { method: 'UPDATE_SCHEDULE', ...ADMIN, scheduleId, patch } as const;
  return { ...command, expectedRevision: undefined, ...over };
}

export function deleteSchedule(
  scheduleId: string,
  over: Over<C.DeleteScheduleCommand> = {},
): C.DeleteScheduleCommand {
  return { method: 'DELETE_SCHEDULE', ...ADMIN, scheduleId, expectedRevision: undefined, ...over };
}

export function runSchedule(
  scheduleId: string,
  over: Over<C.RunScheduleCommand> = {},
): C.RunScheduleCommand {
  return { method: 'RUN_SCHEDULE', ...ADMIN, scheduleId, expectedRevision: undefined, ...over };
}

/** `who` is written `agent a` or `pool p`. */
export function setsBudget(who: string, amount: string, resetBaseline = false): ScheduleAction {
  const [kind = '', id = ''] = who.split(' ');
  return {
    kind: 'SET_BUDGET',
    agentId: kind === 'agent' ? id : '',
    poolId: kind === 'pool' ? id : '',
    amount: money(amount),
    resetBaseline,
  };
}

export function fundsPool(poolId: string, delta: string): ScheduleAction {
  return { kind: 'FUND_POOL', poolId, delta: money(delta) };
}

export function rebalances(poolId: string, agentIds: readonly string[] = []): ScheduleAction {
  return {
    kind: 'REBALANCE_POOL',
    poolId,
    agentIds,
    total: undefined,
    priorityWeight: money('0.7'),
    usageWeight: money('0.3'),
    minPerAgent: 0n,
    normalization: 'SHARE',
    windowMs: 86_400_000,
  };
}

export function allocatesDynamic(poolId: string, baseBudget: string): ScheduleAction {
  return {
    kind: 'ALLOCATE_DYNAMIC',
    poolId,
    agentIds: [],
    baseBudget: money(baseBudget),
    usageMultiplier: money('1.2'),
    maxBudget: undefined,
    statistic: 'MEAN_PER_ENTRY',
    windowMs: 86_400_000,
  };
}

export const REVIEWS: ScheduleAction = { kind: 'REVIEW_BUDGETS' };
