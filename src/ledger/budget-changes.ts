import { storedAmount } from '../domain/amount.js';
import type { Rejection } from '../domain/answer.js';
import { EXTERNAL_FIELDS } from '../domain/budget-change.js';
import { agentNotFound } from '../domain/decide/checks.js';
import type { Entry, EntryKind } from '../domain/entry.js';
import type { Agent } from '../domain/model.js';
import type { PageRequest, TimeRange } from './api.js';
import type { BudgetChangeView } from './metrics-views.js';
import { entriesOf } from './history.js';
import { entriesKeptFrom, type HistoryPage } from './kept.js';
import { collect, type ListSources } from './lists.js';

/** An entry of an agent, and the agent's priority after it. */
interface Ranked {
  readonly entry: Entry;
  readonly priority: number;
}

/**
 * The entries that changed an agent's remaining money in a range, newest first, and where they are
 * asked for those in which a client noted a change of its own.
 */
export function budgetChanges(
  sources: ListSources,
  agentId: string,
  kinds: readonly EntryKind[],
  range: TimeRange,
  page: PageRequest,
): HistoryPage<BudgetChangeView> | Rejection {
  const agent = sources.rows.agentById(agentId);
  if (agent === undefined) return agentNotFound(agentId);
  const found = collect(
    rankedEntries(sources, agent, range, page.after),
    page.size,
    ({ entry, priority }) => `${entry.sequence} ${priorityBefore(entry, agent, priority)}`,
    ({ entry, priority }) => {
      if (entry.time >= range.end) return undefined;
      if (kinds.length > 0 && !kinds.includes(entry.kind)) return undefined;
      if (entry.kind !== 'ANNOTATE') return changeOf(entry, agent, priority);
      return kinds.length === 0 ? undefined : externalChange(entry, agent, priority);
    },
  );
  return { ...found, retainedFrom: entriesKeptFrom(sources.reader, agent, range) };
}

/**
 * An agent's entries with the priority that it had after each. No entry carries that, but one that
 * changed it says what it was before: walking back from the row, whose priority is the newest, it is
 * always known. A page continues after `sequence priority`.
 */
function* rankedEntries(
  { reader }: ListSources,
  agent: Agent,
  range: TimeRange,
  after: string | undefined,
): Generator<Ranked> {
  const [sequence, given] = after?.split(' ') ?? [];
  let priority = given === undefined ? agent.priority : Number(given);
  for (const entry of entriesOf(reader, agent, range, sequence)) {
    yield { entry, priority };
    priority = priorityBefore(entry, agent, priority);
  }
}

function priorityBefore(entry: Entry, agent: Agent, after: number): number {
  const [subject] = entry.accounts;
  if (entry.kind !== 'AGENT_UPDATE' || subject?.uid !== agent.uid) return after;
  const change = entry.changes.find(({ field }) => field === 'priority');
  return change === undefined ? after : Number(change.before);
}

function changeOf(entry: Entry, agent: Agent, priority: number): BudgetChangeView | undefined {
  const account = entry.accounts.find(({ kind, uid }) => kind === 'AGENT' && uid === agent.uid);
  if (account?.remaining === undefined) return undefined;
  let delta = 0n;
  for (const posting of account.postings) {
    if (posting.field === 'allocated') delta += posting.delta;
    if (posting.field === 'spent' || posting.field === 'reserved') delta -= posting.delta;
  }
  if (delta === 0n) return undefined;
  return {
    entry,
    agentId: agent.id,
    before: account.remaining - delta,
    after: account.remaining,
    priority,
    external: false,
    externalTime: undefined,
  };
}

/** What a client noted in an entry of an agent; undefined where the entry notes no change. */
export function externalChange(
  entry: Entry,
  agent: Pick<Agent, 'id'>,
  priority: number,
): BudgetChangeView | undefined {
  const budget = entry.changes.find(({ field }) => field === EXTERNAL_FIELDS.budget);
  if (budget === undefined) return undefined;
  const time = entry.changes.find(({ field }) => field === EXTERNAL_FIELDS.time);
  return {
    entry,
    agentId: agent.id,
    before: storedAmount(budget.before),
    after: storedAmount(budget.after),
    priority,
    external: true,
    externalTime: time && Date.parse(time.after),
  };
}
