import type { DeniedAccess, LedgerApi } from '../../ledger/api.js';
import type { Log, LogFields } from '../log.js';
import type { Trust } from './guard.js';

/** Access that was denied. */
export interface Denial {
  readonly trust: Trust;
  /** Such as `/safeguards.v1.BudgetService/Spend`. */
  readonly method: string;
  /** CREDENTIALS_MISSING, CREDENTIALS_INVALID or NOT_PERMITTED. */
  readonly reason: string;
  /** Empty where nobody knows who it was. */
  readonly principal: string;
  /** Where the call came from: an IP address, or `unix`. */
  readonly peer: string;
  /** The agent that was asked for, where the call names one. */
  readonly agentId: string;
}

/** Tells of denied access: a line in the log, and a violation of the principal or of nobody known. */
export interface Audit {
  denied(denial: Denial): void;
  /** Begins another minute: says what was left out of the last one. */
  turn(): void;
  close(): void;
}

/** Lines, and violations, that one caller causes in a minute; more are counted. */
export const DENIALS_TOLD_MAX = 10;

/** Callers that are told apart within a minute; more share one count. */
export const DENIED_CALLERS_MAX = 1_000;

const MINUTE_MS = 60_000;

const OTHERS = 'others';

/** Begins to audit. A flood costs a count: neither the log nor the store grows with it. */
export function startAudit(ledger: Pick<LedgerApi, 'reportDenied'>, log: Log): Audit {
  const counts = new Map<string, number>();
  const turn = (): void => {
    for (const [caller, count] of counts) {
      const leftOut = count - DENIALS_TOLD_MAX;
      if (leftOut > 0) log.warn({ audit: true, caller, leftOut }, 'Access denied more often');
    }
    counts.clear();
  };
  const timer = setInterval(turn, MINUTE_MS);
  timer.unref();
  return {
    denied(denial) {
      const caller = denial.principal === '' ? denial.peer : denial.principal;
      const known = counts.has(caller) || counts.size < DENIED_CALLERS_MAX;
      const key = known ? caller : OTHERS;
      const count = (counts.get(key) ?? 0) + 1;
      counts.set(key, count);
      if (count > DENIALS_TOLD_MAX) return;
      log.warn({ audit: true, ...denial }, 'Access denied');
      report(ledger, denial);
    },
    turn,
    close() {
      clearInterval(timer);
      turn();
    },
  };
}

/** What an operator does that changes no row leaves no entry: the log says who did it. */
export function tellWithoutEntry(
  log: Log,
  call: { readonly method: string; readonly principal: string } & LogFields,
): void {
  log.info({ audit: true, ...call }, 'Called by an operator');
}

/** The call is denied whether the violation can be written or not. */
function report(ledger: Pick<LedgerApi, 'reportDenied'>, denial: Denial): void {
  const { principal, method, agentId } = denial;
  const denied: DeniedAccess = { principal, method, agentId };
  ledger.reportDenied(denied).catch(() => undefined);
}
