import { fromBinary } from '@bufbuild/protobuf';
import type { AllocationRow } from '../domain/allocation/row.js';
import { storedAmount } from '../domain/amount.js';
import type { CollectionName } from '../domain/collection.js';
import type { ConfigurationChange } from '../domain/answer.js';
import { ACCOUNT_KINDS, BALANCE_FIELDS, type AccountChange, type Entry } from '../domain/entry.js';
import type { Agent, Pool, Quantities, Reservation } from '../domain/model.js';
import {
  AgentRecordSchema,
  EntryRecordSchema,
  IdempotencyRecordSchema,
  PoolRecordSchema,
  RefundRecordSchema,
  ReservationRecordSchema,
  StoreRecordSchema,
  UidRecordSchema,
  UsageRecordSchema,
  type AccountRecord,
  type AgentRecord,
  type AllocationRecord,
  type PoolRecord,
  type QuantityRecord,
  type ReservationRecord,
  type UsageCellRecord,
} from '../gen/safeguards/store/v1/records_pb.js';
import type { BalanceRecord } from '../gen/safeguards/store/v1/records_pb.js';
import type { BalanceSnapshot, Header, IdempotencyRecord } from '../ledger/store.js';
import type { UsageCell } from '../domain/usage.js';
import { emergencyPolicyOf, emergencyRequestOf } from './collections/emergencies.js';
import { violationOf } from './collections/violations.js';
import { metadataOf } from './pairs.js';
import { effectiveLevelsOf } from './collections/service-levels.js';
import {
  agentStateOf,
  entryKindOf,
  methodOf,
  poolFundingOf,
  poolStateOf,
  reservationStateOf,
  warningOf,
  wordsOf,
} from './tables.js';

const accountKindOf = wordsOf(ACCOUNT_KINDS);
const balanceFieldOf = wordsOf(BALANCE_FIELDS);

/** Reads the header and the format it was written in. */
export function readHeader(message: Uint8Array): {
  readonly header: Header;
  readonly format: number;
} {
  const record = fromBinary(StoreRecordSchema, message);
  return {
    format: record.format,
    header: {
      storeId: record.storeId,
      owner: record.owner,
      headSequence: Number(record.headSequence),
      headHash: record.headHash,
      time: Number(record.timeMs),
      nextUid: Number(record.nextUid),
      verifiedSequence: Number(record.verifiedSequence),
      verifiedHash: record.verifiedHash,
      purgedSequence: Number(record.purgedSequence),
      createTime: Number(record.createTimeMs),
      violationSequence: Number(record.violationSequence),
      frozenAgents: record.frozenAgents === undefined ? undefined : Number(record.frozenAgents),
      usageHour: record.usageHour,
      usage: record.usage.map(usageCellOf),
    },
  };
}

/** Reads a pool. */
export function readPool(message: Uint8Array): Pool {
  return poolOf(fromBinary(PoolRecordSchema, message));
}

function poolOf(record: PoolRecord): Pool {
  return {
    uid: Number(record.uid),
    id: record.id,
    name: record.name,
    priority: record.priority,
    unit: record.unit,
    scale: record.scale,
    funding: poolFundingOf(record.funding),
    state: poolStateOf(record.state),
    minBalance: storedAmount(record.minBalance),
    initialBudget: storedAmount(record.initialBudget),
    metadata: metadataOf(record.metadata),
    revision: Number(record.revision),
    createTime: Number(record.createTimeMs),
    updateTime: Number(record.updateTimeMs),
    agentCount: Number(record.agentCount),
    lastSequence: Number(record.lastSequence),
    usageHour: record.usageHour,
    usage: record.usage.map(usageCellOf),
    funded: storedAmount(record.funded),
    spent: storedAmount(record.spent),
    reserved: storedAmount(record.reserved),
    unallocated: storedAmount(record.unallocated),
    debt: storedAmount(record.debt),
    base: storedAmount(record.base),
    baseline: storedAmount(record.baseline),
  };
}

/** Reads an agent. */
export function readAgent(message: Uint8Array): Agent {
  return agentOf(fromBinary(AgentRecordSchema, message));
}

function agentOf(record: AgentRecord): Agent {
  return {
    uid: Number(record.uid),
    id: record.id,
    poolUid: Number(record.poolUid),
    name: record.name,
    priority: record.priority,
    state: agentStateOf(record.state),
    overdraftLimit: storedAmount(record.overdraftLimit),
    allowForce: record.allowForce,
    parentId: record.parentId,
    initialBudget: storedAmount(record.initialBudget),
    metadata: metadataOf(record.metadata),
    revision: Number(record.revision),
    budgetRevision: Number(record.budgetRevision),
    createTime: Number(record.createTimeMs),
    updateTime: Number(record.updateTimeMs),
    budgetTime: Number(record.budgetTimeMs),
    deleteTime: Number(record.deleteTimeMs),
    openReservations: record.openReservations,
    quantityNames: record.quantityNames,
    lastSequence: Number(record.lastSequence),
    usageHour: record.usageHour,
    usage: record.usage.map(usageCellOf),
    spendCount: Number(record.spendCount),
    lastSpendTime: Number(record.lastSpendTimeMs),
    serviceLevel: record.serviceLevel,
    allocated: storedAmount(record.allocated),
    spent: storedAmount(record.spent),
    reserved: storedAmount(record.reserved),
    base: storedAmount(record.base),
    baseline: storedAmount(record.baseline),
  };
}

/** Reads a reservation. */
export function readReservation(message: Uint8Array): Reservation {
  return reservationOf(fromBinary(ReservationRecordSchema, message));
}

