import type { AllocationRow } from '../domain/allocation/row.js';
import type { ObjectName } from '../domain/answer.js';
import {
  ACCOUNT_KINDS,
  BALANCE_FIELDS,
  ENTRY_KINDS,
  type AccountChange,
  type Entry,
  type FieldChange,
  type Posting,
} from '../domain/entry.js';
import {
  METHODS,
  type Agent,
  type Pool,
  type Quantities,
  type Reservation,
} from '../domain/model.js';
import type { BalanceSnapshot, Header, IdempotencyRecord } from '../ledger/store.js';
import type { UsageCell } from '../domain/usage.js';
import { writeViolation } from './collections/violations.js';
import { writeEffectiveLevels } from './collections/service-levels.js';
import {
  AGENT_STATES,
  POOL_FUNDINGS,
  POOL_STATES,
  RESERVATION_STATES,
  WARNING_CODES,
} from './tables.js';
import { emergencyPolicyCodec, emergencyRequestCodec } from './collections/emergencies.js';
import type { WireWriter } from '../wire/writer.js';

/** Writes the message of the header: StoreRecord. */
export function writeHeader(wire: WireWriter, header: Header, format: number): void {
  wire.uint(1, format);
  wire.text(2, header.storeId);
  wire.text(3, header.owner);
  wire.uint(4, header.headSequence);
  wire.bytes(5, header.headHash);
  wire.uint(6, header.time);
  wire.uint(7, header.nextUid);
  wire.uint(8, header.verifiedSequence);
  wire.bytes(9, header.verifiedHash);
  wire.uint(10, header.purgedSequence);
  wire.uint(11, header.createTime);
  wire.uint(12, header.violationSequence);
  wire.optionalUint(13, header.frozenAgents);
  wire.uint(14, header.usageHour);
  for (const cell of header.usage) wire.nested(15, cell, writeCell);
}

/** Writes the row of a pool: PoolRecord. */
export function writePoolRow(wire: WireWriter, pool: Pool): void {
  writePool(wire, pool);
  for (const cell of pool.usage) wire.nested(25, cell, writeCell);
}

/** Writes a pool within an answer: without its usage, which no answer shows. */
function writePool(wire: WireWriter, pool: Pool): void {
  wire.uint(1, pool.uid);
  wire.text(2, pool.id);
  wire.text(3, pool.name);
  wire.uint(4, pool.priority);
  wire.text(5, pool.unit);
  wire.uint(6, pool.scale);
  wire.uint(7, POOL_FUNDINGS[pool.funding]);
  wire.uint(8, POOL_STATES[pool.state]);
  wire.amount(9, pool.minBalance);
  wire.amount(10, pool.initialBudget);
  wire.map(11, pool.metadata);
  wire.uint(12, pool.revision);
  wire.uint(13, pool.createTime);
  wire.uint(14, pool.updateTime);
  wire.uint(15, pool.agentCount);
  wire.amount(16, pool.funded);
  wire.amount(17, pool.spent);
  wire.amount(18, pool.reserved);
  wire.amount(19, pool.unallocated);
  wire.amount(20, pool.debt);
  wire.amount(21, pool.base);
  wire.amount(22, pool.baseline);
  wire.uint(23, pool.lastSequence);
  wire.uint(24, pool.usageHour);
}

/** Writes the row of an agent: AgentRecord. */
export function writeAgentRow(wire: WireWriter, agent: Agent): void {
  writeAgent(wire, agent);
  for (const cell of agent.usage) wire.nested(30, cell, writeCell);
}

/** Writes an agent within an answer: without its usage, which no answer shows. */
function writeAgent(wire: WireWriter, agent: Agent): void {
  wire.uint(1, agent.uid);
  wire.text(2, agent.id);
  wire.uint(3, agent.poolUid);
  wire.text(4, agent.name);
  wire.uint(5, agent.priority);
  wire.uint(6, AGENT_STATES[agent.state]);
  wire.amount(7, agent.overdraftLimit);
  wire.bool(8, agent.allowForce);
  wire.text(9, agent.parentId);
  wire.amount(10, agent.initialBudget);
  wire.map(11, agent.metadata);
  wire.uint(12, agent.revision);
  wire.uint(13, agent.budgetRevision);
  wire.uint(14, agent.createTime);
  wire.uint(15, agent.updateTime);
  wire.uint(16, agent.budgetTime);
  wire.uint(17, agent.deleteTime);
  wire.uint(18, agent.openReservations);
  wire.texts(19, agent.quantityNames);
  wire.amount(20, agent.allocated);
  wire.amount(21, agent.spent);
  wire.amount(22, agent.reserved);
  wire.amount(23, agent.base);
  wire.amount(24, agent.baseline);
  wire.uint(25, agent.lastSequence);
  wire.uint(26, agent.usageHour);
  wire.uint(27, agent.spendCount);
  wire.uint(28, agent.lastSpendTime);
  wire.text(29, agent.serviceLevel);
}

/** Writes the message of a reservation: ReservationRecord. */
export function writeReservation(wire: WireWriter, reservation: Reservation): void {
  wire.text(1, reservation.id);
  wire.uint(2, reservation.agentUid);
  wire.uint(3, RESERVATION_STATES[reservation.state]);
  wire.amount(4, reservation.amount);
  wire.amount(5, reservation.held);
  wire.amount(6, reservation.committed);
  wire.text(7, reservation.category);
  writeQuantities(wire, 8, reservation.quantities);
  wire.text(9, reservation.runId);
  wire.map(10, reservation.metadata);
  wire.uint(11, reservation.extensions);
  wire.uint(12, reservation.createTime);
  wire.uint(13, reservation.expireTime);
  wire.uint(14, reservation.endTime);
  wire.bool(15, reservation.settledLate);
  for (const verb of reservation.verbs) wire.nested(16, verb, writeVerb);
  wire.uint(17, reservation.commits);
}

