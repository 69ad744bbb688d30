import type { Load, Task } from './load.js';
import { AGENTS, BATCH_ITEMS, nextCommit, PATHS, requestsOf } from './requests.js';
import { Connection, type Call } from './wire/connection.js';
import { fieldOf } from './wire/field.js';

/** Opens a load on a server's address. */
export type OpenLoad = (address: string) => Promise<Load>;

/** `Decision.APPROVED` on the wire. */
const APPROVED = 1;

/** Numbers of the fields that answers are checked by. */
const DECISION = 10;
const BUDGET_OF_GET = 1;
const RESERVATION_OF_RESERVE = 13;
const RESERVATION_OF_COMMIT = 10;
const ID_OF_RESERVATION = 1;
const RESULT_OF_STREAM = 1;
const OUTCOME_OF_RESULT = 2;
const DECISION_OF_OUTCOME = 1;

/** Spends by unary calls, so many at a time. */
export function spends(slots: number, agents = AGENTS): OpenLoad {
  return unary(slots, 1, PATHS.spend, requestsOf(agents).spend, isApproved);
}

/** Reads of budgets by unary calls. */
export function reads(slots: number): OpenLoad {
  const isBudget = (response: Buffer) => fieldOf(response, BUDGET_OF_GET) !== undefined;
  return unary(slots, 1, PATHS.getBudget, requestsOf(AGENTS).getBudget, isBudget);
}

/** Batches, so many at a time: a unit is a spend. */
export function batches(slots: number): OpenLoad {
  return unary(slots, BATCH_ITEMS, PATHS.batchSpend, requestsOf(AGENTS).batch, isApprovedResult);
}

/** Holds and their settlement, one after the other: a unit is a pair. */
export function pairs(slots: number): OpenLoad {
  const next = requestsOf(AGENTS);
  return open(slots, 1, (connections, check) => (slot, done) => {
    const connection = connectionOf(connections, slot);
    connection.unary(PATHS.reserve, next.reserve(), (held) => {
      check(isApproved(held));
      const reservation = fieldOf(held, RESERVATION_OF_RESERVE);
      const id = Buffer.isBuffer(reservation) && fieldOf(reservation, ID_OF_RESERVATION);
      connection.unary(PATHS.commit, nextCommit(String(id)), (settled) => {
        check(fieldOf(settled, RESERVATION_OF_COMMIT) !== undefined);
        done();
      });
    });
  });
}

/** Spends on streams, so many on each at a time. */
export function streamed(streams: number, itemsInFlight: number): OpenLoad {
  const next = requestsOf(AGENTS);
  return open(streams * itemsInFlight, 1, (connections, check) => {
    const waiting: (() => void)[][] = [];
    const calls = Array.from({ length: streams }, (_, number): Call => {
      const queue: (() => void)[] = [];
      waiting.push(queue);
      return connectionOf(connections, number).call(PATHS.spendStream, {
        message: (response) => {
          const result = fieldOf(response, RESULT_OF_STREAM);
          check(Buffer.isBuffer(result) && isApprovedOutcome(result));
          queue.shift()?.();
        },
        end: () => check(false),
      });
    });
    return (slot, done) => {
      waiting[slot % streams]?.push(done);
      calls[slot % streams]?.send(next.streamItem(), false);
    };
  });
}

/** Connections that a load of many slots comes over; one in flight needs but one. */
const CONNECTIONS = 4;

function unary(
  slots: number,
  unitsPerTask: number,
  path: string,
  request: () => Buffer,
  isGood: (response: Buffer) => boolean,
): OpenLoad {
  return open(slots, unitsPerTask, (connections, check) => (slot, done) => {
    connectionOf(connections, slot).unary(path, request(), (response) => {
      check(isGood(response));
      done();
    });
  });
}

type Check = (isGood: boolean) => void;

function open(
  slots: number,
  unitsPerTask: number,
  taskOf: (connections: readonly Connection[], check: Check) => Task,
): OpenLoad {
  return async (address) => {
    let fail: (error: Error) => void = () => undefined;
    const broken = new Promise<never>((_resolve, reject) => {
      fail = reject;
    });
    // Whoever measures looks at it; nobody needs to in between.
    broken.catch(() => undefined);
    const connections = await Promise.all(
      Array.from({ length: Math.min(slots, CONNECTIONS) }, () => Connection.open(address, fail)),
    );
    const check: Check = (isGood) => {
      if (!isGood) fail(new Error('an answer is not an approval'));
    };
    return {
      slots,
      unitsPerTask,
      task: taskOf(connections, check),
      flush: () => {
        for (const connection of connections) connection.flush();
      },
      broken,
      close: () => {
        for (const connection of connections) connection.close();
      },
    };
  };
}

function connectionOf(connections: readonly Connection[], slot: number): Connection {
  const connection = connections[slot % connections.length];
  if (connection === undefined) throw new Error('a load has no connection');
  return connection;
}

function isApproved(response: Buffer): boolean {
  return fieldOf(response, DECISION) === APPROVED;
}

/** Looks at the first result of a batch. */
function isApprovedResult(response: Buffer): boolean {
  const result = fieldOf(response, 1);
  return Buffer.isBuffer(result) && isApprovedOutcome(result);
}

function isApprovedOutcome(result: Buffer): boolean {
  const outcome = fieldOf(result, OUTCOME_OF_RESULT);
  return Buffer.isBuffer(outcome) && fieldOf(outcome, DECISION_OF_OUTCOME) === APPROVED;
}
