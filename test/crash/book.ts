import { createHash } from 'node:crypto';
import { fromBinary } from '@bufbuild/protobuf';
import type { ExportLedgerResponse } from '../../src/gen/safeguards/v1/metrics_service_pb.js';
import { EntryRecordSchema } from '../../src/gen/safeguards/store/v1/records_pb.js';
import { money } from '../support/seed.js';
import type { Effect } from './operations.js';

/** What a hold's newest answer left held. */
interface Held {
  readonly agentId: string;
  readonly sequence: bigint;
  readonly held: bigint;
}

/** Everything that the clients know was carried out, kept over all rounds. */
export class Book {
  readonly effects = new Map<string, Effect>();
  readonly #spent = new Map<string, bigint>();
  readonly #holds = new Map<string, Held>();

  /** Counts an effect that was not known yet. */
  add(effect: Effect): void {
    const { requestId, agentId, sequence, hold } = effect;
    if (this.effects.has(requestId)) throw new Error(`${requestId} is known already`);
    this.effects.set(requestId, effect);
    this.#spent.set(agentId, this.spent(agentId) + money(effect.spent));
    if (hold === undefined) return;
    const known = this.#holds.get(hold.id);
    // Answers of one hold may come in another order than they were decided in.
    if (known !== undefined && known.sequence > sequence) return;
    this.#holds.set(hold.id, { agentId, sequence, held: money(hold.held) });
  }

  spent(agentId: string): bigint {
    return this.#spent.get(agentId) ?? 0n;
  }

  /** What each open hold of an agent holds. */
  holds(agentId: string): ReadonlyMap<string, bigint> {
    const own = [...this.#holds].filter(([, hold]) => hold.agentId === agentId && hold.held > 0n);
    return new Map(own.map(([id, { held }]) => [id, held]));
  }
}

/** Bytes of the frame's version and check value, in front of the message. */
const FRAME_BYTES = 5;

/** Follows the exported ledger from its first entry, with nothing but SHA-256. */
export class Chain {
  sequence = 0n;
  hash: Buffer = Buffer.alloc(32);
  /** The entry that each request_id wrote. */
  readonly requests = new Map<string, bigint>();

  /** Takes the next entry. Throws when it is not the one that must follow. */
  follow({ entry, record, hash }: ExportLedgerResponse): void {
    if (entry?.sequence !== this.sequence + 1n) {
      throw new Error(`entry ${entry?.sequence ?? 'none'} follows ${this.sequence}`);
    }
    const stored = fromBinary(EntryRecordSchema, record.subarray(FRAME_BYTES));
    if (stored.sequence !== entry.sequence || !this.hash.equals(stored.previousHash)) {
      throw new Error(`entry ${entry.sequence} is chained to another`);
    }
    this.hash = createHash('sha256').update(this.hash).update(record).digest();
    if (!this.hash.equals(hash)) throw new Error(`entry ${entry.sequence} has another hash`);
    this.sequence = entry.sequence;
    const { requestId } = stored;
    if (requestId === '') return;
    if (this.requests.has(requestId)) throw new Error(`${requestId} was applied twice`);
    this.requests.set(requestId, entry.sequence);
  }
}
