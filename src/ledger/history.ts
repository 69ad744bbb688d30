import type { Rejection } from '../domain/answer.js';
import { agentNotFound } from '../domain/decide/checks.js';
import type { Entry } from '../domain/entry.js';
import type { Agent, Uid } from '../domain/model.js';
import {
  addToRow,
  dayOfHour,
  firstDayOfMonth,
  hourOf,
  monthOfDay,
  sumRow,
  type UsageCell,
} from '../domain/usage.js';
import type { PageRequest, TimeRange } from './api.js';
import type { UsageBucketView } from './metrics-views.js';
import { collect, type ListSources } from './lists.js';
import { bucketsKeptFrom, entriesKeptFrom, type HistoryPage } from './kept.js';
import type { StoreReader } from './store.js';

const HOUR_MS = 3_600_000;
const STEP_MS = { MINUTE: 60_000, HOUR: HOUR_MS, DAY: 24 * HOUR_MS } as const;

/** An agent's spends and commits in a range, newest first. */
export function usageEntries(
  sources: ListSources,
  agentId: string,
  range: TimeRange,
  page: PageRequest,
): HistoryPage<Entry> | Rejection {
  const agent = sources.rows.agentById(agentId);
  if (agent === undefined) return agentNotFound(agentId);
  const found = collect(
    entriesOf(sources.reader, agent, range, page.after),
    page.size,
    (entry) => String(entry.sequence),
    (entry) =>
      entry.time < range.end && (entry.kind === 'SPEND' || entry.kind === 'COMMIT')
        ? entry
        : undefined,
  );
  return { ...found, retainedFrom: entriesKeptFrom(sources.reader, agent, range) };
}

/**
 * An agent's entries from the beginning of a range on, newest first, those after its end too, so that
 * a page counts every one it looks at. Each names the one before it that touched the agent, so
 * that no index has to be written with a spend.
 */
export function* entriesOf(
  reader: StoreReader,
  agent: Agent,
  range: TimeRange,
  after: string | undefined,
): Generator<Entry> {
  let sequence =
    after === undefined ? agent.lastSequence : previousOf(reader, Number(after), agent.uid);
  while (sequence > 0) {
    const entry = reader.entry(sequence)?.entry;
    if (entry === undefined || entry.time < range.start) return;
    yield entry;
    sequence = previousIn(entry, agent.uid);
  }
}

function previousOf(reader: StoreReader, sequence: number, uid: Uid): number {
  const entry = reader.entry(sequence)?.entry;
  return entry === undefined ? 0 : previousIn(entry, uid);
}

function previousIn(entry: Entry, uid: Uid): number {
  const account = entry.accounts.find((each) => each.kind === 'AGENT' && each.uid === uid);
  return account?.previousSequence ?? 0;
}

/** An agent's usage summed per minute, hour or UTC day, oldest first; empty buckets are left out. */
export function usageBuckets(
  sources: ListSources,
  agentId: string,
  granularity: 'MINUTE' | 'HOUR' | 'DAY',
  range: TimeRange,
  page: PageRequest,
): HistoryPage<UsageBucketView> | Rejection {
  const uid = sources.rows.agentById(agentId)?.uid;
  // From the same snapshot as the rows: which hour is not folded yet must not be of another moment.
  const agent = uid === undefined ? undefined : sources.reader.agent(uid);
  if (agent === undefined) return agentNotFound(agentId);
  const step = STEP_MS[granularity];
  // The bucket that a moment lies in counts wholly.
  const first = Math.floor(range.start / step) * step;
  const start = page.after === undefined ? first : Math.max(first, Number(page.after) + step);
  const retainedFrom = bucketsKeptFrom(sources.reader, granularity, agent, range);
  // Nobody used anything before being created or after the newest row.
  const bounded = {
    start: Math.max(start, Math.floor(agent.createTime / step) * step, retainedFrom ?? 0),
    end: Math.min(range.end, (agent.usageHour + 1) * HOUR_MS),
  };
  const items: UsageBucketView[] = [];
  for (const bucket of bucketsOf(sources.reader, agent, granularity, bounded)) {
    if (items.length === page.size) {
      return { items, last: String(items.at(-1)?.start), retainedFrom };
    }
    items.push(bucket);
  }
  return { items, last: undefined, retainedFrom };
}

