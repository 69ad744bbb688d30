import { fromBinary } from '@bufbuild/protobuf';
import { storedAmount } from '../../domain/amount.js';
import type { ServiceLevels } from '../../domain/service-level.js';
import { ServiceLevelsRecordSchema } from '../../gen/safeguards/store/v1/records_pb.js';
import type { Codec } from './codec.js';
import { scopeOf, writeScope } from './scope.js';

/** ServiceLevelsRecord. */
export const serviceLevelsCodec: Codec<ServiceLevels> = {
  write: (wire, row) => {
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
  },
  read: (message) => {
    const record = fromBinary(ServiceLevelsRecordSchema, message);
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
  },
};
