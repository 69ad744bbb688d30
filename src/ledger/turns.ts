/** How much of a turn of the event loop a piece of work takes. */
export type Weight = 'LIGHT' | 'HEAVY';

/** Spreads work of many over turns of the event loop, first come, first served. */
export interface Turns {
  /** Settles when it is the caller's turn. */
  take(weight: Weight): Promise<void>;
  /** Calls back when its turn, a light one, has come. */
  queue(begin: () => void): void;
}

/** Pieces of light work that share a turn: 8 of some 16 messages keep it to a few milliseconds. */
const TURN_MAX = 8;

/** Compact the queue when so many of it are done. */
const DONE_MAX = 1_024;

interface Piece {
  readonly weight: Weight;
  readonly begin: () => void;
}

/** Makes turns that nobody waits for yet. A turn of the event loop takes one piece of heavy work. */
export function makeTurns(): Turns {
  let pieces: Piece[] = [];
  let next = 0;
  let scheduled = false;

  function schedule(): void {
    if (scheduled) return;
    scheduled = true;
    setImmediate(release);
  }

  function release(): void {
    scheduled = false;
    for (let room = TURN_MAX; room > 0;) {
      const piece = pieces[next];
      if (piece === undefined) break;
      next += 1;
      room -= piece.weight === 'HEAVY' ? TURN_MAX : 1;
      piece.begin();
    }
    if (next === pieces.length) {
      pieces = [];
      next = 0;
      return;
    }
    if (next > DONE_MAX) {
      pieces = pieces.slice(next);
      next = 0;
    }
    schedule();
  }

  function add(piece: Piece): void {
    pieces.push(piece);
    schedule();
  }

  return {
    take: (weight) =>
      new Promise((resolve) => {
        add({ weight, begin: resolve });
      }),
    queue: (begin) => add({ weight: 'LIGHT', begin }),
  };
}
