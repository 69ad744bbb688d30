import { formatAmount } from '../../domain/amount.js';
import { ACCOUNT_KINDS, BALANCE_FIELDS, ENTRY_KINDS } from '../../domain/entry.js';
import type { AccountChange, AccountKind } from '../../domain/entry.js';
import type { EntryView } from '../../ledger/api.js';
import type { Entry, FieldChange, Posting } from '../../gen/safeguards/v1/entry_pb.js';
import { metadataMap, quantityMap } from './pairs.js';
import { timestampOf } from './time.js';

/** Prints an entry of the ledger. The numbers of its kinds and fields are those on disk. */
export function encodeEntry({ entry, ids }: EntryView): Entry {
  const idOf = ({ kind, uid }: AccountChange): string => ids.get(`${kind} ${uid}`) ?? '';
  const first = (kind: AccountKind): string => {
    const account = entry.accounts.find((change) => change.kind === kind);
    return account === undefined ? '' : idOf(account);
  };
  return {
    $typeName: 'safeguards.v1.Entry',
    sequence: BigInt(entry.sequence),
    time: timestampOf(entry.time),
    kind: ENTRY_KINDS[entry.kind],
    // An allocation is its pool's entry: it is about all the agents among its postings.
    agentId: entry.kind === 'ALLOCATE' ? '' : first('AGENT'),
    poolId: first('POOL'),
    amount: entry.amount === undefined ? '' : formatAmount(entry.amount),
    postings: entry.accounts.flatMap((account) => postingsOf(account, idOf(account))),
    changes: entry.changes.map(({ field, before, after }): FieldChange => ({
      $typeName: 'safeguards.v1.FieldChange',
      field,
      before,
      after,
    })),
    requestId: entry.requestId,
    principal: entry.principal,
    reason: entry.reason,
    reservationId: entry.reservationId,
    refundedSequence: BigInt(entry.refundedSequence),
    category: entry.category,
    quantities: quantityMap(entry.quantities),
    runId: entry.runId,
    traceId: entry.traceId,
    metadata: metadataMap(entry.metadata),
    previousHash: entry.previousHash,
  };
}

function postingsOf(account: AccountChange, accountId: string): Posting[] {
  return account.postings.map(({ field, delta, after }) => ({
    $typeName: 'safeguards.v1.Posting',
    accountKind: ACCOUNT_KINDS[account.kind],
    accountId,
    accountUid: String(account.uid),
    field: BALANCE_FIELDS[field],
    delta: formatAmount(delta),
    after: formatAmount(after),
  }));
}
