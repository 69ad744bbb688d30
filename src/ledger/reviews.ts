import { reject, type Answer, type Rejection } from '../domain/answer.js';
import type { Command } from '../domain/command.js';
import {
  DEFAULT_THRESHOLDS,
  type Review,
  type ReviewOrder,
  type ReviewRequest,
  type ReviewTrigger,
  type RunReviewCommand,
} from '../domain/review.js';
import { sequenceKey } from '../domain/violation.js';
import type { Caller, Page, PageRequest } from './api.js';
import type { MadeReview, ReviewView } from './metrics-views.js';
import { collect } from './lists.js';
import { scan, type ScanSources } from './review-scan.js';
import type { StoreReader } from './store.js';

/** What reviews work with. */
export interface ReviewOptions extends ScanSources {
  /** Decides a command in the next group. */
  readonly execute: (command: Command, caller: Caller) => Promise<Answer>;
  /** The stored answer of a command that was carried out before. */
  readonly replay: (command: Command, caller: Caller) => Promise<Answer | undefined>;
}

/** Makes reviews, one after the other, and reads those that were made. */
export interface Reviews {
  run(
    request: ReviewRequest,
    trigger: ReviewTrigger,
    caller: Caller,
  ): Promise<MadeReview | Rejection>;
  /** Makes the reviews that schedules have ordered, one after the other, until no order is left. */
  carryOutOrders(): void;
  /** The same where an order was left, for instance since the queue was full. */
  retryOrders(): void;
  /** Stops the one that runs, lets none begin, and resolves when nothing is read any more. */
  close(): Promise<void>;
}

/** Reviews that may wait for the one that runs. */
const WAITING_MAX = 100;

/** How long a caller should wait when too many are waiting. */
const BUSY_RETRY_MS = 1_000;

/** What a request is decided by before it is known what a scan finds. */
const NOTHING_SCANNED: RunReviewCommand['scanned'] = {
  trigger: 'MANUAL',
  principal: '',
  startTime: 0,
  endTime: 0,
  counts: { agents: 0, pools: 0, found: { POOL_LOW: 0, AGENT_DEPLETED: 0, AGENT_UNDERUSED: 0 } },
  findings: [],
};

/** Begins to take reviews. */
export function startReviews(options: ReviewOptions): Reviews {
  let closing = false;
  let waiting = 0;
  /** Whether orders are being carried out. */
  let ordered = false;
  /** Whether there may be orders. */
  let left = true;
  let newest: Promise<unknown> = Promise.resolve();

  async function review(
    request: ReviewRequest,
    trigger: ReviewTrigger,
    caller: Caller,
  ): Promise<MadeReview | Rejection> {
    const stopped = (): boolean => closing || caller.abandoned?.() === true;
    if (stopped()) return whyStopped(closing);
    const command = { ...request, method: 'RUN_REVIEW', scanned: NOTHING_SCANNED } as const;
    // What was answered before is not scanned for again.
    const earlier = request.requestId === '' ? undefined : await options.replay(command, caller);
    if (earlier !== undefined) return made(options.reader, earlier);

    const scanned = await scan(options, request, stopped);
    if (scanned === undefined) return whyStopped(closing);
    if ('verdict' in scanned) return scanned;
    const found = { ...scanned, trigger, principal: caller.principal };
    return made(options.reader, await options.execute({ ...command, scanned: found }, caller));
  }

  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = newest.then(work);
    newest = turn.catch(() => undefined);
    return turn;
  }

  /** Returns whether the order is done with: what stops it leaves it for the next start. */
  async function carryOut(key: string, order: ReviewOrder): Promise<boolean> {
    if (closing) return false;
    const { poolId, principal, reason } = order;
    const request = { poolId, thresholds: DEFAULT_THRESHOLDS, requestId: '', reason };
    const scanned = await scan(options, request, () => closing);
    if (scanned === undefined) return false;
    // One that cannot be made is taken away by the same command.
    const found = 'verdict' in scanned ? NOTHING_SCANNED : scanned;
    const answer = await options.execute(
      {
        ...request,
        method: 'RUN_REVIEW',
        scanned: { ...found, trigger: 'SCHEDULED', principal, order: key },
      },
      { principal, traceId: '' },
    );
    return answer.verdict !== 'REJECTED';
  }

  async function carryOutAll(): Promise<void> {
    for (;;) {
      const [first] = options.reader.rows('review_orders', {});
      left = first !== undefined;
      if (first === undefined || !(await inTurn(() => carryOut(...first)))) return;
    }
  }

  function carryOutOrders(): void {
    left = true;
    if (ordered || closing) return;
    ordered = true;
    // A fault is told by the writer; the orders are still there.
    void carryOutAll()
      .catch(() => undefined)
      .finally(() => {
        ordered = false;
      });
  }

  return {
    run: (request, trigger, caller) => {
      if (closing) return Promise.resolve(whyStopped(true));
      if (waiting >= WAITING_MAX) return Promise.resolve(tooMany());
      waiting += 1;
      return inTurn(() => review(request, trigger, caller)).finally(() => {
        waiting -= 1;
      });
    },
    carryOutOrders,
    retryOrders: () => {
      if (left) carryOutOrders();
    },
    close: async () => {
      closing = true;
      await newest;
    },
  };
}

function made(reader: StoreReader, answer: Answer): MadeReview | Rejection {
  if (answer.verdict === 'REJECTED') return answer;
  return { outcome: answer, view: viewOf(reader, sequenceKey(answer.sequence)) };
}

/** A review by its id, which is the sequence of its entry. */
export function findReview(reader: StoreReader, id: string): ReviewView | Rejection {
  const sequence = /^[1-9][0-9]{0,15}$/.test(id) ? Number(id) : 0;
  return (
    viewOf(reader, sequenceKey(sequence)) ??
    reject('REVIEW_NOT_FOUND', 'There is no such review. List those that are kept', {
      review_id: id,
    })
  );
}

function viewOf(reader: StoreReader, key: string): ReviewView | undefined {
  const review = reader.row('budget_reviews', key);
  if (review === undefined) return undefined;
  return { review, findings: reader.row('budget_review_findings', key)?.findings ?? [] };
}

/** The reviews that are kept, newest first. A page continues after a key. */
export function listReviews(reader: StoreReader, { after, size }: PageRequest): Page<Review> {
  const range = { reverse: true, ...(after !== undefined && { after }) };
  return collect(
    reader.rows('budget_reviews', range),
    size,
    ([key]) => key,
    ([, review]) => review,
  );
}

function whyStopped(closing: boolean): Rejection {
  if (closing) {
    return reject('SHUTTING_DOWN', 'The sidecar is stopping. Try again with the same request_id');
  }
  return reject('SERVER_BUSY', 'The call was given up before the review was made');
}

function tooMany(): Rejection {
  return {
    ...reject('SERVER_BUSY', 'Too many reviews are waiting. Try again a little later'),
    retryAfterMs: BUSY_RETRY_MS,
  };
}
