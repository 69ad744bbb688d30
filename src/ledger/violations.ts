import type { Rejection } from '../domain/answer.js';
import { agentNotFound } from '../domain/decide/checks.js';
import type { Uid } from '../domain/model.js';
import { countsKey, type ViolationCount } from '../domain/violation-counts.js';
import {
  agentViolationKey,
  episodeKey,
  sequenceKey,
  SEVERITIES,
  type Severity,
  type Violation,
  type ViolationState,
  type ViolationType,
} from '../domain/violation.js';
import type { AgentScope, Page, PageRequest, TimeRange } from './api.js';
import { collect, type ListSources } from './lists.js';
import type { StoreReader } from './store.js';

/** Which violations are listed. */
export interface ViolationFilter {
  /** Empty: any, those of no agent too. */
  readonly agentId: string;
  /** Empty: any, those of no pool too. */
  readonly poolId: string;
  readonly type: ViolationType | undefined;
  readonly minSeverity: Severity;
  readonly state: ViolationState | undefined;
  /** When it was opened. */
  readonly range: TimeRange;
  /** Undefined: those of every agent, and of none. */
  readonly admits?: AgentScope | undefined;
}

/** A violation by its number, with the denials of its episode that are written. */
export function violationOf(reader: StoreReader, sequence: number): Violation | undefined {
  const row = reader.row('violations', sequenceKey(sequence));
  return row && counted(reader, row);
}

/** Violations, newest first. Rejects with AGENT_NOT_FOUND. */
export function listViolations(
  { reader, rows }: ListSources,
  filter: ViolationFilter,
  page: PageRequest,
): Page<Violation> | Rejection {
  const agent = filter.agentId === '' ? undefined : rows.agentById(filter.agentId);
  if (filter.agentId !== '' && agent === undefined) return agentNotFound(filter.agentId);
  const after = page.after === undefined ? undefined : Number(page.after);
  const found =
    agent === undefined ? allFrom(reader, after) : ofAgentFrom(reader, agent.uid, after);
  const inTime = until(found, ({ createTime }) => createTime < filter.range.start);
  const view = (row: Violation): Violation | undefined =>
    matches(filter, row) ? counted(reader, row) : undefined;
  return collect(inTime, page.size, ({ sequence }) => String(sequence), view);
}

/** The counts of the violations that are kept, of one agent or of all. Rejects with AGENT_NOT_FOUND. */
export function violationCounts(
  { reader, rows }: ListSources,
  agentId: string,
): readonly ViolationCount[] | Rejection {
  const agent = agentId === '' ? undefined : rows.agentById(agentId);
  if (agentId !== '' && agent === undefined) return agentNotFound(agentId);
  return reader.row('violation_stats', countsKey(agent?.uid ?? 0))?.counts ?? [];
}

/** An open violation with the count of its episode, which its own row gets when that is over. */
function counted(reader: StoreReader, row: Violation): Violation {
  if (row.state !== 'OPEN' || row.source === 'REPORTED') return row;
  const episode = reader.row('episodes', episodeKey(row.rule, row.agentUid));
  return episode?.violation === row.sequence ? { ...row, count: episode.count } : row;
}

function* allFrom(reader: StoreReader, after: number | undefined): Generator<Violation> {
  const range = after === undefined ? {} : { after: sequenceKey(after) };
  for (const [, row] of reader.rows('violations', { ...range, reverse: true })) yield row;
}

function* ofAgentFrom(
  reader: StoreReader,
  uid: Uid,
  after: number | undefined,
): Generator<Violation> {
  const prefix = `${sequenceKey(uid)}/`;
  const range = after === undefined ? {} : { after: agentViolationKey(uid, after) };
  const numbers = reader.rows('violations_by_agent', { prefix, ...range, reverse: true });
  for (const [, { sequence }] of numbers) {
    const row = reader.row('violations', sequenceKey(sequence));
    if (row !== undefined) yield row;
  }
}

/** Rows up to the first that is past the range: numbers are in order of time. */
function* until(
  rows: Iterable<Violation>,
  isPast: (row: Violation) => boolean,
): Generator<Violation> {
  for (const row of rows) {
    if (isPast(row)) return;
    yield row;
  }
}

function matches(filter: ViolationFilter, row: Violation): boolean {
  const { poolId, type, minSeverity, state, range, admits } = filter;
  return (
    admits?.(row.agentId) !== false &&
    (poolId === '' || row.poolId === poolId) &&
    (type === undefined || row.type === type) &&
    (state === undefined || row.state === state) &&
    SEVERITIES[row.severity] >= SEVERITIES[minSeverity] &&
    row.createTime < range.end
  );
}
