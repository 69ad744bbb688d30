import { fromBinary } from '@bufbuild/protobuf';
import type { Normalization, UsageStatistic } from '../../domain/allocation/command.js';
import { storedAmount } from '../../domain/amount.js';
import {
  CATCH_UPS,
  RUN_OUTCOMES,
  RUN_TRIGGERS,
  SCHEDULE_ACTIONS,
  type RunProgress,
  type Schedule,
  type ScheduleAction,
  type ScheduleRun,
} from '../../domain/schedule.js';
import {
  ScheduleMarkRecordSchema,
  ScheduleRecordSchema,
  ScheduleRunRecordSchema,
  type ScheduleActionRecord,
} from '../../gen/safeguards/store/v1/records_pb.js';
import { wordsOf } from '../tables.js';
import type { WireWriter } from '../../wire/writer.js';
import type { Codec } from './codec.js';
import { scopeOf, writeScope } from './scope.js';

// The numbers on disk.
const NORMALIZATIONS = { SHARE: 1, RAW: 2 } as const satisfies Record<Normalization, number>;
const STATISTICS = {
  MEAN_PER_ENTRY: 1,
  MEAN_PER_HOUR: 2,
} as const satisfies Record<UsageStatistic, number>;
const PHASES = { SHRINK: 1, GROW: 2 } as const satisfies Record<RunProgress['phase'], number>;

const catchUpOf = wordsOf(CATCH_UPS);
const triggerOf = wordsOf(RUN_TRIGGERS);
const outcomeOf = wordsOf(RUN_OUTCOMES);
const actionKindOf = wordsOf(SCHEDULE_ACTIONS);
const normalizationOf = wordsOf(NORMALIZATIONS);
const statisticOf = wordsOf(STATISTICS);
const phaseOf = wordsOf(PHASES);

/** ScheduleRecord. */
export const scheduleCodec: Codec<Schedule> = {
  write: (wire, row) => {
    const { timing, progress } = row;
    wire.uint(1, row.uid);
    wire.text(2, row.id);
    wire.text(3, row.name);
    if (timing.kind === 'CRON') {
      wire.text(4, timing.cron);
      wire.text(5, timing.zone);
    } else {
      wire.uint(6, timing.everyMs);
      wire.uint(7, timing.anchor);
    }
    wire.message(8, () => {
      writeAction(wire, row.action);
    });
    writeScope(wire, 9, row.subject);
    wire.uint(10, CATCH_UPS[row.catchUp]);
    wire.bool(11, row.enabled);
    wire.text(12, row.runReason);
    wire.uint(13, row.dueTime);
    wire.uint(14, row.runCount);
    if (progress !== undefined) {
      wire.message(15, () => {
        wire.uint(1, PHASES[progress.phase]);
        wire.text(2, progress.after);
        wire.uint(3, progress.uidEnd);
        wire.uint(4, progress.turn);
      });
    }
    wire.uint(16, row.revision);
    wire.uint(17, row.createTime);
    wire.uint(18, row.updateTime);
  },
  read: (message) => {
    const record = fromBinary(ScheduleRecordSchema, message);
    const { action, progress } = record;
    if (action === undefined) throw new Error('a schedule has no action');
    return {
      uid: Number(record.uid),
      id: record.id,
      name: record.name,
      timing:
        record.cron === ''
          ? {
              kind: 'INTERVAL',
              everyMs: Number(record.intervalMs),
              anchor: Number(record.anchorMs),
            }
          : { kind: 'CRON', cron: record.cron, zone: record.timeZone },
      action: actionOf(action),
      subject: scopeOf(record.subject),
      catchUp: catchUpOf(record.catchUp),
      enabled: record.enabled,
      runReason: record.runReason,
      dueTime: Number(record.dueTimeMs),
      runCount: Number(record.runCount),
      progress: progress && {
        phase: phaseOf(progress.phase),
        after: progress.after,
        uidEnd: Number(progress.uidEnd),
        turn: Number(progress.turn),
      },
      revision: Number(record.revision),
      createTime: Number(record.createTimeMs),
      updateTime: Number(record.updateTimeMs),
    };
  },
};

