import { fromBinary } from '@bufbuild/protobuf';
import type { RequestTime } from '../../domain/collection.js';
import { METHODS } from '../../domain/model.js';
import { RequestTimeRecordSchema } from '../../gen/safeguards/store/v1/records_pb.js';
import { methodOf } from '../tables.js';
import type { Codec } from './codec.js';

/** RequestTimeRecord. */
export const requestTimeCodec: Codec<RequestTime> = {
  write: (wire, { uid, method, requestId }) => {
    wire.uint(1, uid);
    wire.uint(2, METHODS[method]);
    wire.text(3, requestId);
  },
  read: (message) => {
    const { uid, method, requestId } = fromBinary(RequestTimeRecordSchema, message);
    return { uid: Number(uid), method: methodOf(method), requestId };
  },
};
