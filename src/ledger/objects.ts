import type { CollectionName, Collections } from '../domain/collection.js';
import { countedBy } from '../domain/decide/limit-checks.js';
import { counterIn } from '../domain/counter.js';
import { countsKey, type SpendingLimit } from '../domain/limit.js';
import type { Uid } from '../domain/model.js';
import type { Scope } from '../domain/scope.js';
import { calendarSpan, countsSince } from '../domain/window.js';
import type { LimitStatusView, Page, PageRequest } from './api.js';
import { collect, type ListSources } from './lists.js';

/** Rows of a collection by key, those that `keep` wants. */
export function listObjects<C extends CollectionName>(
  sources: ListSources,
  collection: C,
  keep: (row: Collections[C]) => boolean,
  page: PageRequest,
): Page<Collections[C]> {
  const range = page.after === undefined ? {} : { after: page.after };
  return collect(
    sources.reader.rows(collection, range),
    page.size,
    ([key]) => key,
    ([, row]) => (keep(row) ? row : undefined),
  );
}

/** The id of whom a rule is for; empty for every agent. */
export function scopeId({ rows, reader }: ListSources, { kind, uid }: Scope): string {
  switch (kind) {
    case 'AGENT':
      return rows.agent(uid)?.id ?? '';
    case 'POOL':
    case 'EACH_AGENT_OF_POOL':
      return rows.pool(uid)?.id ?? '';
    case 'EVERY_AGENT':
      return '';
    case 'LIMIT': {
      for (const [id, limit] of reader.rows('limits', {})) if (limit.uid === uid) return id;
      return '';
    }
  }
}

/** How a limit stands for an agent, or for the pool of its scope. */
export function limitStatus(
  { reader, now }: ListSources,
  limit: SpendingLimit,
  agentUid: Uid,
): LimitStatusView {
  const { window } = limit;
  const time = now();
  const counts = reader.row('limit_counts', countsKey(limit, agentUid));
  const calendar = window.kind === 'CALENDAR' ? calendarSpan(window, time) : undefined;
  const rolling = window.kind === 'ROLLING' ? countsSince(window, time) : undefined;
  return {
    counted: countedBy(limit, counterIn(counts, limit.uid), time),
    windowStart: calendar?.start ?? rolling,
    windowEnd: calendar?.end,
  };
}
