import { fromBinary } from '@bufbuild/protobuf';
import type { ChannelCooldown, CooldownLook } from '../../domain/notification/channel-cooldown.js';
import type { Attempt, DeliveryRow } from '../../domain/notification/delivery.js';
import type { ViolationEvent } from '../../domain/notification/notification.js';
import {
  SEVERITIES,
  VIOLATION_EVENT_KINDS,
  VIOLATION_SOURCES,
  VIOLATION_TYPES,
} from '../../domain/violation.js';
import {
  ChannelCooldownRecordSchema,
  CooldownLookRecordSchema,
  DeliveryRecordSchema,
  type DeliveryAttemptRecord,
  type ToldEventRecord,
} from '../../gen/safeguards/store/v1/records_pb.js';
import { metadataOf } from '../pairs.js';
import { wordsOf } from '../tables.js';
import type { WireWriter } from '../../wire/writer.js';
import type { Codec } from './codec.js';

const severityOf = wordsOf(SEVERITIES);
const kindOf = wordsOf(VIOLATION_EVENT_KINDS);
const typeOf = wordsOf(VIOLATION_TYPES);
const sourceOf = wordsOf(VIOLATION_SOURCES);

/** DeliveryRecord. */
export const deliveryCodec: Codec<DeliveryRow> = {
  write: (wire, row) => {
    wire.text(1, row.id);
    wire.uint(2, row.channelUid);
    writeEvent(wire, 3, row.event);
    wire.uint(4, row.suppressed);
    wire.uint(5, row.toldSeverity === undefined ? 0 : SEVERITIES[row.toldSeverity]);
    wire.uint(6, row.createTime);
    wire.uint(7, row.attempts);
    wire.uint(8, row.dueTime);
    writeAttempt(wire, 9, row.lastAttempt);
    wire.uint(10, row.deadTime);
  },
  read: (message) => {
    const record = fromBinary(DeliveryRecordSchema, message);
    return {
      id: record.id,
      channelUid: Number(record.channelUid),
      event: eventOf(record.event),
      suppressed: Number(record.suppressed),
      toldSeverity: record.toldSeverity === 0 ? undefined : severityOf(record.toldSeverity),
      createTime: Number(record.createTimeMs),
      attempts: Number(record.attempts),
      dueTime: Number(record.dueTimeMs),
      lastAttempt: record.lastAttempt && attemptOf(record.lastAttempt),
      deadTime: Number(record.deadTimeMs),
    };
  },
};

/** ChannelCooldownRecord. */
export const channelCooldownCodec: Codec<ChannelCooldown> = {
  write: (wire, { channelUid, state, lookTime }) => {
    wire.uint(1, channelUid);
    wire.uint(2, state.toldTime);
    wire.uint(3, SEVERITIES[state.toldSeverity]);
    for (const { violationId, severity } of state.open) {
      wire.message(4, () => {
        wire.text(1, violationId);
        wire.uint(2, SEVERITIES[severity]);
      });
    }
    wire.uint(5, state.suppressed);
    if (state.held !== undefined) writeEvent(wire, 6, state.held);
    wire.uint(7, lookTime);
  },
  read: (message) => {
    const record = fromBinary(ChannelCooldownRecordSchema, message);
    return {
      channelUid: Number(record.channelUid),
      state: {
        toldTime: Number(record.toldTimeMs),
        toldSeverity: severityOf(record.toldSeverity),
        open: record.open.map(({ violationId, severity }) => ({
          violationId,
          severity: severityOf(severity),
        })),
        suppressed: Number(record.suppressed),
        held: record.held && eventOf(record.held),
      },
      lookTime: Number(record.lookTimeMs),
    };
  },
};

/** CooldownLookRecord. */
export const cooldownLookCodec: Codec<CooldownLook> = {
  write: (wire, { cooldown }) => {
    wire.text(1, cooldown);
  },
  read: (message) => ({ cooldown: fromBinary(CooldownLookRecordSchema, message).cooldown }),
};

function writeEvent(wire: WireWriter, field: number, event: ViolationEvent): void {
  const { violation } = event;
  wire.message(field, () => {
    wire.uint(1, event.sequence);
    wire.uint(2, event.time);
    wire.uint(3, VIOLATION_EVENT_KINDS[event.kind]);
    wire.text(4, violation.id);
    wire.uint(5, VIOLATION_TYPES[violation.type]);
    wire.uint(6, SEVERITIES[violation.severity]);
    wire.text(7, violation.agentId);
    wire.text(8, violation.poolId);
    wire.text(9, violation.ruleId);
    wire.text(10, violation.message);
    wire.map(11, Object.entries(violation.details));
    wire.uint(12, VIOLATION_SOURCES[violation.source]);
    wire.uint(13, violation.count);
  });
}

function eventOf(record: ToldEventRecord | undefined): ViolationEvent {
  if (record === undefined) throw new Error('a delivery has no event');
  return {
    sequence: Number(record.sequence),
    time: Number(record.timeMs),
    kind: kindOf(record.kind),
    violation: {
      id: record.violationId,
      type: typeOf(record.type),
      severity: severityOf(record.severity),
      agentId: record.agentId,
      poolId: record.poolId,
      ruleId: record.ruleId,
      message: record.message,
      details: Object.fromEntries(metadataOf(record.details)),
      source: sourceOf(record.source),
      count: Number(record.count),
    },
  };
}

function writeAttempt(wire: WireWriter, field: number, attempt: Attempt | undefined): void {
  if (attempt === undefined) return;
  wire.message(field, () => {
    wire.uint(1, attempt.number);
    wire.uint(2, attempt.startTime);
    wire.uint(3, attempt.endTime);
    wire.uint(4, attempt.status);
    wire.text(5, attempt.reason);
    wire.text(6, attempt.excerpt);
  });
}

function attemptOf(record: DeliveryAttemptRecord): Attempt {
  return {
    number: Number(record.number),
    startTime: Number(record.startTimeMs),
    endTime: Number(record.endTimeMs),
    status: record.status,
    reason: record.reason,
    excerpt: record.excerpt,
  };
}
