import { randomUUID } from 'node:crypto';
import { inspect } from 'node:util';
import { type Rejection, type RejectionReason, reject } from '../domain/answer.js';
import type { Code } from '../gen/google/rpc/code_pb.js';
import { CorruptRecord } from '../ledger/store.js';
import type { Log } from './log.js';

/** The gRPC code of each reason. Exhaustive by its type; `docs/errors.md` is held equal to it. */
export const CODES = {
  INVALID_REQUEST: 'INVALID_ARGUMENT',
  PAGE_TOKEN_INVALID: 'INVALID_ARGUMENT',
  BATCH_TOO_LARGE: 'INVALID_ARGUMENT',
  EXPRESSION_INVALID: 'INVALID_ARGUMENT',

  POOL_NOT_FOUND: 'NOT_FOUND',
  AGENT_NOT_FOUND: 'NOT_FOUND',
  RESERVATION_NOT_FOUND: 'NOT_FOUND',
  ENTRY_NOT_FOUND: 'NOT_FOUND',
  LIMIT_NOT_FOUND: 'NOT_FOUND',
  MONITOR_NOT_FOUND: 'NOT_FOUND',
  EMERGENCY_REQUEST_NOT_FOUND: 'NOT_FOUND',
  REVIEW_NOT_FOUND: 'NOT_FOUND',
  VIOLATION_NOT_FOUND: 'NOT_FOUND',

  POOL_ALREADY_EXISTS: 'ALREADY_EXISTS',
  AGENT_ALREADY_EXISTS: 'ALREADY_EXISTS',
  LIMIT_ALREADY_EXISTS: 'ALREADY_EXISTS',
  MONITOR_ALREADY_EXISTS: 'ALREADY_EXISTS',
  ALERT_NOT_FOUND: 'NOT_FOUND',

  ALERT_ALREADY_EXISTS: 'ALREADY_EXISTS',
  SCHEDULE_NOT_FOUND: 'NOT_FOUND',

  SCHEDULE_ALREADY_EXISTS: 'ALREADY_EXISTS',
  CHANNEL_NOT_FOUND: 'NOT_FOUND',
  CHANNEL_ALREADY_EXISTS: 'ALREADY_EXISTS',
  DELIVERY_NOT_FOUND: 'NOT_FOUND',
  REQUEST_ID_REUSED: 'ALREADY_EXISTS',

  RESERVATION_ALREADY_COMMITTED: 'FAILED_PRECONDITION',
  RESERVATION_ALREADY_RELEASED: 'FAILED_PRECONDITION',
  RESERVATION_EXPIRED: 'FAILED_PRECONDITION',
  EXTENSIONS_EXHAUSTED: 'FAILED_PRECONDITION',
  ACTUAL_EXCEEDS_RESERVATION: 'FAILED_PRECONDITION',
  TOO_MANY_RESERVATIONS: 'FAILED_PRECONDITION',
  AGENT_CLOSED: 'FAILED_PRECONDITION',
  AGENT_HAS_RESERVATIONS: 'FAILED_PRECONDITION',
  POOL_NOT_EMPTY: 'FAILED_PRECONDITION',
  INSUFFICIENT_POOL_BUDGET: 'FAILED_PRECONDITION',
  INSUFFICIENT_AGENT_BUDGET: 'FAILED_PRECONDITION',
  UNIT_MISMATCH: 'FAILED_PRECONDITION',
  BALANCE_OVERFLOW: 'FAILED_PRECONDITION',
  TOO_MANY_COMMITS: 'FAILED_PRECONDITION',
  REFUND_EXCEEDS_SPEND: 'FAILED_PRECONDITION',
  ALLOCATION_SHORTAGE: 'FAILED_PRECONDITION',
  TOO_MANY_RULES: 'FAILED_PRECONDITION',
  ENTRY_COMPACTED: 'FAILED_PRECONDITION',
  EMERGENCY_REQUEST_NOT_PENDING: 'FAILED_PRECONDITION',
  VIOLATION_ALREADY_RESOLVED: 'FAILED_PRECONDITION',

  REVISION_STALE: 'ABORTED',

  CURSOR_COMPACTED: 'OUT_OF_RANGE',
  CURSOR_UNKNOWN: 'OUT_OF_RANGE',

  SERVER_BUSY: 'RESOURCE_EXHAUSTED',
  DISK_LOW: 'RESOURCE_EXHAUSTED',
  TOO_MANY_STREAMS: 'RESOURCE_EXHAUSTED',
  TOO_MANY_REPORTS: 'RESOURCE_EXHAUSTED',

  CREDENTIALS_MISSING: 'UNAUTHENTICATED',
  CREDENTIALS_INVALID: 'UNAUTHENTICATED',
  NOT_PERMITTED: 'PERMISSION_DENIED',

  SHUTTING_DOWN: 'UNAVAILABLE',
  STORE_UNAVAILABLE: 'UNAVAILABLE',

  LEDGER_CORRUPT: 'DATA_LOSS',
  INTERNAL: 'INTERNAL',
} as const satisfies Record<RejectionReason, CodeName>;

/** The name of a gRPC code that is an error. */
export type CodeName = Exclude<keyof typeof Code, 'OK'>;

/** An error without a reason of ours: of a service that is not ours, or of no service at all. */
export interface Refusal {
  readonly verdict: 'REFUSED';
  readonly code: CodeName;
  /** One sentence without values and without the characters `,;/?:@&=+$#`. */
  readonly message: string;
}

/** Why a call has no response. */
export type Failure = Rejection | Refusal;

/** Makes a refusal. */
export function refuse(code: CodeName, message: string): Refusal {
  return { verdict: 'REFUSED', code, message };
}

/** Whether a reply, a message or not, is a failure. */
export function isFailure(reply: object): reply is Failure {
  const { verdict } = reply as { readonly verdict?: unknown };
  return verdict === 'REJECTED' || verdict === 'REFUSED';
}

/** Makes of a fault what a client may know: an id. What happened stands in the log under it. */
export function rejectFault(cause: unknown, method: string, log: Log): Rejection {
  const errorId = randomUUID();
  const corrupt = cause instanceof CorruptRecord;
  const way = corrupt && { advice: 'Run safeguards verify and restore a backup' };
  log.error({ errorId, method, cause: inspect(cause), ...way }, 'a call failed');
  if (corrupt) {
    return reject('LEDGER_CORRUPT', 'A record of the store is damaged. Verify it and restore', {
      error_id: errorId,
    });
  }
  return reject('INTERNAL', 'The sidecar failed. Its log has the error id', { error_id: errorId });
}

/** Whether a failure says that the server stops. */
export function isShutdown(failure: Failure): boolean {
  return failure.verdict === 'REJECTED' && failure.reason === 'SHUTTING_DOWN';
}

/** The server stops. */
export function rejectShutdown(): Rejection {
  return reject('SHUTTING_DOWN', 'The sidecar is stopping. Try again with the same request_id');
}