function reservationOf(record: ReservationRecord): Reservation {
  return {
    id: record.id,
    agentUid: Number(record.agentUid),
    state: reservationStateOf(record.state),
    amount: storedAmount(record.amount),
    held: storedAmount(record.held),
    committed: storedAmount(record.committed),
    category: record.category,
    quantities: quantitiesOf(record.quantities),
    runId: record.runId,
    metadata: metadataOf(record.metadata),
    extensions: record.extensions,
    createTime: Number(record.createTimeMs),
    expireTime: Number(record.expireTimeMs),
    endTime: Number(record.endTimeMs),
    settledLate: record.settledLate,
    commits: record.commits,
    verbs: record.verbs.map((verb) => ({
      method: methodOf(verb.method),
      requestId: verb.requestId,
    })),
  };
}

/** Reads an entry. */
export function readEntry(message: Uint8Array): Entry {
  const record = fromBinary(EntryRecordSchema, message);
  return {
    sequence: Number(record.sequence),
    time: Number(record.timeMs),
    kind: entryKindOf(record.kind),
    previousHash: record.previousHash,
    accounts: record.accounts.map(accountOf),
    amount: record.amount === '' ? undefined : storedAmount(record.amount),
    changes: record.changes.map(({ field, before, after }) => ({ field, before, after })),
    requestId: record.requestId,
    method: record.method === 0 ? undefined : methodOf(record.method),
    principal: record.principal,
    reason: record.reason,
    reservationId: record.reservationId,
    refundedSequence: Number(record.refundedSequence),
    category: record.category,
    quantities: quantitiesOf(record.quantities),
    runId: record.runId,
    traceId: record.traceId,
    metadata: metadataOf(record.metadata),
  };
}

function accountOf(record: AccountRecord): AccountChange {
  return {
    kind: accountKindOf(record.kind),
    uid: Number(record.uid),
    previousSequence: Number(record.previousSequence),
    postings: record.postings.map((posting) => ({
      field: balanceFieldOf(posting.field),
      delta: storedAmount(posting.delta),
      after: storedAmount(posting.after),
    })),
    remaining: record.remaining === '' ? undefined : storedAmount(record.remaining),
  };
}

/** Reads a stored answer. */
export function readIdempotency(message: Uint8Array): IdempotencyRecord {
  const record = fromBinary(IdempotencyRecordSchema, message);
  const { balance, reservation, agent, pool, otherAgent, otherPool } = record;
  const { violation, effectiveLevels } = record;
  return {
    fingerprint: record.fingerprint,
    sequence: Number(record.sequence),
    time: Number(record.timeMs),
    amount: storedAmount(record.amount),
    secondAmount: storedAmount(record.secondAmount),
    warnings: record.warnings.map(warningOf),
    late: record.late,
    balance: balance && balanceOf(balance),
    reservation: reservation && reservationOf(reservation),
    agent: agent && agentOf(agent),
    pool: pool && poolOf(pool),
    otherAgent: otherAgent && agentOf(otherAgent),
    otherPool: otherPool && poolOf(otherPool),
    changes:
      record.configurationChanges === ''
        ? []
        : (JSON.parse(record.configurationChanges) as ConfigurationChange[]),
    allocations: record.allocations.map(allocationOf),
    object: record.object && {
      collection: record.object.collection as CollectionName,
      key: record.object.key,
    },
    emergency: record.emergency && emergencyRequestOf(record.emergency),
    emergencyPolicy: record.emergencyPolicy && emergencyPolicyOf(record.emergencyPolicy),
    violation: violation && violationOf(violation),
    effectiveLevels: effectiveLevels && effectiveLevelsOf(effectiveLevels),
  };
}

function allocationOf(record: AllocationRecord): AllocationRow {
  const { usageAmount, usageEntries } = record;
  return {
    agentId: record.agentId,
    priority: record.priority,
    before: storedAmount(record.before),
    after: storedAmount(record.after),
    baseline: storedAmount(record.baseline),
    usage:
      usageAmount === ''
        ? undefined
        : { amount: storedAmount(usageAmount), entries: Number(usageEntries) },
    leftOut: record.leftOut,
  };
}

function balanceOf(record: BalanceRecord): BalanceSnapshot {
  return {
    allocated: storedAmount(record.allocated),
    spent: storedAmount(record.spent),
    reserved: storedAmount(record.reserved),
    overdraftLimit: storedAmount(record.overdraftLimit),
    initialBudget: storedAmount(record.initialBudget),
    baseline: storedAmount(record.baseline),
    state: agentStateOf(record.state),
    budgetRevision: Number(record.budgetRevision),
    poolUid: Number(record.poolUid),
    budgetTime: Number(record.budgetTimeMs),
    serviceLevel: record.serviceLevel,
  };
}

/** Reads a packed usage row. */
export function readUsage(message: Uint8Array): readonly UsageCell[] {
  return fromBinary(UsageRecordSchema, message).cells.map(usageCellOf);
}

function usageCellOf(cell: UsageCellRecord): UsageCell {
  return {
    index: cell.index,
    amount: storedAmount(cell.amount),
    entries: Number(cell.entries),
    requests: Number(cell.requests),
    refunded: storedAmount(cell.refunded),
    quantities: quantitiesOf(cell.quantities),
  };
}

/** Reads what was refunded of an entry. */
export function readRefunded(message: Uint8Array): bigint {
  return storedAmount(fromBinary(RefundRecordSchema, message).refunded);
}

/** Reads the account that an id names. */
export function readUid(message: Uint8Array): number {
  return Number(fromBinary(UidRecordSchema, message).uid);
}

function quantitiesOf(records: readonly QuantityRecord[]): Quantities {
  return records.map(({ name, amount }) => ({ name, amount: storedAmount(amount) }));
}
