import { floorToScale, minAmount, type Amount } from '../amount.js';
import type { Denial } from '../answer.js';
import { availableOf } from '../budget.js';
import type { ReserveCommand, SpendCommand } from '../command.js';
import type { Use } from '../limit.js';
import type { Agent, Pool } from '../model.js';
import type { Context, State } from '../state.js';
import type { Alarm } from '../violation.js';
import { attemptedOverspend } from './alarms.js';
import { insufficientDenial } from './checks.js';
import { judgeMonitors } from './monitor-checks.js';
import { exceededLimit, headroomOf, limitAlarm, limitDenial } from './limit-checks.js';

/** What a request is granted. */
export interface Granted {
  readonly granted: Amount;
  /** What monitors report of it. */
  readonly reports: readonly Alarm[];
}

/** Why a request is denied, and the violation that it was. */
export interface Refused {
  readonly denial: Denial;
  readonly alarm: Alarm;
}

/**
 * What an active agent is granted of a request: limits in id order, monitors in id order, then
 * what is available. UP_TO grants the smallest of the amount, what is available and what the limits of the amount let through.
 */
export function grantOf(
  state: State,
  command: SpendCommand | ReserveCommand,
  agent: Agent,
  pool: Pool,
  context: Context,
): Granted | Refused {
  const { amount, mode } = command;
  const partial = mode === 'UP_TO';
  const { now } = context;
  const exceeded = exceededLimit(state, agent, useOf(command, amount), now, partial);
  const available = availableOf(agent);
  const mostOf = (): Amount => {
    const headroom = headroomOf(state, agent, now) ?? available;
    return floorToScale(minAmount(available, headroom), pool.scale);
  };
  if (exceeded !== undefined) {
    return {
      denial: limitDenial(exceeded, agent, now, mostOf()),
      alarm: limitAlarm(exceeded.limit, agent, pool, exceeded.counted + exceeded.used),
    };
  }
  const granted = partial ? cutTo(amount, mostOf()) : amount;
  const { category, quantities } = command;
  const { refused, reports } = judgeMonitors(state, {
    agent,
    pool,
    amount: granted,
    category,
    quantities,
    now,
  });
  if (refused !== undefined) return refused;
  if (granted > available) {
    return {
      denial: insufficientDenial(agent, pool, amount, mostOf()),
      alarm: attemptedOverspend(agent, pool, amount),
    };
  }
  return { granted, reports };
}

/** As much of an amount as may be granted; all of it where that is nothing, so that it is denied. */
function cutTo(amount: Amount, most: Amount): Amount {
  return amount > most && most > 0n ? most : amount;
}

/** What a request uses when it is granted an amount. */
export function useOf(command: SpendCommand | ReserveCommand, amount: Amount): Use {
  return { amount, requests: 1, quantities: command.quantities };
}
