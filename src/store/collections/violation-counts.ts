import { fromBinary } from '@bufbuild/protobuf';
import type { ViolationCounts } from '../../domain/violation-counts.js';
import { SEVERITIES, VIOLATION_TYPES } from '../../domain/violation.js';
import { ViolationCountsRecordSchema } from '../../gen/safeguards/store/v1/records_pb.js';
import { wordsOf } from '../tables.js';
import type { Codec } from './codec.js';

const typeOf = wordsOf(VIOLATION_TYPES);
const severityOf = wordsOf(SEVERITIES);

/** ViolationCountsRecord. */
export const violationCountsCodec: Codec<ViolationCounts> = {
  write: (wire, { counts }) => {
    for (const { type, severity, total, open } of counts) {
      wire.message(1, () => {
        wire.uint(1, VIOLATION_TYPES[type]);
        wire.uint(2, SEVERITIES[severity]);
        wire.uint(3, total);
        wire.uint(4, open);
      });
    }
  },
  read: (message) => ({
    counts: fromBinary(ViolationCountsRecordSchema, message).counts.map((record) => ({
      type: typeOf(record.type),
      severity: severityOf(record.severity),
      total: Number(record.total),
      open: Number(record.open),
    })),
  }),
};
