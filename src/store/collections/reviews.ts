import { fromBinary } from '@bufbuild/protobuf';
import { storedAmount } from '../../domain/amount.js';
import {
  FINDING_KINDS,
  REVIEW_TRIGGERS,
  type Review,
  type ReviewFindings,
} from '../../domain/review.js';
import {
  BudgetReviewFindingsRecordSchema,
  BudgetReviewRecordSchema,
} from '../../gen/safeguards/store/v1/records_pb.js';
import { wordsOf } from '../tables.js';
import type { Codec } from './codec.js';

const triggerOf = wordsOf(REVIEW_TRIGGERS);
const findingKindOf = wordsOf(FINDING_KINDS);

/** BudgetReviewRecord. */
export const reviewCodec: Codec<Review> = {
  write: (wire, review) => {
    const { thresholds, counts } = review;
    wire.uint(1, review.sequence);
    wire.uint(2, review.ordinal);
    wire.uint(3, REVIEW_TRIGGERS[review.trigger]);
    wire.text(4, review.principal);
    wire.text(5, review.poolId);
    wire.uint(6, review.startTime);
    wire.uint(7, review.endTime);
    wire.amount(8, thresholds.agentUnderusedPercent);
    wire.amount(9, thresholds.agentDepletedPercent);
    wire.amount(10, thresholds.poolLowPercent);
    wire.uint(11, counts.agents);
    wire.uint(12, counts.pools);
    wire.uint(13, counts.found.POOL_LOW);
    wire.uint(14, counts.found.AGENT_DEPLETED);
    wire.uint(15, counts.found.AGENT_UNDERUSED);
    wire.uint(16, review.kept);
  },
  read: (message) => {
    const record = fromBinary(BudgetReviewRecordSchema, message);
    return {
      sequence: Number(record.sequence),
      ordinal: Number(record.ordinal),
      trigger: triggerOf(record.trigger),
      principal: record.principal,
      poolId: record.poolId,
      thresholds: {
        agentUnderusedPercent: storedAmount(record.agentUnderusedPercent),
        agentDepletedPercent: storedAmount(record.agentDepletedPercent),
        poolLowPercent: storedAmount(record.poolLowPercent),
      },
      startTime: Number(record.startTimeMs),
      endTime: Number(record.endTimeMs),
      counts: {
        agents: Number(record.agents),
        pools: Number(record.pools),
        found: {
          POOL_LOW: Number(record.poolLow),
          AGENT_DEPLETED: Number(record.agentDepleted),
          AGENT_UNDERUSED: Number(record.agentUnderused),
        },
      },
      kept: Number(record.keptFindings),
    };
  },
};

/** BudgetReviewFindingsRecord. */
export const reviewFindingsCodec: Codec<ReviewFindings> = {
  write: (wire, { findings }) => {
    for (const finding of findings) {
      wire.message(1, () => {
        wire.uint(1, FINDING_KINDS[finding.kind]);
        wire.text(2, finding.agentId);
        wire.text(3, finding.poolId);
        wire.text(4, finding.unit);
        wire.amount(5, finding.remaining);
        wire.amount(6, finding.baseline);
      });
    }
  },
  read: (message) => ({
    findings: fromBinary(BudgetReviewFindingsRecordSchema, message).findings.map((record) => ({
      kind: findingKindOf(record.kind),
      agentId: record.agentId,
      poolId: record.poolId,
      unit: record.unit,
      remaining: storedAmount(record.remaining),
      baseline: storedAmount(record.baseline),
    })),
  }),
};
