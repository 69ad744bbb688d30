import type { AllocationRow } from '../domain/allocation/row.js';
import { ACCOUNT_KINDS, BALANCE_FIELDS, ENTRY_KINDS, type Entry } from '../domain/entry.js';
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
}

/** Writes the message of a pool: PoolRecord. */
export function writePool(wire: WireWriter, pool: Pool): void {
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

/** Writes the message of an agent: AgentRecord. */
export function writeAgent(wire: WireWriter, agent: Agent): void {
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
  for (const verb of reservation.verbs) {
    wire.message(16, () => {
      wire.uint(1, METHODS[verb.method]);
      wire.text(2, verb.requestId);
    });
  }
  wire.uint(17, reservation.commits);
}

/** Writes the message of an entry: EntryRecord. */
export function writeEntry(wire: WireWriter, entry: Entry): void {
  wire.uint(1, entry.sequence);
  wire.uint(2, entry.time);
  wire.uint(3, ENTRY_KINDS[entry.kind]);
  wire.bytes(4, entry.previousHash);
  for (const account of entry.accounts) {
    wire.message(5, () => {
      wire.uint(1, ACCOUNT_KINDS[account.kind]);
      wire.uint(2, account.uid);
      wire.uint(3, account.previousSequence);
      for (const posting of account.postings) {
        wire.message(4, () => {
          wire.uint(1, BALANCE_FIELDS[posting.field]);
          wire.amount(2, posting.delta);
          wire.amount(3, posting.after);
        });
      }
      wire.optionalAmount(5, account.remaining);
    });
  }
  wire.optionalAmount(6, entry.amount);
  for (const change of entry.changes) {
    wire.message(7, () => {
      wire.text(1, change.field);
      wire.text(2, change.before);
      wire.text(3, change.after);
    });
  }
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
  const { balance, reservation, agent, pool, otherAgent, otherPool } = record;
  if (balance !== undefined) {
    wire.message(8, () => {
      writeBalance(wire, balance);
    });
  }
  if (reservation !== undefined) {
    wire.message(9, () => {
      writeReservation(wire, reservation);
    });
  }
  if (agent !== undefined) {
    wire.message(10, () => {
      writeAgent(wire, agent);
    });
  }
  if (pool !== undefined) {
    wire.message(11, () => {
      writePool(wire, pool);
    });
  }
  if (otherAgent !== undefined) {
    wire.message(12, () => {
      writeAgent(wire, otherAgent);
    });
  }
  if (otherPool !== undefined) {
    wire.message(13, () => {
      writePool(wire, otherPool);
    });
  }
  if (record.changes.length > 0) wire.text(14, JSON.stringify(record.changes));
  for (const row of record.allocations) {
    wire.message(15, () => {
      writeAllocation(wire, row);
    });
  }
  const { object } = record;
  if (object !== undefined) {
    wire.message(16, () => {
      wire.text(1, object.collection);
      wire.text(2, object.key);
    });
  }
  const { emergency, emergencyPolicy } = record;
  if (emergency !== undefined) {
    wire.message(17, () => {
      emergencyRequestCodec.write(wire, emergency);
    });
  }
  if (emergencyPolicy !== undefined) {
    wire.message(18, () => {
      emergencyPolicyCodec.write(wire, emergencyPolicy);
    });
  }
  const { effectiveLevels } = record;
  if (effectiveLevels !== undefined) {
    wire.message(19, () => {
      writeEffectiveLevels(wire, effectiveLevels);
    });
  }
  const { violation } = record;
  if (violation !== undefined) {
    wire.message(20, () => {
      writeViolation(wire, violation);
    });
  }
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
  wire.message(1, () => {
    wire.uint(1, cell.index);
    wire.amount(2, cell.amount);
    wire.uint(3, cell.entries);
    wire.uint(4, cell.requests);
    wire.amount(5, cell.refunded);
    writeQuantities(wire, 6, cell.quantities);
  });
}

function writeQuantities(wire: WireWriter, field: number, quantities: Quantities): void {
  for (const quantity of quantities) {
    wire.message(field, () => {
      wire.text(1, quantity.name);
      wire.amount(2, quantity.amount);
    });
  }
}
