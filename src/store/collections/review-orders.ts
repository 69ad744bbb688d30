import { fromBinary } from '@bufbuild/protobuf';
import type { ReviewOrder } from '../../domain/review.js';
import { ReviewOrderRecordSchema } from '../../gen/safeguards/store/v1/records_pb.js';
import type { Codec } from './codec.js';

/** ReviewOrderRecord. */
export const reviewOrderCodec: Codec<ReviewOrder> = {
  write: (wire, { poolId, principal, reason }) => {
    wire.text(1, poolId);
    wire.text(2, principal);
    wire.text(3, reason);
  },
  read: (message) => {
    const { poolId, principal, reason } = fromBinary(ReviewOrderRecordSchema, message);
    return { poolId, principal, reason };
  },
};
