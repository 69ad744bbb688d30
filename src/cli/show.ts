import type { Timestamp } from '@bufbuild/protobuf/wkt';
import { timestampDate } from '@bufbuild/protobuf/wkt';
import { AgentState, type Agent } from '../gen/safeguards/v1/agent_pb.js';
import type { Budget } from '../gen/safeguards/v1/budget_pb.js';
import {
  DenialReason,
  WarningCode,
  type Denial,
  type Warning,
} from '../gen/safeguards/v1/decision_pb.js';
import { PoolFunding, PoolState, type Pool } from '../gen/safeguards/v1/pool_pb.js';
import { ReservationState, type Reservation } from '../gen/safeguards/v1/reservation_pb.js';

/** Rows under headers, columns aligned; one sentence when there are no rows. */
export function table(headers: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return 'Nothing.\n';
  const widths = headers.map((header, at) =>
    Math.max(header.length, ...rows.map((row) => (row[at] ?? '').length)),
  );
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join('  ')
      .trimEnd();
  return [headers, ...rows].map((cells) => `${line(cells)}\n`).join('');
}

/** The name of an enum's value: the key under which the generated object holds the number. */
export function nameIn(values: Readonly<Record<string, number>>, value: number): string {
  const found = Object.entries(values).find(([, number]) => number === value);
  return found?.[0] ?? String(value);
}

/** A time in UTC to the millisecond; empty for none. */
export function timeText(time: Timestamp | undefined): string {
  return time === undefined ? '' : timestampDate(time).toISOString();
}

/** Balances of agents. */
export function budgetTable(budgets: readonly Budget[]): string {
  const headers = [
    'AGENT',
    'POOL',
    'AVAILABLE',
    'REMAINING',
    'RESERVED',
    'SPENT',
    'UNIT',
    '%',
    'STATE',
  ];
  const rows = budgets.map((budget) => [
    budget.agentId,
    budget.poolId,
    budget.available,
    budget.remaining,
    budget.reserved,
    budget.spent,
    budget.unit,
    budget.remainingPercent,
    nameIn(AgentState, budget.state),
  ]);
  return table(headers, rows);
}

/** One balance in a sentence. */
export function budgetLine(budget: Budget | undefined): string {
  if (budget === undefined) return '';
  const { agentId, available, unit, spent, reserved } = budget;
  return `${agentId} has ${available} ${unit} available, ${spent} spent, ${reserved} reserved.\n`;
}

/** Pools. */
export function poolTable(pools: readonly Pool[]): string {
  const headers = [
    'POOL',
    'FUNDED',
    'SPENT',
    'RESERVED',
    'FREE',
    'UNIT',
    'AGENTS',
    'FUNDING',
    'STATE',
  ];
  const rows = pools.map((pool) => [
    pool.id,
    pool.funded,
    pool.spent,
    pool.reserved,
    pool.free,
    pool.unit,
    String(pool.agentCount),
    nameIn(PoolFunding, pool.funding),
    nameIn(PoolState, pool.state),
  ]);
  return table(headers, rows);
}

/** One pool in a sentence. */
export function poolLine(pool: Pool | undefined): string {
  if (pool === undefined) return '';
  return `Pool ${pool.id} has ${pool.free} ${pool.unit} free of ${pool.funded}.\n`;
}

/** Configurations of agents. */
export function agentTable(agents: readonly Agent[]): string {
  const headers = ['AGENT', 'POOL', 'NAME', 'PRIORITY', 'OVERDRAFT', 'HOLDS', 'REVISION', 'STATE'];
  const rows = agents.map((agent) => [
    agent.id,
    agent.poolId,
    agent.name,
    String(agent.priority),
    agent.overdraftLimit,
    String(agent.openReservationCount),
    String(agent.revision),
    nameIn(AgentState, agent.state),
  ]);
  return table(headers, rows);
}

/** Reservations. */
export function reservationTable(reservations: readonly Reservation[]): string {
  const headers = ['RESERVATION', 'AGENT', 'STATE', 'AMOUNT', 'HELD', 'COMMITTED', 'EXPIRES'];
  const rows = reservations.map((reservation) => [
    reservation.id,
    reservation.agentId,
    nameIn(ReservationState, reservation.state),
    reservation.amount,
    reservation.heldAmount,
    reservation.committedAmount,
    timeText(reservation.expireTime),
  ]);
  return table(headers, rows);
}

/** Why a request was denied: the rule, by how much, what would pass, until when. */
export function denialText(denial: Denial | undefined): string {
  if (denial === undefined) return 'Denied.\n';
  const { reason, message, ruleId, limit, counted, shortfall, largestAmount, retryTime } = denial;
  const against = limit === '' ? '' : `, limit ${limit}, counted ${counted}`;
  const retry = retryTime === undefined ? '' : `\n  retry at        ${timeText(retryTime)}`;
  return [
    `Denied: ${nameIn(DenialReason, reason)}. ${message}`,
    `  rule            ${ruleId}${against}`,
    `  shortfall       ${shortfall}`,
    `  largest amount  ${largestAmount}${retry}\n`,
  ].join('\n');
}

/** Facts worth knowing, one a line. */
export function warningText(warnings: readonly Warning[]): string {
  return warnings
    .map(({ code, message }) => `Warning: ${nameIn(WarningCode, code)}. ${message}\n`)
    .join('');
}

/** ` (entry 12)`, or that the answer is a stored one, or that nothing was written. */
export function entryNote(response: {
  readonly sequence: bigint;
  readonly replayed: boolean;
}): string {
  const entry = response.sequence === 0n ? 'nothing written' : `entry ${response.sequence}`;
  return response.replayed ? ` (${entry}, answered before)` : ` (${entry})`;
}
