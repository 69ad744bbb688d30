import { BudgetService, type SpendRequest } from '../../src/gen/safeguards/v1/budget_service_pb.js';
import { Decision } from '../../src/gen/safeguards/v1/decision_pb.js';
import type { Reservation } from '../../src/gen/safeguards/v1/reservation_pb.js';
import type { Connection } from './client.js';

const api = BudgetService.method;

/** What one request_id did, as its answer says. Every replay must say the same. */
export interface Effect {
  readonly requestId: string;
  readonly agentId: string;
  readonly sequence: bigint;
  /** Granted, committed or released; 0 of an extension. */
  readonly amount: string;
  /** The part of it that counts as spent. */
  readonly spent: string;
  /** The reservation after it. */
  readonly hold: Hold | undefined;
}

/** What an answer says of a reservation. */
export interface Hold {
  readonly id: string;
  readonly held: string;
  readonly committed: string;
  readonly extensions: number;
  readonly expireTime: bigint;
}

/** The answer to one request_id. Denied and undone ones have no effect. */
export interface Judged {
  readonly effect: Effect | undefined;
  readonly replayed: boolean;
}

/** A request that can be sent again, word for word. */
export interface Operation {
  readonly kind: string;
  /** Whether its items are carried out all or none. */
  readonly isWhole?: boolean;
  /** Resolves with what it did, one for each request_id in it. */
  send(connection: Connection): Promise<readonly Judged[]>;
}

/** A spend, as far as the loop varies it. */
export type Spend = Pick<SpendRequest, 'requestId' | 'agentId' | 'amount' | 'mode'>;

export function spend(item: Spend): Operation {
  const { requestId, agentId } = item;
  return {
    kind: 'spend',
    send: async (connection) => {
      const answer = await connection.call(api.spend, item);
      const { sequence, grantedAmount: amount, replayed } = answer;
      const effect = { requestId, agentId, sequence, amount, spent: amount, hold: undefined };
      return [judged(answer.decision === Decision.APPROVED, replayed, effect)];
    },
  };
}

export function batch(items: readonly Spend[], atomic: boolean): Operation {
  return {
    kind: atomic ? 'atomic batch' : 'batch',
    send: async (connection) => {
      const { results } = await connection.call(api.batchSpend, { items: [...items], atomic });
      return items.map(({ requestId, agentId }, at) => {
        const result = results[at]?.result;
        if (results[at]?.requestId !== requestId || result?.case !== 'outcome') {
          throw new Error(`item ${at} of a batch was answered with ${result?.case ?? 'nothing'}`);
        }
        const { sequence, grantedAmount: amount, decision, replayed } = result.value;
        const effect = { requestId, agentId, sequence, amount, spent: amount, hold: undefined };
        return judged(decision === Decision.APPROVED, replayed, effect);
      });
    },
  };
}

/** Items of one SpendStream, each judged by itself. */
export function stream(items: readonly Spend[]): Operation {
  return {
    kind: 'stream',
    isWhole: false,
    send: async (connection) => {
      const answers = await connection.exchange(
        api.spendStream,
        items.map((item) => ({ item })),
      );
      return items.map(({ requestId, agentId }, at) => {
        const { result } = answers[at] ?? {};
        if (result?.requestId !== requestId || result.result.case !== 'outcome') {
          throw new Error(
            `item ${at} of a stream was answered with ${result?.result.case ?? 'nothing'}`,
          );
        }
        const { sequence, grantedAmount: amount, decision, replayed } = result.result.value;
        const effect = { requestId, agentId, sequence, amount, spent: amount, hold: undefined };
        return judged(decision === Decision.APPROVED, replayed, effect);
      });
    },
  };
}

export function reserve(item: Spend, ttlSeconds: number): Operation {
  const { requestId, agentId } = item;
  return {
    kind: 'reserve',
    send: async (connection) => {
      const ttl = { seconds: BigInt(ttlSeconds), nanos: 0 };
      const answer = await connection.call(api.reserve, { ...item, ttl });
      const { sequence, grantedAmount: amount, replayed, decision } = answer;
      const hold = answer.reservation && holdOf(answer.reservation);
      const effect = { requestId, agentId, sequence, amount, spent: '0', hold };
      return [judged(decision === Decision.APPROVED, replayed, effect)];
    },
  };
}

/** Which reservation, under which request_id. */
export interface Settlement {
  readonly requestId: string;
  readonly agentId: string;
  readonly reservationId: string;
}

export function commit(
  { requestId, agentId, reservationId }: Settlement,
  cost: { readonly amount?: string; readonly final: boolean },
): Operation {
  return {
    kind: cost.final ? 'commit' : 'partial commit',
    send: async (connection) => {
      const answer = await connection.call(api.commit, { requestId, reservationId, ...cost });
      const { sequence, committedAmount: amount, replayed } = answer;
      const hold = holdOf(answer.reservation!);
      const effect = { requestId, agentId, sequence, amount, spent: amount, hold };
      return [judged(true, replayed, effect)];
    },
  };
}

export function release({ requestId, agentId, reservationId }: Settlement): Operation {
  return {
    kind: 'release',
    send: async (connection) => {
      const answer = await connection.call(api.release, { requestId, reservationId });
      const { sequence, releasedAmount: amount, replayed } = answer;
      const hold = holdOf(answer.reservation!);
      const effect = { requestId, agentId, sequence, amount, spent: '0', hold };
      return [judged(true, replayed, effect)];
    },
  };
}

export function extend(
  { requestId, agentId, reservationId }: Settlement,
  ttlSeconds: number,
): Operation {
  return {
    kind: 'extend',
    send: async (connection) => {
      const ttl = { seconds: BigInt(ttlSeconds), nanos: 0 };
      const answer = await connection.call(api.extendReservation, {
        requestId,
        reservationId,
        ttl,
      });
      const { sequence, replayed, decision } = answer;
      const hold = holdOf(answer.reservation!);
      const effect = { requestId, agentId, sequence, amount: '0', spent: '0', hold };
      return [judged(decision === Decision.APPROVED, replayed, effect)];
    },
  };
}

function judged(carriedOut: boolean, replayed: boolean, effect: Effect): Judged {
  if (!carriedOut) return { effect: undefined, replayed };
  if (effect.sequence === 0n) throw new Error(`${effect.requestId} was carried out without entry`);
  return { effect, replayed };
}

function holdOf(reservation: Reservation): Hold {
  const { id, heldAmount: held, committedAmount: committed, expireTime } = reservation;
  return {
    id,
    held,
    committed,
    extensions: reservation.extensionCount,
    expireTime: expireTime?.seconds ?? 0n,
  };
}
