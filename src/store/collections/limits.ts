import { fromBinary } from '@bufbuild/protobuf';
import { storedAmount } from '../../domain/amount.js';
import type { CounterSlot, LimitCounter, LimitCounts } from '../../domain/counter.js';
import { ENFORCEMENTS, type LimitKind, type SpendingLimit } from '../../domain/limit.js';
import { SEVERITIES } from '../../domain/violation.js';
import type { CalendarUnit } from '../../domain/window.js';
import {
  LimitCounterRecordSchema,
  LimitCountsRecordSchema,
  SpendingLimitRecordSchema,
  type LimitCounterRecord,
  type WindowRecord,
} from '../../gen/safeguards/store/v1/records_pb.js';
import { wordsOf } from '../tables.js';
import type { WireWriter } from '../../wire/writer.js';
import type { Codec } from './codec.js';
import { scopeOf, writeScope } from './scope.js';

const enforcementOf = wordsOf(ENFORCEMENTS);
const severityOf = wordsOf(SEVERITIES);

/** The numbers on disk of what a limit counts over. */
const WINDOW_KINDS: Record<LimitKind['kind'], number> = {
  PER_REQUEST: 1,
  LIFETIME: 2,
  CALENDAR: 3,
  ROLLING: 4,
};
const windowKindOf = wordsOf(WINDOW_KINDS);

/** The numbers on disk of calendar units. */
const UNITS: Record<CalendarUnit, number> = { HOUR: 1, DAY: 2, WEEK: 3, MONTH: 4 };
const unitOf = wordsOf(UNITS);

/** SpendingLimitRecord. */
export const limitCodec: Codec<SpendingLimit> = {
  write: (wire, limit) => {
    wire.uint(1, limit.uid);
    wire.text(2, limit.id);
    wire.text(3, limit.name);
    writeScope(wire, 4, limit.scope);
    wire.text(5, limit.metric);
    wire.message(6, () => {
      writeWindow(wire, limit.window);
    });
    wire.amount(7, limit.value);
    wire.uint(8, ENFORCEMENTS[limit.enforcement]);
    wire.uint(9, SEVERITIES[limit.severity]);
    wire.uint(10, limit.countFrom);
    wire.uint(11, limit.revision);
    wire.uint(12, limit.createTime);
    wire.uint(13, limit.updateTime);
  },
  read: (message) => {
    const record = fromBinary(SpendingLimitRecordSchema, message);
    return {
      uid: Number(record.uid),
      id: record.id,
      name: record.name,
      scope: scopeOf(record.scope),
      metric: record.metric,
      window: windowOf(record.window),
      value: storedAmount(record.value),
      enforcement: enforcementOf(record.enforcement),
      severity: severityOf(record.severity),
      countFrom: Number(record.countFromMs),
      revision: Number(record.revision),
      createTime: Number(record.createTimeMs),
      updateTime: Number(record.updateTimeMs),
    };
  },
};

/** LimitCounterRecord. */
export const limitCounterCodec: Codec<LimitCounter> = {
  write: writeCounter,
  read: (message) => counterOf(fromBinary(LimitCounterRecordSchema, message)),
};

/** LimitCountsRecord. */
export const limitCountsCodec: Codec<LimitCounts> = {
  write: (wire, { limits, counters }) => {
    for (const [place, counter] of counters.entries()) {
      wire.message(1, () => {
        wire.uint(1, limits[place] ?? 0);
        wire.nested(2, counter, writeCounter);
      });
    }
  },
  read: (message) => {
    const { counts } = fromBinary(LimitCountsRecordSchema, message);
    return {
      limits: counts.map(({ limitUid }) => Number(limitUid)),
      counters: counts.map(({ counter }) => counterOf(counter)),
    };
  },
};

function writeCounter(wire: WireWriter, counter: LimitCounter): void {
  wire.uint(1, counter.start);
  wire.uint(2, counter.end);
  wire.amount(3, counter.counted);
  for (const slot of counter.slots) wire.nested(4, slot, writeSlot);
}

function writeSlot(wire: WireWriter, [index, amount]: CounterSlot): void {
  wire.uint(1, index);
  wire.amount(2, amount);
}

function counterOf(record: LimitCounterRecord | undefined): LimitCounter {
  if (record === undefined) throw new Error('a limit counted nothing');
  return {
    start: Number(record.startMs),
    end: Number(record.endMs),
    counted: storedAmount(record.counted),
    slots: record.slots.map(({ index, amount }) => [Number(index), storedAmount(amount)] as const),
  };
}

function writeWindow(wire: WireWriter, window: LimitKind): void {
  wire.uint(1, WINDOW_KINDS[window.kind]);
  if (window.kind === 'CALENDAR') {
    wire.uint(2, UNITS[window.unit]);
    wire.text(3, window.zone);
    wire.uint(4, window.weekStart);
  }
  if (window.kind === 'ROLLING') wire.uint(5, window.durationMs);
}

function windowOf(record: WindowRecord | undefined): LimitKind {
  if (record === undefined) throw new Error('a limit has no window');
  const kind = windowKindOf(record.kind);
  switch (kind) {
    case 'PER_REQUEST':
    case 'LIFETIME':
      return { kind };
    case 'CALENDAR':
      return { kind, unit: unitOf(record.unit), zone: record.zone, weekStart: record.weekStart };
    case 'ROLLING':
      return { kind, durationMs: Number(record.durationMs) };
  }
}
