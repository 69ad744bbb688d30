import { formatAmount, type Amount } from '../../domain/amount.js';
import type { Normalization, UsageStatistic } from '../../domain/allocation/command.js';
import {
  CATCH_UPS,
  RUN_OUTCOMES,
  RUN_TRIGGERS,
  type Schedule,
  type ScheduleAction,
  type ScheduleRun,
} from '../../domain/schedule.js';
import {
  RebalanceNormalization,
  UsageStatistic as ProtoUsageStatistic,
} from '../../gen/safeguards/v1/allocation_pb.js';
import type {
  Schedule as ProtoSchedule,
  ScheduleRun as ProtoScheduleRun,
} from '../../gen/safeguards/v1/schedule_pb.js';
import { durationOf, timestampOf } from './time.js';

const NORMALIZATIONS = {
  SHARE: RebalanceNormalization.SHARE,
  RAW: RebalanceNormalization.RAW,
} as const satisfies Record<Normalization, RebalanceNormalization>;

const STATISTICS = {
  MEAN_PER_ENTRY: ProtoUsageStatistic.MEAN_PER_ENTRY,
  MEAN_PER_HOUR: ProtoUsageStatistic.MEAN_PER_HOUR,
} as const satisfies Record<UsageStatistic, ProtoUsageStatistic>;

/** Prints a schedule. The numbers of its words are those on disk. */
export function encodeSchedule(schedule: Schedule): ProtoSchedule {
  const { timing, dueTime } = schedule;
  return {
    $typeName: 'safeguards.v1.Schedule',
    id: schedule.id,
    uid: String(schedule.uid),
    name: schedule.name,
    cron: timing.kind === 'CRON' ? timing.cron : '',
    timeZone: timing.kind === 'CRON' ? timing.zone : '',
    ...(timing.kind === 'INTERVAL' && { interval: durationOf(timing.everyMs) }),
    action: actionOf(schedule.action),
    catchUp: CATCH_UPS[schedule.catchUp],
    enabled: schedule.enabled,
    runReason: schedule.runReason,
    ...(dueTime !== 0 && { nextDueTime: timestampOf(dueTime) }),
    runCount: BigInt(schedule.runCount),
    revision: BigInt(schedule.revision),
    createTime: timestampOf(schedule.createTime),
    updateTime: timestampOf(schedule.updateTime),
  };
}

/** Prints a run. */
export function encodeScheduleRun(run: ScheduleRun): ProtoScheduleRun {
  return {
    $typeName: 'safeguards.v1.ScheduleRun',
    number: BigInt(run.number),
    ...(run.dueTime !== 0 && { dueTime: timestampOf(run.dueTime) }),
    runTime: timestampOf(run.runTime),
    ...(run.endTime !== 0 && { endTime: timestampOf(run.endTime) }),
    trigger: RUN_TRIGGERS[run.trigger],
    outcome: RUN_OUTCOMES[run.outcome],
    reason: run.reason,
    summary: run.summary,
    firstSequence: BigInt(run.firstSequence),
    agentsSet: BigInt(run.agentsSet),
    agentsFailed: BigInt(run.agentsFailed),
  };
}

function actionOf(action: ScheduleAction): ProtoSchedule['action'] {
  switch (action.kind) {
    case 'SET_BUDGET': {
      const { agentId, poolId, amount, resetBaseline } = action;
      return {
        case: 'setBudget',
        value: {
          $typeName: 'safeguards.v1.SetBudgetAction',
          subject:
            agentId === ''
              ? { case: 'eachAgentOfPoolId', value: poolId }
              : { case: 'agentId', value: agentId },
          amount: formatAmount(amount),
          resetBaseline,
        },
      };
    }
    case 'FUND_POOL':
      return {
        case: 'fundPool',
        value: {
          $typeName: 'safeguards.v1.FundPoolAction',
          poolId: action.poolId,
          delta: formatAmount(action.delta),
        },
      };
    case 'REBALANCE_POOL':
      return {
        case: 'rebalancePool',
        value: {
          $typeName: 'safeguards.v1.RebalancePoolAction',
          poolId: action.poolId,
          agentIds: [...action.agentIds],
          total: printed(action.total),
          priorityWeight: formatAmount(action.priorityWeight),
          usageWeight: formatAmount(action.usageWeight),
          minPerAgent: formatAmount(action.minPerAgent),
          normalization: NORMALIZATIONS[action.normalization],
          window: durationOf(action.windowMs),
        },
      };
    case 'ALLOCATE_DYNAMIC':
      return {
        case: 'allocateDynamic',
        value: {
          $typeName: 'safeguards.v1.AllocateDynamicAction',
          poolId: action.poolId,
          agentIds: [...action.agentIds],
          baseBudget: formatAmount(action.baseBudget),
          usageMultiplier: formatAmount(action.usageMultiplier),
          maxBudget: printed(action.maxBudget),
          statistic: STATISTICS[action.statistic],
          window: durationOf(action.windowMs),
        },
      };
    case 'REVIEW_BUDGETS':
      return { case: 'reviewBudgets', value: { $typeName: 'safeguards.v1.ReviewBudgetsAction' } };
  }
}

function printed(amount: Amount | undefined): string {
  return amount === undefined ? '' : formatAmount(amount);
}