/** ScheduleRunRecord. */
export const scheduleRunCodec: Codec<ScheduleRun> = {
  write: (wire, run) => {
    wire.uint(1, run.number);
    wire.uint(2, run.dueTime);
    wire.uint(3, run.runTime);
    wire.uint(4, run.endTime);
    wire.uint(5, RUN_TRIGGERS[run.trigger]);
    wire.uint(6, RUN_OUTCOMES[run.outcome]);
    wire.text(7, run.reason);
    wire.text(8, run.summary);
    wire.uint(9, run.firstSequence);
    wire.uint(10, run.agentsSet);
    wire.uint(11, run.agentsFailed);
  },
  read: (message) => {
    const record = fromBinary(ScheduleRunRecordSchema, message);
    return {
      number: Number(record.number),
      dueTime: Number(record.dueTimeMs),
      runTime: Number(record.runTimeMs),
      endTime: Number(record.endTimeMs),
      trigger: triggerOf(record.trigger),
      outcome: outcomeOf(record.outcome),
      reason: record.reason,
      summary: record.summary,
      firstSequence: Number(record.firstSequence),
      agentsSet: Number(record.agentsSet),
      agentsFailed: Number(record.agentsFailed),
    };
  },
};

/** ScheduleMarkRecord. */
export const scheduleMarkCodec: Codec<{ readonly run: number }> = {
  write: (wire, { run }) => wire.uint(1, run),
  read: (message) => ({ run: Number(fromBinary(ScheduleMarkRecordSchema, message).run) }),
};

function writeAction(wire: WireWriter, action: ScheduleAction): void {
  wire.uint(1, SCHEDULE_ACTIONS[action.kind]);
  switch (action.kind) {
    case 'SET_BUDGET':
      wire.text(2, action.agentId);
      wire.text(3, action.poolId);
      wire.amount(4, action.amount);
      wire.bool(5, action.resetBaseline);
      return;
    case 'FUND_POOL':
      wire.text(3, action.poolId);
      wire.amount(4, action.delta);
      return;
    case 'REBALANCE_POOL':
      wire.text(3, action.poolId);
      wire.texts(6, action.agentIds);
      wire.uint(7, action.windowMs);
      wire.optionalAmount(8, action.total);
      wire.amount(9, action.priorityWeight);
      wire.amount(10, action.usageWeight);
      wire.amount(11, action.minPerAgent);
      wire.uint(12, NORMALIZATIONS[action.normalization]);
      return;
    case 'ALLOCATE_DYNAMIC':
      wire.text(3, action.poolId);
      wire.amount(4, action.baseBudget);
      wire.texts(6, action.agentIds);
      wire.uint(7, action.windowMs);
      wire.amount(13, action.usageMultiplier);
      wire.optionalAmount(14, action.maxBudget);
      wire.uint(15, STATISTICS[action.statistic]);
      return;
    case 'REVIEW_BUDGETS':
  }
}

function actionOf(record: ScheduleActionRecord): ScheduleAction {
  const kind = actionKindOf(record.kind);
  const { agentId, poolId, agentIds } = record;
  const amount = storedAmount(record.amount);
  const windowMs = Number(record.windowMs);
  switch (kind) {
    case 'SET_BUDGET':
      return { kind, agentId, poolId, amount, resetBaseline: record.resetBaseline };
    case 'FUND_POOL':
      return { kind, poolId, delta: amount };
    case 'REBALANCE_POOL':
      return {
        kind,
        poolId,
        agentIds,
        windowMs,
        total: record.total === undefined ? undefined : storedAmount(record.total),
        priorityWeight: storedAmount(record.priorityWeight),
        usageWeight: storedAmount(record.usageWeight),
        minPerAgent: storedAmount(record.minPerAgent),
        normalization: normalizationOf(record.normalization),
      };
    case 'ALLOCATE_DYNAMIC':
      return {
        kind,
        poolId,
        agentIds,
        windowMs,
        baseBudget: amount,
        usageMultiplier: storedAmount(record.usageMultiplier),
        maxBudget: record.maxBudget === undefined ? undefined : storedAmount(record.maxBudget),
        statistic: statisticOf(record.statistic),
      };
    case 'REVIEW_BUDGETS':
      return { kind };
  }
}
