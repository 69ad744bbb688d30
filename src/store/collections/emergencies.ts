import { fromBinary } from '@bufbuild/protobuf';
import { storedAmount, type Amount } from '../../domain/amount.js';
import type { EmergencyNumber } from '../../domain/collection.js';
import type { EmergencyPolicy } from '../../domain/emergency/policy.js';
import {
  EMERGENCY_RULES,
  EMERGENCY_STATES,
  type EmergencyGrants,
  type EmergencyRequest,
} from '../../domain/emergency/request.js';
import {
  EmergencyGrantsRecordSchema,
  EmergencyNumberRecordSchema,
  EmergencyPolicyRecordSchema,
  EmergencyRequestRecordSchema,
  type EmergencyPolicyRecord,
  type EmergencyRequestRecord,
} from '../../gen/safeguards/store/v1/records_pb.js';
import { wordsOf } from '../tables.js';
import type { Codec } from './codec.js';
import { scopeOf, writeScope } from './scope.js';

const stateOf = wordsOf(EMERGENCY_STATES);
const ruleOf = wordsOf(EMERGENCY_RULES);

/** EmergencyPolicyRecord. */
export const emergencyPolicyCodec: Codec<EmergencyPolicy> = {
  write: (wire, row) => {
    writeScope(wire, 1, row.scope);
    wire.bool(2, row.enabled);
    wire.uint(3, row.priorityThreshold);
    wire.amount(4, row.criticalShare);
    wire.optionalAmount(5, row.perDayMax);
    wire.optionalAmount(6, row.perRequestMax);
    wire.uint(7, row.cooldownMs);
    wire.optionalAmount(8, row.approvalAbove);
    wire.uint(9, row.approvalTtlMs);
    wire.bool(10, row.mint);
    wire.uint(11, row.revision);
    wire.uint(12, row.createTime);
    wire.uint(13, row.updateTime);
  },
  read: (message) => emergencyPolicyOf(fromBinary(EmergencyPolicyRecordSchema, message)),
};

/** Reads EmergencyPolicyRecord inside another record. */
export function emergencyPolicyOf(record: EmergencyPolicyRecord): EmergencyPolicy {
  return {
    scope: scopeOf(record.scope),
    enabled: record.enabled,
    priorityThreshold: record.priorityThreshold,
    criticalShare: storedAmount(record.criticalShare),
    perDayMax: optionalOf(record.perDayMax),
    perRequestMax: optionalOf(record.perRequestMax),
    cooldownMs: Number(record.cooldownMs),
    approvalAbove: optionalOf(record.approvalAbove),
    approvalTtlMs: Number(record.approvalTtlMs),
    mint: record.mint,
    revision: Number(record.revision),
    createTime: Number(record.createTimeMs),
    updateTime: Number(record.updateTimeMs),
  };
}

/** EmergencyRequestRecord. */
export const emergencyRequestCodec: Codec<EmergencyRequest> = {
  write: (wire, row) => {
    wire.uint(1, row.number);
    wire.text(2, row.id);
    wire.uint(3, row.agentUid);
    wire.text(4, row.agentId);
    wire.uint(5, row.poolUid);
    wire.text(6, row.poolId);
    wire.text(7, row.unit);
    wire.uint(8, row.priority);
    wire.amount(9, row.amount);
    wire.text(10, row.reason);
    wire.uint(11, EMERGENCY_STATES[row.state]);
    wire.uint(12, EMERGENCY_RULES[row.rule]);
    wire.amount(13, row.approved);
    wire.amount(14, row.approvable);
    wire.text(15, row.explanation);
    wire.uint(16, row.retryTime);
    wire.uint(17, row.sequence);
    wire.uint(18, row.createTime);
    wire.uint(19, row.expireTime);
    wire.uint(20, row.endTime);
    wire.text(21, row.note);
  },
  read: (message) => emergencyRequestOf(fromBinary(EmergencyRequestRecordSchema, message)),
};

/** Reads EmergencyRequestRecord inside another record. */
export function emergencyRequestOf(record: EmergencyRequestRecord): EmergencyRequest {
  return {
    number: Number(record.number),
    id: record.id,
    agentUid: Number(record.agentUid),
    agentId: record.agentId,
    poolUid: Number(record.poolUid),
    poolId: record.poolId,
    unit: record.unit,
    priority: record.priority,
    amount: storedAmount(record.amount),
    reason: record.reason,
    state: stateOf(record.state),
    rule: ruleOf(record.rule),
    approved: storedAmount(record.approved),
    approvable: storedAmount(record.approvable),
    explanation: record.explanation,
    retryTime: Number(record.retryTimeMs),
    sequence: Number(record.sequence),
    createTime: Number(record.createTimeMs),
    expireTime: Number(record.expireTimeMs),
    endTime: Number(record.endTimeMs),
    note: record.note,
  };
}

/** EmergencyNumberRecord. */
export const emergencyNumberCodec: Codec<EmergencyNumber> = {
  write: (wire, row) => {
    wire.uint(1, row.number);
  },
  read: (message) => ({ number: Number(fromBinary(EmergencyNumberRecordSchema, message).number) }),
};

/** EmergencyGrantsRecord. */
export const emergencyGrantsCodec: Codec<EmergencyGrants> = {
  write: (wire, row) => {
    wire.uint(1, row.agentUid);
    const { day } = row;
    if (day !== undefined) {
      wire.message(2, () => {
        for (const [index, amount] of day.slots) {
          wire.message(1, () => {
            wire.uint(1, index);
            wire.amount(2, amount);
          });
        }
      });
    }
    wire.uint(3, row.lastTime);
    wire.packed(4, row.pending);
    wire.packed(5, row.denied);
    wire.packed(6, row.settled);
  },
  read: (message) => {
    const record = fromBinary(EmergencyGrantsRecordSchema, message);
    return {
      agentUid: Number(record.agentUid),
      // The window is a rolling one: of its counter only the slots are used.
      day: record.day && {
        start: 0,
        end: 0,
        counted: 0n,
        slots: record.day.slots.map(({ index, amount }) => [Number(index), storedAmount(amount)]),
      },
      lastTime: Number(record.lastTimeMs),
      pending: record.pending.map(Number),
      denied: record.denied.map(Number),
      settled: record.settled.map(Number),
    };
  },
};

function optionalOf(text: string | undefined): Amount | undefined {
  return text === undefined ? undefined : storedAmount(text);
}
