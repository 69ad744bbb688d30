import { fromBinary } from '@bufbuild/protobuf';
import type { DenialCount } from '../../domain/collection.js';
import {
  RULE_KINDS,
  SEVERITIES,
  VIOLATION_EVENT_KINDS,
  VIOLATION_SOURCES,
  VIOLATION_STATES,
  VIOLATION_TYPES,
  type Episode,
  type Violation,
  type ViolationEvent,
} from '../../domain/violation.js';
import {
  DenialsRecordSchema,
  EpisodeRecordSchema,
  ViolationEventRecordSchema,
  ViolationNumberRecordSchema,
  ViolationRecordSchema,
  type ViolationRecord,
} from '../../gen/safeguards/store/v1/records_pb.js';
import { metadataOf } from '../pairs.js';
import { wordsOf } from '../tables.js';
import type { WireWriter } from '../../wire/writer.js';
import type { Codec } from './codec.js';

const typeOf = wordsOf(VIOLATION_TYPES);
const severityOf = wordsOf(SEVERITIES);
const stateOf = wordsOf(VIOLATION_STATES);
const sourceOf = wordsOf(VIOLATION_SOURCES);
const ruleKindOf = wordsOf(RULE_KINDS);
const eventKindOf = wordsOf(VIOLATION_EVENT_KINDS);

/** ViolationRecord. */
export const violationCodec: Codec<Violation> = {
  write: writeViolation,
  read: (message) => violationOf(fromBinary(ViolationRecordSchema, message)),
};

/** ViolationNumberRecord. */
export const violationNumberCodec: Codec<{ readonly sequence: number }> = {
  write: (wire, { sequence }) => wire.uint(1, sequence),
  read: (message) => ({
    sequence: Number(fromBinary(ViolationNumberRecordSchema, message).sequence),
  }),
};

/** ViolationEventRecord. */
export const violationEventCodec: Codec<ViolationEvent> = {
  write: (wire, event) => {
    wire.uint(1, event.sequence);
    wire.uint(2, event.time);
    wire.uint(3, VIOLATION_EVENT_KINDS[event.kind]);
    wire.message(4, () => {
      writeViolation(wire, event.violation);
    });
  },
  read: (message) => {
    const record = fromBinary(ViolationEventRecordSchema, message);
    if (record.violation === undefined) throw new Error('an event has no violation');
    return {
      sequence: Number(record.sequence),
      time: Number(record.timeMs),
      kind: eventKindOf(record.kind),
      violation: violationOf(record.violation),
    };
  },
};

/** EpisodeRecord. */
export const episodeCodec: Codec<Episode> = {
  write: (wire, episode) => {
    wire.uint(1, episode.violation);
    wire.uint(2, episode.count);
    wire.uint(3, episode.lastTime);
  },
  read: (message) => {
    const record = fromBinary(EpisodeRecordSchema, message);
    return {
      violation: Number(record.violation),
      count: Number(record.count),
      lastTime: Number(record.lastTimeMs),
    };
  },
};

/** DenialsRecord. */
export const denialsCodec: Codec<DenialCount> = {
  write: (wire, denials) => {
    wire.uint(1, denials.agentUid);
    wire.uint(2, denials.count);
    wire.uint(3, denials.lastTime);
  },
  read: (message) => {
    const record = fromBinary(DenialsRecordSchema, message);
    return {
      agentUid: Number(record.agentUid),
      count: Number(record.count),
      lastTime: Number(record.lastTimeMs),
    };
  },
};

/** Writes ViolationRecord. */
export function writeViolation(wire: WireWriter, violation: Violation): void {
  wire.uint(1, violation.sequence);
  wire.uint(2, VIOLATION_TYPES[violation.type]);
  wire.uint(3, SEVERITIES[violation.severity]);
  wire.uint(4, VIOLATION_STATES[violation.state]);
  wire.uint(5, VIOLATION_SOURCES[violation.source]);
  wire.uint(6, RULE_KINDS[violation.rule.kind]);
  wire.text(7, violation.rule.id);
  wire.uint(8, violation.agentUid);
  wire.text(9, violation.agentId);
  wire.uint(10, violation.poolUid);
  wire.text(11, violation.poolId);
  wire.text(12, violation.message);
  wire.map(13, violation.details);
  wire.uint(14, violation.count);
  wire.uint(15, violation.entrySequence);
  wire.uint(16, violation.createTime);
  wire.uint(17, violation.updateTime);
  wire.uint(18, violation.endTime);
  wire.text(19, violation.reporter);
  wire.text(20, violation.actor);
  wire.text(21, violation.note);
}

/** Reads ViolationRecord. */
export function violationOf(record: ViolationRecord): Violation {
  return {
    sequence: Number(record.sequence),
    type: typeOf(record.type),
    severity: severityOf(record.severity),
    state: stateOf(record.state),
    source: sourceOf(record.source),
    rule: { kind: ruleKindOf(record.ruleKind), id: record.ruleId },
    agentUid: Number(record.agentUid),
    agentId: record.agentId,
    poolUid: Number(record.poolUid),
    poolId: record.poolId,
    message: record.message,
    details: metadataOf(record.details),
    count: Number(record.count),
    entrySequence: Number(record.entrySequence),
    createTime: Number(record.createTimeMs),
    updateTime: Number(record.updateTimeMs),
    endTime: Number(record.endTimeMs),
    reporter: record.reporter,
    actor: record.actor,
    note: record.note,
  };
}
