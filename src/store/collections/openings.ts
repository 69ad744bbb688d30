import { fromBinary } from '@bufbuild/protobuf';
import { storedAmount } from '../../domain/amount.js';
import { ACCOUNT_KINDS, BALANCE_FIELDS } from '../../domain/entry.js';
import type { Opening, Retention } from '../../domain/opening.js';
import {
  OpeningRecordSchema,
  RetentionRecordSchema,
} from '../../gen/safeguards/store/v1/records_pb.js';
import { metadataOf } from '../pairs.js';
import { wordsOf } from '../tables.js';
import type { Codec } from './codec.js';

const kindOf = wordsOf(ACCOUNT_KINDS);
const fieldOf = wordsOf(BALANCE_FIELDS);

/** OpeningRecord. */
export const openingCodec: Codec<Opening> = {
  write: (wire, opening) => {
    wire.uint(1, ACCOUNT_KINDS[opening.kind]);
    wire.uint(2, opening.uid);
    wire.uint(3, opening.lastSequence);
    wire.uint(4, opening.poolUid);
    for (const [field, balance] of opening.balances) {
      wire.message(5, () => {
        wire.uint(1, BALANCE_FIELDS[field]);
        wire.amount(2, balance);
      });
    }
    wire.map(6, opening.fields);
  },
  read: (message) => {
    const record = fromBinary(OpeningRecordSchema, message);
    return {
      kind: kindOf(record.kind),
      uid: Number(record.uid),
      lastSequence: Number(record.lastSequence),
      poolUid: Number(record.poolUid),
      balances: record.balances.map(
        ({ field, balance }) => [fieldOf(field), storedAmount(balance)] as const,
      ),
      fields: metadataOf(record.fields),
    };
  },
};

/** RetentionRecord. */
export const retentionCodec: Codec<Retention> = {
  write: (wire, row) => {
    wire.uint(1, row.cutSequence);
    wire.uint(2, row.throughSequence);
    wire.bytes(3, row.throughHash);
    wire.uint(4, row.throughTime);
    wire.bytes(5, row.openingsDigest);
    wire.uint(6, row.minutesFrom);
    wire.uint(7, row.hoursFrom);
    wire.uint(8, row.daysFrom);
  },
  read: (message) => {
    const record = fromBinary(RetentionRecordSchema, message);
    return {
      cutSequence: Number(record.cutSequence),
      throughSequence: Number(record.throughSequence),
      throughHash: record.throughHash,
      throughTime: Number(record.throughTimeMs),
      openingsDigest: record.openingsDigest,
      minutesFrom: record.minutesFrom,
      hoursFrom: record.hoursFrom,
      daysFrom: record.daysFrom,
    };
  },
};