function* bucketsOf(
  reader: StoreReader,
  agent: Agent,
  granularity: 'MINUTE' | 'HOUR' | 'DAY',
  range: TimeRange,
): Generator<UsageBucketView> {
  if (range.start >= range.end) return;
  const step = STEP_MS[granularity];
  for (const [rowStart, cells] of rowsOf(reader, agent, granularity, range)) {
    for (const cell of [...cells].sort((a, b) => a.index - b.index)) {
      const start = rowStart + cell.index * step;
      if (start < range.start || start >= range.end) continue;
      const { amount, entries, requests, refunded, quantities } = cell;
      yield { start, amount, entries, requests, refunded, quantities };
    }
  }
}

/** The packed rows of a range with the moment each begins at. What is not folded yet is added. */
function* rowsOf(
  reader: StoreReader,
  agent: Agent,
  granularity: 'MINUTE' | 'HOUR' | 'DAY',
  range: TimeRange,
): Generator<readonly [start: number, cells: readonly UsageCell[]]> {
  const firstHour = hourOf(range.start);
  const lastHour = hourOf(range.end - 1);
  if (granularity === 'MINUTE') {
    for (let hour = firstHour; hour <= lastHour; hour += 1) {
      yield [hour * HOUR_MS, minutesOf(reader, agent, hour)];
    }
    return;
  }
  if (granularity === 'HOUR') {
    for (let day = dayOfHour(firstHour); day <= dayOfHour(lastHour); day += 1) {
      yield [day * 24 * HOUR_MS, hoursOfDay(reader, agent, day)];
    }
    return;
  }
  const { month: firstMonth } = monthOfDay(dayOfHour(firstHour));
  const { month: lastMonth } = monthOfDay(dayOfHour(lastHour));
  for (let month = firstMonth; month <= lastMonth; month += 1) {
    yield [firstDayOfMonth(month) * 24 * HOUR_MS, daysOfMonth(reader, agent, month)];
  }
}

/** Whose usage rows are read: an account, and the hour in which it was last used, which is not folded yet. */
export interface UsageOwner {
  readonly uid: Uid;
  readonly usageHour: number;
  /** The minutes of that hour. */
  readonly usage: readonly UsageCell[];
}

/** The minutes of an hour since 1970. In a store of format 1 those of the last hour begin in a row. */
export function minutesOf(
  reader: Pick<StoreReader, 'usage'>,
  owner: UsageOwner,
  hour: number,
): readonly UsageCell[] {
  const row = reader.usage('MINUTE', hour, owner.uid);
  return hour === owner.usageHour ? owner.usage.reduce(addToRow, row) : row;
}

/** The hours of a day since 1970, the one that is not folded yet among them. */
export function hoursOfDay(
  reader: Pick<StoreReader, 'usage'>,
  owner: UsageOwner,
  day: number,
): readonly UsageCell[] {
  const row = reader.usage('HOUR', day, owner.uid);
  const open = owner.usageHour;
  if (dayOfHour(open) !== day) return row;
  return addToRow(row, sumRow(minutesOf(reader, owner, open), open % 24));
}

/** The days of a month since 1970, the one that is not folded yet among them. */
export function daysOfMonth(
  reader: Pick<StoreReader, 'usage'>,
  owner: UsageOwner,
  month: number,
): readonly UsageCell[] {
  const row = reader.usage('DAY', month, owner.uid);
  const open = dayOfHour(owner.usageHour);
  const { month: openMonth, index } = monthOfDay(open);
  if (openMonth !== month) return row;
  return addToRow(row, sumRow(hoursOfDay(reader, owner, open), index));
}
