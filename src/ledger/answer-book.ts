import type { IdempotencyRecord, IdempotencyScope } from './store.js';

/** What a request was answered. */
export interface Answered {
  readonly scope: IdempotencyScope;
  readonly record: IdempotencyRecord;
}

/**
 * Answers that are not durable yet, to find a repeated request. By request_id alone, which nearly always
 * says it all: a key of the whole scope took 2 % of a spend's time.
 */
export class AnswerBook {
  readonly #byId = new Map<string, Answered>();
  /** Those whose request_id another scope had first, by their whole scope. */
  readonly #others = new Map<string, Answered>();

  get(scope: IdempotencyScope): IdempotencyRecord | undefined {
    const first = this.#byId.get(scope.requestId);
    if (first !== undefined && isSame(first.scope, scope)) return first.record;
    return this.#others.size === 0 ? undefined : this.#others.get(keyOf(scope))?.record;
  }

  /** Notes an answer. No scope is answered twice. */
  add(answered: Answered): void {
    const { scope } = answered;
    if (this.#byId.has(scope.requestId)) this.#others.set(keyOf(scope), answered);
    else this.#byId.set(scope.requestId, answered);
  }

  *all(): Generator<Answered> {
    yield* this.#byId.values();
    yield* this.#others.values();
  }
}

function isSame(a: IdempotencyScope, b: IdempotencyScope): boolean {
  return a.uid === b.uid && a.method === b.method;
}

function keyOf({ uid, method, requestId }: IdempotencyScope): string {
  return `${uid} ${method} ${requestId}`;
}
