import { fitsScale, formatAmount, maxAmount, type Amount } from '../amount.js';
import { reject, rejectFields, type Denial, type Rejection } from '../answer.js';
import { availableOf } from '../budget.js';
import type { Agent, Instant, Pool, Quantities, Reservation, Uid } from '../model.js';
import { QUANTITY_NAMES_MAX, type State } from '../state.js';

/** AGENT_NOT_FOUND of an id. */
export function agentNotFound(id: string): Rejection {
  return reject('AGENT_NOT_FOUND', 'There is no such agent. Create it or correct the id', {
    agent_id: id,
  });
}

/** Agents that an error names. */
const NAMED_MAX = 20;

/** AGENT_NOT_FOUND of several ids: names the first of them. */
export function agentsNotFound(ids: readonly string[]): Rejection {
  const omitted = ids.length - NAMED_MAX;
  return reject('AGENT_NOT_FOUND', 'Some of the agents do not exist', {
    agent_ids: ids.slice(0, NAMED_MAX).join(' '),
    ...(omitted > 0 && { agent_ids_omitted: String(omitted) }),
  });
}

/** POOL_NOT_FOUND of an id. */
export function poolNotFound(id: string): Rejection {
  return reject('POOL_NOT_FOUND', 'There is no such pool. Create it or correct the id', {
    pool_id: id,
  });
}

/** AGENT_CLOSED of an agent. */
export function agentClosed(agent: Agent): Rejection {
  return reject('AGENT_CLOSED', 'The agent was deleted', { agent_id: agent.id });
}

/** The pool that an agent draws from. A missing row is a fault. */
export function poolOf(state: State, agent: Agent): Pool {
  return poolByUid(state, agent.poolUid);
}

/** A pool by its uid. A missing row is a fault. */
export function poolByUid(state: State, uid: Uid): Pool {
  const pool = state.pool(uid);
  if (pool === undefined) throw new Error(`no pool row ${uid}`);
  return pool;
}

/** What a scale is judged by. */
type Scaled = Pick<Pool, 'id' | 'scale'>;

/** INVALID_REQUEST when an amount has digits beyond the pool's scale. Never rounded. */
export function checkScale(pool: Scaled, field: string, amount: Amount): Rejection | undefined {
  return fitsScale(amount, pool.scale) ? undefined : checkScales(pool, [[field, amount]]);
}

/** As checkScale, of several fields: names every one that has too many digits. */
export function checkScales(
  pool: Scaled,
  amounts: readonly (readonly [field: string, amount: Amount])[],
): Rejection | undefined {
  const decimals = `${pool.scale} decimal${pool.scale === 1 ? '' : 's'}`;
  const violations = amounts
    .filter(([, amount]) => !fitsScale(amount, pool.scale))
    .map(([field, amount]) => ({
      field,
      description: `${formatAmount(amount)} has more than the ${decimals} of pool ${pool.id}; round it`,
    }));
  return violations.length === 0 ? undefined : rejectFields(violations);
}

/** UNIT_MISMATCH when a request asserts another unit than the pool's. Empty asserts nothing. */
export function checkUnit(pool: Pool, unit: string): Rejection | undefined {
  if (unit === '' || unit === pool.unit) return undefined;
  return reject('UNIT_MISMATCH', 'The pool counts in another unit', {
    unit,
    pool_unit: pool.unit,
    pool_id: pool.id,
  });
}

/** The agent's quantity names with new ones added, or INVALID_REQUEST beyond 64. */
export function addQuantityNames(
  agent: Agent,
  quantities: Quantities,
): readonly string[] | Rejection {
  let names: string[] | undefined;
  for (const { name } of quantities) {
    if (agent.quantityNames.includes(name)) continue;
    names ??= [...agent.quantityNames];
    names.push(name);
  }
  if (names === undefined) return agent.quantityNames;
  if (names.length <= QUANTITY_NAMES_MAX) return names;
  return rejectFields([
    {
      field: 'quantities',
      description: `an agent may use ${QUANTITY_NAMES_MAX} names over its life; reuse earlier ones`,
    },
  ]);
}

/** REVISION_STALE when a revision was expected and is not there. */
export function checkRevision(expected: number | undefined, actual: number): Rejection | undefined {
  if (expected === undefined || expected === actual) return undefined;
  return reject('REVISION_STALE', 'It was changed in between. Read it and try again', {
    expected_revision: String(expected),
    revision: String(actual),
  });
}

/** The denial of a frozen agent or pool, or undefined. The agent's own freeze is named first. */
export function frozenDenial(agent: Agent, pool: Pool, amount: Amount): Denial | undefined {
  const byAgent = agent.state === 'FROZEN';
  if (!byAgent && pool.state !== 'FROZEN') return undefined;
  return {
    reason: byAgent ? 'AGENT_FROZEN' : 'POOL_FROZEN',
    ruleId: byAgent ? agent.id : pool.id,
    limit: undefined,
    counted: undefined,
    shortfall: amount,
    largestAmount: 0n,
    retryTime: undefined,
    message: byAgent
      ? `Agent ${agent.id} is frozen by an operator`
      : `Pool ${pool.id} is frozen by an operator`,
  };
}

/** The denial of an amount that the agent's budget does not cover. `most` is what limits let through. */
export function insufficientDenial(agent: Agent, pool: Pool, amount: Amount, most: Amount): Denial {
  const available = availableOf(agent);
  return {
    reason: 'INSUFFICIENT_BUDGET',
    ruleId: agent.id,
    limit: agent.allocated + agent.overdraftLimit,
    counted: agent.spent + agent.reserved,
    shortfall: amount - available,
    largestAmount: maxAmount(0n, most),
    retryTime: undefined,
    message:
      `Agent ${agent.id} asked for ${formatAmount(amount)} ${pool.unit} and has ` +
      `${formatAmount(available)} available`,
  };
}

/** Whether a reservation that is still OPEN in the rows has passed its time. */
export function isDue(reservation: Reservation, now: Instant): boolean {
  return reservation.state === 'OPEN' && reservation.expireTime <= now;
}

/** The reservation as it is for everybody at a moment: EXPIRED once its time has passed. */
export function asOf(reservation: Reservation, now: Instant): Reservation {
  if (!isDue(reservation, now)) return reservation;
  return { ...reservation, state: 'EXPIRED', held: 0n, endTime: reservation.expireTime };
}
