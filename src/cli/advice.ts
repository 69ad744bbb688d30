import type { ErrorReason } from '../gen/safeguards/v1/error_reason_pb.js';

type Reason = Exclude<keyof typeof ErrorReason, 'UNSPECIFIED'>;

/** What to do about each reason, for the person at the command line. */
const ADVICE: Readonly<Record<Reason, string>> = {
  INVALID_REQUEST: 'Correct what is named above.',
  PAGE_TOKEN_INVALID: 'List from the start, without --page-token.',
  BATCH_TOO_LARGE: 'Split the batch, or raise batch_items_max of the sidecar.',
  POOL_NOT_FOUND: 'See "safeguards pool list", or make it with "safeguards pool create".',
  AGENT_NOT_FOUND: 'See "safeguards agent list", or make it with "safeguards agent create".',
  RESERVATION_NOT_FOUND: 'See "safeguards reservation list --agent AGENT".',
  ENTRY_NOT_FOUND: 'See the sequence in "safeguards usage AGENT".',
  EMERGENCY_REQUEST_NOT_FOUND: 'See "safeguards emergency list".',
  REVIEW_NOT_FOUND: 'See "safeguards review list".',
  VIOLATION_NOT_FOUND: 'See "safeguards violations list".',
  LIMIT_NOT_FOUND: 'See "safeguards limit list", or make it with "safeguards limit create".',
  ALERT_NOT_FOUND: 'See "safeguards alert list", or make it with "safeguards alert create".',
  POOL_ALREADY_EXISTS: 'Choose another id, or change it with "safeguards pool update".',
  AGENT_ALREADY_EXISTS: 'Choose another id, or change it with "safeguards agent update".',
  ALERT_ALREADY_EXISTS: 'Choose another id, or change it with "safeguards alert update".',
  CHANNEL_NOT_FOUND: 'See "safeguards channel list", or make it with "safeguards channel create".',
  CHANNEL_ALREADY_EXISTS: 'Choose another id, or change it with "safeguards channel update".',
  DELIVERY_NOT_FOUND: 'See "safeguards delivery list". What has arrived is not listed.',
  SCHEDULE_NOT_FOUND: 'See "safeguards schedule list".',
  SCHEDULE_ALREADY_EXISTS: 'Choose another id, or change it with "safeguards schedule update".',
  REQUEST_ID_REUSED: 'Leave --request-id out, or make a new one for the new request.',
  RESERVATION_ALREADY_COMMITTED: 'It is settled. Spend the rest with "safeguards spend".',
  RESERVATION_ALREADY_RELEASED: 'Reserve anew, or spend with "safeguards spend".',
  RESERVATION_EXPIRED: 'Reserve anew; a cost that came later goes in with --mode force.',
  EXTENSIONS_EXHAUSTED: 'Commit what was spent with --no-final left out, and reserve anew.',
  ACTUAL_EXCEEDS_RESERVATION: 'Commit less, or leave --overage out to settle the actual cost.',
  TOO_MANY_RESERVATIONS: 'Commit or release some: "safeguards reservation list --state open".',
  AGENT_CLOSED: 'Make a new one under the same id with "safeguards agent create".',
  AGENT_HAS_RESERVATIONS:
    'Settle them, or release them with the agent: "agent delete AGENT --release-reservations".',
  POOL_NOT_EMPTY: 'Move or delete its agents first; the pool "default" stays.',
  INSUFFICIENT_POOL_BUDGET: 'Fund the pool with "safeguards pool fund", or take less.',
  INSUFFICIENT_AGENT_BUDGET: 'Take less: see "safeguards budget get AGENT".',
  UNIT_MISMATCH: 'Use a pool of the same unit and scale.',
  BALANCE_OVERFLOW: 'Balances end below 10^24: use a larger unit.',
  TOO_MANY_COMMITS: 'Make the next commit final.',
  REFUND_EXCEEDS_SPEND: 'Refund less, or leave the amount out for all that is left.',
  ALLOCATION_SHORTAGE: 'Lower the minimum, raise --total, or add --shortage scale.',
  EXPRESSION_INVALID: 'Mend the expression at the place named; docs/monitors.md has the language.',
  LIMIT_ALREADY_EXISTS: 'Use another id, or change it with "limit update".',
  MONITOR_NOT_FOUND: 'Look for it with "monitor list".',
  MONITOR_ALREADY_EXISTS: 'Use another id, or change it with "monitor update".',
  TOO_MANY_RULES: 'Delete some that nobody needs.',
  ENTRY_COMPACTED: 'Correct the budget with "safeguards budget adjust".',
  EMERGENCY_REQUEST_NOT_PENDING: 'See what became of it in "safeguards emergency get REQUEST".',
  VIOLATION_ALREADY_RESOLVED: 'Nothing is left to do: see "safeguards violations get ID".',
  REVISION_STALE: 'Read it again, and repeat with the new revision.',
  CURSOR_COMPACTED: 'Begin with --oldest; see "safeguards violations list" for what ended before.',
  CURSOR_UNKNOWN: 'The store is another one or was restored: begin with --oldest.',
  SERVER_BUSY: 'Wait a moment and repeat it.',
  DISK_LOW: 'Make room on the disk of the data directory.',
  TOO_MANY_STREAMS: 'End another watch or export, or raise streams_max of the sidecar.',
  TOO_MANY_REPORTS: 'Report less often, or once with a count in the details.',
  CREDENTIALS_MISSING:
    'Name the token with --token-file or SAFEGUARDS_ADMIN_TOKEN; "serve" prints where it is.',
  CREDENTIALS_INVALID:
    'The token is of another sidecar or not valid any more: name the right one with --token-file.',
  NOT_PERMITTED: 'Ask an operator: the agent may not do this.',
  SHUTTING_DOWN: 'Repeat it with the same --request-id when the sidecar is back.',
  STORE_UNAVAILABLE: 'Look into the log of the sidecar; it needs its disk back and a restart.',
  LEDGER_CORRUPT: 'Stop the sidecar, run "safeguards verify", and restore a backup.',
  INTERNAL: 'Look for the error id in the log of the sidecar.',
};

/** What to do about a reason; empty for one that this version does not know. */
export function adviceFor(reason: string): string {
  return Object.hasOwn(ADVICE, reason) ? ADVICE[reason as Reason] : '';
}
