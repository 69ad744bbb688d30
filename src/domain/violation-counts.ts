import { draftRow, putRow, removeRow, type Draft } from './draft.js';
import type { Uid } from './model.js';
import {
  sequenceKey,
  SEVERITIES,
  VIOLATION_TYPES,
  type Severity,
  type Violation,
  type ViolationType,
} from './violation.js';

/** How many violations of one type and severity are kept. */
export interface ViolationCount {
  readonly type: ViolationType;
  /** As they are now. */
  readonly severity: Severity;
  readonly total: number;
  /** The OPEN ones among them. */
  readonly open: number;
}

/** How many violations are kept, by type and then severity; those that are 0 are left out. */
export interface ViolationCounts {
  readonly counts: readonly ViolationCount[];
}

/** The key of an agent's counts; uid 0 has those of all violations, whether of an agent or not. */
export function countsKey(uid: Uid): string {
  return sequenceKey(uid);
}

/**
 * Follows a violation's row with the counts: `before` and `after` are the row, undefined where there
 * is none. Written with the row, so that the counts are exact at any time and never scanned for.
 */
export function recount(
  draft: Draft,
  before: Violation | undefined,
  after: Violation | undefined,
): void {
  const agentUid = (after ?? before)?.agentUid ?? 0;
  for (const uid of new Set([0, agentUid])) {
    const key = countsKey(uid);
    let counts = draftRow(draft, 'violation_stats', key)?.counts ?? [];
    if (before !== undefined) counts = added(counts, before, -1);
    if (after !== undefined) counts = added(counts, after, 1);
    if (counts.length === 0) removeRow(draft, 'violation_stats', key);
    else putRow(draft, 'violation_stats', key, { counts });
  }
}

function added(
  counts: readonly ViolationCount[],
  { type, severity, state }: Violation,
  by: 1 | -1,
): readonly ViolationCount[] {
  const open = state === 'OPEN' ? by : 0;
  const same = (count: ViolationCount): boolean =>
    count.type === type && count.severity === severity;
  const old = counts.find(same) ?? { type, severity, total: 0, open: 0 };
  const count = { type, severity, total: old.total + by, open: old.open + open };
  const others = counts.filter((other) => !same(other));
  return count.total === 0 ? others : [...others, count].sort((a, b) => rank(a) - rank(b));
}

function rank({ type, severity }: ViolationCount): number {
  return VIOLATION_TYPES[type] * 10 + SEVERITIES[severity];
}
