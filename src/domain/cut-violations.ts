import { draftRow, removeRow, type Draft } from './draft.js';
import type { Instant } from './model.js';
import { agentViolationKey, sequenceKey, type ViolationEvent } from './violation.js';
import { recount } from './violation-counts.js';

/** How long violations are kept. Each is a setting of the same name in the configuration. */
export interface ViolationRetention {
  /** How long an event is kept: `violations_retention`. */
  readonly violationsRetentionMs: number;
  /** Events that are kept, the newest: `violations_max`. */
  readonly violationsMax: number;
}

/** Events that one step cuts at most, so that no spend waits for it. */
export const CUT_STEP_MAX = 500;

/**
 * Cuts the oldest events that are too old or too many, and with the last event of a violation its row.
 * The rows of open violations stay until they end, but for reported ones: agents may make any number
 * of those, and nothing but an operator ends them. The sequence of events counts on. Returns whether
 * the step was a full one: there may be more.
 */
export function cutViolations(draft: Draft, retention: ViolationRetention): boolean {
  const before: Instant = draft.now - retention.violationsRetentionMs;
  const through = draft.violationSequence - retention.violationsMax;
  let cut = 0;
  for (const [key, event] of draft.state.rows('violation_events', {})) {
    if (cut === CUT_STEP_MAX) return true;
    if (event.time >= before && event.sequence > through) break;
    removeRow(draft, 'violation_events', key);
    cutWithLast(draft, event);
    cut += 1;
  }
  return false;
}

/** Takes the row of the violation away when this is the last event that names it. */
function cutWithLast(draft: Draft, { violation: then }: ViolationEvent): void {
  const key = sequenceKey(then.sequence);
  const now = draftRow(draft, 'violations', key);
  // Nothing follows the event that ended it, and each escalation has another severity.
  if (now?.state !== then.state || now.severity !== then.severity) return;
  if (now.state === 'OPEN' && now.source === 'DETECTED') return;
  removeRow(draft, 'violations', key);
  if (now.agentUid !== 0) {
    removeRow(draft, 'violations_by_agent', agentViolationKey(now.agentUid, now.sequence));
  }
  recount(draft, now, undefined);
}
