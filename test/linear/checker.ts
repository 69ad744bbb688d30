/**
 * Whether a history of concurrent operations is linearizable: whether there is one order of them that
 * respects what was over before something else began, and in which every answer is what a machine
 * that does one thing at a time would have given (Wing and Gong's search, with Lowe's memory of what
 * has been tried).
 */

/** One operation as its client saw it. Times are of one clock. */
export interface Operation<I, O> {
  readonly input: I;
  /** When it was sent. */
  readonly invoked: number;
  /** When it was answered; of one that was not, when nobody could carry it out any more. */
  readonly over: number;
  /** Undefined when no answer came: it was carried out once between `invoked` and `over`, or never. */
  readonly output: O | undefined;
}

/** A machine that does one thing at a time. States are never changed. */
export interface Machine<S, I, O> {
  readonly initial: S;
  /**
   * The state after an operation; undefined when its answer is not the one that the machine gives.
   * An operation without an answer has always a state after it.
   */
  step(state: S, operation: Operation<I, O>): S | undefined;
  /**
   * Tells apart the states that one set of operations may lead to. Whatever the answers of the set
   * tell need not be in it.
   */
  key(state: S): string;
}

/** What the search found. */
export interface Verdict {
  readonly linearizable: boolean;
  /** An order of the operations, or the longest beginning of one, as indexes into the history. */
  readonly order: readonly number[];
  /** States that were looked at. */
  readonly states: number;
}

/** A search that looked at more states than this says nothing, and fails. */
const STATES_MAX = 2_000_000;

interface Frame<S> {
  readonly state: S;
  /** The operation that led here; -1 at the beginning. */
  readonly via: number;
  /** The operations to try next, from the last to the first. */
  readonly next: number[];
  /** When the latest of the operations so far was sent. */
  readonly latest: number;
}

/** Searches for an order. Throws when there are too many to try. */
export function linearize<S, I, O>(
  machine: Machine<S, I, O>,
  history: readonly Operation<I, O>[],
): Verdict {
  const order = history.map((_, at) => at).sort((a, b) => at(a).invoked - at(b).invoked);
  const done = new Set<number>();
  const tried = new Set<string>();
  const placeOf = new Map(order.map((index, place) => [index, place]));
  let longest: readonly number[] = [];
  /** Everything before this place is done. */
  let first = 0;

  function at(index: number): Operation<I, O> {
    return history[index]!;
  }

  /** What may come next: nothing that is not done was over before it was sent. */
  function candidates(latest: number): number[] {
    while (first < order.length && done.has(order[first]!)) first += 1;
    let bound = Infinity;
    const found: number[] = [];
    for (let place = first; place < order.length; place += 1) {
      const index = order[place]!;
      const { invoked, over, output } = at(index);
      if (invoked > bound) break;
      if (done.has(index)) continue;
      if (output !== undefined) bound = Math.min(bound, over);
      // One without an answer that was over before the latest began has not been carried out.
      if (output !== undefined || over >= latest) found.push(index);
    }
    return found.filter((index) => at(index).invoked <= bound).reverse();
  }

  const certain = history.filter(({ output }) => output !== undefined).length;
  let certainDone = 0;
  const root = machine.initial;
  const frames: Frame<S>[] = [
    { state: root, via: -1, next: candidates(-Infinity), latest: -Infinity },
  ];
  for (;;) {
    const frame = frames.at(-1);
    if (frame === undefined) return { linearizable: false, order: longest, states: tried.size };
    if (certainDone === certain) {
      const found = frames.slice(1).map(({ via }) => via);
      return { linearizable: true, order: found, states: tried.size };
    }
    const index = frame.next.pop();
    if (index === undefined) {
      frames.pop();
      if (frame.via >= 0) forget(frame.via);
      continue;
    }
    const operation = at(index);
    const state = machine.step(frame.state, operation);
    if (state === undefined) continue;
    done.add(index);
    if (operation.output !== undefined) certainDone += 1;
    const latest = Math.max(frame.latest, operation.invoked);
    const next = candidates(latest);
    const key = `${first} ${beyond()} ${latest} ${machine.key(state)}`;
    if (tried.has(key)) {
      forget(index);
      continue;
    }
    tried.add(key);
    if (tried.size > STATES_MAX) throw new Error(`${STATES_MAX} states did not settle it`);
    frames.push({ state, via: index, next, latest });
    if (frames.length - 1 > longest.length) longest = frames.slice(1).map(({ via }) => via);
  }

  function forget(index: number): void {
    done.delete(index);
    first = Math.min(first, placeOf.get(index)!);
    if (at(index).output !== undefined) certainDone -= 1;
  }

  /** What is done although something sent before it is not, as text. */
  function beyond(): string {
    const found: number[] = [];
    let rest = done.size - first;
    for (let place = first; place < order.length && rest > 0; place += 1) {
      const index = order[place]!;
      if (!done.has(index)) continue;
      found.push(index);
      rest -= 1;
    }
    return found.join();
  }
}
