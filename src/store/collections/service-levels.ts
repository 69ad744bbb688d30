import { fromBinary } from '@bufbuild/protobuf';
import { storedAmount } from '../../domain/amount.js';
import type { NamedLevels } from '../../domain/effective-levels.js';
import type { ServiceLevels } from '../../domain/service-level.js';
import {
  ServiceLevelsRecordSchema,
  type EffectiveLevelsRecord,
  type ServiceLevelsRecord,
} from '../../gen/safeguards/store/v1/records_pb.js';
import type { WireWriter } from '../../wire/writer.js';
import type { Codec } from './codec.js';
import { scopeOf, writeScope } from './scope.js';

/** ServiceLevelsRecord. */
export const serviceLevelsCodec: Codec<ServiceLevels> = {
  write: writeLevels,
  read: (message) => levelsOf(fromBinary(ServiceLevelsRecordSchema, message)),
};

/** Writes EffectiveLevelsRecord. */
export function writeEffectiveLevels(wire: WireWriter, { sourceId, set }: NamedLevels): void {
  wire.text(1, sourceId);
  if (set === undefined) return;
  wire.message(2, () => {
    writeLevels(wire, set);
  });
}

/** Reads EffectiveLevelsRecord. */
export function effectiveLevelsOf({ sourceId, levels }: EffectiveLevelsRecord): NamedLevels {
  return { sourceId, set: levels && levelsOf(levels) };
}

function writeLevels(wire: WireWriter, row: ServiceLevels): void {
  writeScope(wire, 1, row.scope);
  for (const level of row.levels) {
    wire.message(2, () => {
      wire.text(1, level.name);
      wire.amount(2, level.minPercent);
      wire.texts(3, level.features);
    });
  }
  wire.uint(3, row.revision);
  wire.uint(4, row.createTime);
  wire.uint(5, row.updateTime);
}

function levelsOf(record: ServiceLevelsRecord): ServiceLevels {
  return {
    scope: scopeOf(record.scope),
    levels: record.levels.map(({ name, minPercent, features }) => ({
      name,
      minPercent: storedAmount(minPercent),
      features,
    })),
    revision: Number(record.revision),
    createTime: Number(record.createTimeMs),
    updateTime: Number(record.updateTimeMs),
  };
}
