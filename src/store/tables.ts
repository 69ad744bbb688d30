import type { WarningCode } from '../domain/answer.js';
import { ENTRY_KINDS } from '../domain/entry.js';
import { METHODS } from '../domain/model.js';
import type { AgentState, PoolFunding, PoolState, ReservationState } from '../domain/model.js';

/** The numbers on disk of the domain's words. Never reuse one. */
export const AGENT_STATES: Record<AgentState, number> = { ACTIVE: 1, FROZEN: 2, CLOSED: 3 };
export const POOL_STATES: Record<PoolState, number> = { ACTIVE: 1, FROZEN: 2, DELETED: 3 };
export const POOL_FUNDINGS: Record<PoolFunding, number> = { FIXED: 1, ON_DEMAND: 2 };
export const RESERVATION_STATES: Record<ReservationState, number> = {
  OPEN: 1,
  COMMITTED: 2,
  RELEASED: 3,
  EXPIRED: 4,
};
export const WARNING_CODES: Record<WarningCode, number> = {
  OVERSPENT: 1,
  LATE_COMMIT: 2,
  PAID_BY_POOL: 3,
  CLOCK_JUMPED: 4,
};

/** Reads numbers back into words. */
export function wordsOf<Word extends string>(table: Record<Word, number>): (value: number) => Word {
  const words = new Map<number, Word>();
  for (const [word, value] of Object.entries(table) as [Word, number][]) words.set(value, word);
  return (value) => {
    const word = words.get(value);
    if (word === undefined) throw new Error(`a record has the unknown number ${value}`);
    return word;
  };
}

export const agentStateOf = wordsOf(AGENT_STATES);
export const poolStateOf = wordsOf(POOL_STATES);
export const poolFundingOf = wordsOf(POOL_FUNDINGS);
export const reservationStateOf = wordsOf(RESERVATION_STATES);
export const warningOf = wordsOf(WARNING_CODES);
export const entryKindOf = wordsOf(ENTRY_KINDS);
export const methodOf = wordsOf(METHODS);