function writeVerb(wire: WireWriter, verb: Reservation['verbs'][number]): void {
  wire.uint(1, METHODS[verb.method]);
  wire.text(2, verb.requestId);
}

/** Writes the message of an entry: EntryRecord. */
export function writeEntry(wire: WireWriter, entry: Entry): void {
  wire.uint(1, entry.sequence);
  wire.uint(2, entry.time);
  wire.uint(3, ENTRY_KINDS[entry.kind]);
  wire.bytes(4, entry.previousHash);
  for (const account of entry.accounts) wire.nested(5, account, writeAccount);
  wire.optionalAmount(6, entry.amount);
  for (const change of entry.changes) wire.nested(7, change, writeChange);
  wire.text(8, entry.requestId);
  wire.uint(9, entry.method === undefined ? 0 : METHODS[entry.method]);
  wire.text(10, entry.principal);
  wire.text(11, entry.reason);
  wire.text(12, entry.reservationId);
  wire.uint(13, entry.refundedSequence);
  wire.text(14, entry.category);
  writeQuantities(wire, 15, entry.quantities);
  wire.text(16, entry.runId);
  wire.text(17, entry.traceId);
  wire.map(18, entry.metadata);
}

function writeAccount(wire: WireWriter, account: AccountChange): void {
  wire.uint(1, ACCOUNT_KINDS[account.kind]);
  wire.uint(2, account.uid);
  wire.uint(3, account.previousSequence);
  for (const posting of account.postings) wire.nested(4, posting, writePosting);
  wire.optionalAmount(5, account.remaining);
}

function writePosting(wire: WireWriter, posting: Posting): void {
  wire.uint(1, BALANCE_FIELDS[posting.field]);
  wire.amount(2, posting.delta);
  wire.amount(3, posting.after);
}

function writeChange(wire: WireWriter, change: FieldChange): void {
  wire.text(1, change.field);
  wire.text(2, change.before);
  wire.text(3, change.after);
}

/** Writes the message of a stored answer: IdempotencyRecord. */
export function writeIdempotency(wire: WireWriter, record: IdempotencyRecord): void {
  wire.bytes(1, record.fingerprint);
  wire.uint(2, record.sequence);
  wire.uint(3, record.time);
  wire.amount(4, record.amount);
  wire.amount(5, record.secondAmount);
  wire.packed(
    6,
    record.warnings.map((code) => WARNING_CODES[code]),
  );
  wire.bool(7, record.late);
  wire.nested(8, record.balance, writeBalance);
  wire.nested(9, record.reservation, writeReservation);
  wire.nested(10, record.agent, writeAgent);
  wire.nested(11, record.pool, writePool);
  wire.nested(12, record.otherAgent, writeAgent);
  wire.nested(13, record.otherPool, writePool);
  if (record.changes.length > 0) wire.text(14, JSON.stringify(record.changes));
  for (const row of record.allocations) wire.nested(15, row, writeAllocation);
  wire.nested(16, record.object, writeObject);
  wire.nested(17, record.emergency, emergencyRequestCodec.write);
  wire.nested(18, record.emergencyPolicy, emergencyPolicyCodec.write);
  wire.nested(19, record.effectiveLevels, writeEffectiveLevels);
  wire.nested(20, record.violation, writeViolation);
}

function writeObject(wire: WireWriter, object: ObjectName): void {
  wire.text(1, object.collection);
  wire.text(2, object.key);
}

function writeAllocation(wire: WireWriter, row: AllocationRow): void {
  wire.text(1, row.agentId);
  wire.uint(2, row.priority);
  wire.amount(3, row.before);
  wire.amount(4, row.after);
  wire.amount(5, row.baseline);
  wire.optionalAmount(6, row.usage?.amount);
  wire.uint(7, row.usage?.entries ?? 0);
  wire.bool(8, row.leftOut);
}

function writeBalance(wire: WireWriter, balance: BalanceSnapshot): void {
  wire.amount(1, balance.allocated);
  wire.amount(2, balance.spent);
  wire.amount(3, balance.reserved);
  wire.amount(4, balance.overdraftLimit);
  wire.amount(5, balance.initialBudget);
  wire.amount(6, balance.baseline);
  wire.uint(7, AGENT_STATES[balance.state]);
  wire.uint(8, balance.budgetRevision);
  wire.uint(9, balance.poolUid);
  wire.uint(10, balance.budgetTime);
  wire.text(11, balance.serviceLevel);
}

/** Writes one cell of a packed usage row: UsageCellRecord. */
export function writeUsageCell(wire: WireWriter, cell: UsageCell): void {
  wire.nested(1, cell, writeCell);
}

function writeCell(wire: WireWriter, cell: UsageCell): void {
  wire.uint(1, cell.index);
  wire.amount(2, cell.amount);
  wire.uint(3, cell.entries);
  wire.uint(4, cell.requests);
  wire.amount(5, cell.refunded);
  writeQuantities(wire, 6, cell.quantities);
}

function writeQuantities(wire: WireWriter, field: number, quantities: Quantities): void {
  for (const quantity of quantities) wire.nested(field, quantity, writeQuantity);
}

function writeQuantity(wire: WireWriter, { name, amount }: Quantities[number]): void {
  wire.text(1, name);
  wire.amount(2, amount);
}
