import type { LimitCounter, LimitCounts } from '../counter.js';
import { draftRow, putRow, type Draft } from '../draft.js';
import type { Uid } from '../model.js';

const NO_COUNTS: LimitCounts = { limits: [], counters: [] };

/** Finds what limits have counted, quickest where they come account by account in the order of its row. */
export class CounterFinder {
  readonly #rowOf: (key: string) => LimitCounts | undefined;
  protected key = '';
  protected counts = NO_COUNTS;
  /** Where the limit asked for last stands, or -1; of another account it is a guess. */
  protected place = -1;

  constructor(rowOf: (key: string) => LimitCounts | undefined) {
    this.#rowOf = rowOf;
  }

  /** The counter of a limit among those of an account; none when nothing was counted yet. */
  find(key: string, limit: Uid): LimitCounter | undefined {
    if (key !== this.key) {
      this.counts = this.#rowOf(key) ?? NO_COUNTS;
      this.key = key;
    }
    const next = this.place + 1;
    this.place = placeOf(this.counts, limit, next);
    return this.counts.counters[this.place];
  }
}

/** The same in a draft, which may change them. One at a time: it does not see what another one puts. */
export class DraftCounts extends CounterFinder {
  readonly #draft: Draft;
  #own: OwnCounts | undefined;

  constructor(draft: Draft) {
    super((key) => draftRow(draft, 'limit_counts', key));
    this.#draft = draft;
  }

  /** Replaces the counter that was found last, or puts it where there was none. */
  put(limit: Uid, counter: LimitCounter): void {
    if (this.#own === undefined || this.#own !== this.counts) {
      this.#own = ownCounts(this.#draft, this.key);
      this.counts = this.#own;
    }
    const own = this.#own;
    this.place = placeOf(own, limit, this.place);
    if (this.place < 0) this.place = own.limits.push(limit) - 1;
    own.counters[this.place] = counter;
  }
}

/** Counts that a draft may change, since nobody else has seen them. */
interface OwnCounts extends LimitCounts {
  readonly limits: Uid[];
  readonly counters: LimitCounter[];
}

/** Where a limit stands in a row, or -1; `likely` is looked at first. */
function placeOf({ limits }: LimitCounts, limit: Uid, likely: number): number {
  return limits[likely] === limit ? likely : limits.indexOf(limit);
}

/**
 * An account's counts for this draft to change, copied the first time. What limits counted that have been
 * deleted is left out, so that nobody who deletes one has to look for it.
 */
function ownCounts(draft: Draft, key: string): OwnCounts {
  const changed = draft.rows.limit_counts?.get(key);
  if (changed !== undefined) return changed as OwnCounts;
  const own: OwnCounts = { limits: [], counters: [] };
  const { limits, counters } = draft.state.row('limit_counts', key) ?? NO_COUNTS;
  for (const [place, counter] of counters.entries()) {
    const limit = limits[place];
    if (limit === undefined || !draft.state.rules.limitUids.has(limit)) continue;
    own.limits.push(limit);
    own.counters.push(counter);
  }
  putRow(draft, 'limit_counts', key, own);
  return own;
}
