import { rejectFields } from '../domain/answer.js';
import type { Answer } from '../domain/answer.js';
import type { LedgerApi } from '../ledger/api.js';
import type { RpcCaller } from './access/confined.js';
import { ownItem } from './access/own-item.js';
import type {
  SpendStreamRequest,
  SpendStreamResponse,
} from '../gen/safeguards/v1/budget_service_pb.js';
import { decodeItem } from './decode/spend.js';
import { encodeResult } from './encode/spend.js';
import type { RpcLimits } from './limits.js';
import type { BidiHandler, BidiStream } from './method.js';
import { isFailure, rejectShutdown } from './status.js';

/** An item that was read: its answer comes later, and leaves after those before it. */
interface Slot {
  readonly requestId: string;
  answer: Answer | undefined;
}

/**
 * SpendStream: every item is judged as it comes, answers leave in the order of the items. The
 * stream is not read while `streamItemsInWorkMax` items wait for their answer or to be sent.
 */
export function spendStream(
  ledger: LedgerApi,
  limits: RpcLimits,
): BidiHandler<SpendStreamRequest, SpendStreamResponse> {
  return (stream, caller) => new SpendStream(ledger, limits, stream, caller).start();
}

class SpendStream {
  readonly #ledger: LedgerApi;
  readonly #limits: RpcLimits;
  readonly #stream: BidiStream<SpendStreamRequest, SpendStreamResponse>;
  readonly #caller: RpcCaller;
  /** The items in work, in order. */
  readonly #slots: Slot[] = [];
  #paused = false;
  /** The peer does not read: nothing is sent until it has. */
  #full = false;
  /** No more items are taken: the stream ends when nothing is in work. */
  #ending: 'no' | 'ended' | 'closing' = 'no';
  #over = false;

  constructor(
    ledger: LedgerApi,
    limits: RpcLimits,
    stream: BidiStream<SpendStreamRequest, SpendStreamResponse>,
    caller: RpcCaller,
  ) {
    this.#ledger = ledger;
    this.#limits = limits;
    this.#stream = stream;
    this.#caller = caller;
  }

  start(): void {
    this.#stream.listen({
      message: (request) => this.#take(request),
      end: () => this.#endAfterWork('ended'),
      closing: () => this.#endAfterWork('closing'),
      drained: () => {
        this.#full = false;
        this.#flush();
      },
      gone: () => {
        this.#over = true;
      },
    });
  }

  #take({ item }: SpendStreamRequest): void {
    if (this.#ending !== 'no') return;
    const slot: Slot = { requestId: item?.requestId ?? '', answer: undefined };
    this.#slots.push(slot);
    if (this.#slots.length >= this.#limits.streamItemsInWorkMax) {
      this.#paused = true;
      this.#stream.pause();
    }
    const command =
      item === undefined
        ? rejectFields([{ field: 'item', description: 'Give the item' }])
        : ownItem(item, decodeItem(item, 'item.', this.#limits), this.#caller.confined);
    if (isFailure(command)) {
      this.#settle(slot, command);
      return;
    }
    this.#ledger.execute(command, this.#caller).then(
      (answer) => this.#settle(slot, answer),
      (cause: unknown) => this.#fail(cause),
    );
  }

  #settle(slot: Slot, answer: Answer): void {
    slot.answer = answer;
    if (slot === this.#slots[0]) this.#flush();
  }

  #flush(): void {
    let sent = 0;
    while (!this.#over && !this.#full) {
      const slot = this.#slots[sent];
      if (slot?.answer === undefined) break;
      sent += 1;
      this.#full = !this.#stream.write({
        $typeName: 'safeguards.v1.SpendStreamResponse',
        result: encodeResult(slot.requestId, slot.answer),
      });
    }
    this.#slots.splice(0, sent);
    if (this.#over) return;
    if (this.#ending !== 'no') {
      this.#endAfterWork(this.#ending);
    } else if (this.#paused && this.#slots.length < this.#limits.streamItemsInWorkMax) {
      this.#paused = false;
      this.#stream.resume();
    }
  }

  #endAfterWork(how: 'ended' | 'closing'): void {
    // The first reason stays: after `closing` items are dropped, which an OK would not tell.
    if (this.#ending === 'no') this.#ending = how;
    if (this.#over || this.#slots.length > 0) return;
    this.#over = true;
    this.#stream.end(this.#ending === 'closing' ? rejectShutdown() : undefined);
  }

  #fail(cause: unknown): void {
    if (this.#over) return;
    this.#over = true;
    this.#stream.fail(cause);
  }
}
