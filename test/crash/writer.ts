import { SpendMode } from '../../src/gen/safeguards/v1/decision_pb.js';
import { randomFrom } from '../support/seed.js';
import { CallFailed, type Connection } from './client.js';
import * as operation from './operations.js';
import type { Hold, Judged, Operation, Spend } from './operations.js';

/** Agents with more money than all writers can spend, in two pools. */
export const RICH: readonly string[] = ['rich-1', 'rich-2', 'rich-3', 'rich-4', 'rich-5', 'rich-6'];
/** An agent that runs out of money: its requests are denied or granted in part. */
export const POOR = 'poor';
/** An agent whose holds last a second and are left to expire. */
export const BRIEF = 'brief';

/** Holds that a writer keeps open at a time. */
const HOLDS_MAX = 5;
const EXTENSIONS_MAX = 10;
const BATCH_ITEMS_MAX = 12;
/** More than any agent has. */
const HOPELESS = '900000000000000000';

/** An operation and how it was answered. */
export interface Acknowledged {
  readonly operation: Operation;
  readonly answer: readonly Judged[];
}

/** What a round left behind. */
export interface Journal {
  readonly acknowledged: Acknowledged[];
  /** Sent, and the process died before they were answered. */
  readonly unknown: { readonly writer: Writer; readonly operation: Operation }[];
}

interface OpenHold extends Hold {
  readonly agentId: string;
}

/** One client that sends one operation after the other, and remembers its open holds. */
export class Writer {
  readonly #name: string;
  readonly #random: () => number;
  readonly #holdSeconds: number;
  readonly #holds = new Map<string, OpenHold>();
  #requests = 0;

  /** `holdSeconds`: how long its holds last, other than those of BRIEF. Extended ones last twice that. */
  constructor(name: string, seed: number, holdSeconds = 3_600) {
    this.#name = name;
    this.#random = randomFrom(seed);
    this.#holdSeconds = holdSeconds;
  }

  /** Sends until a call fails. `acknowledged` is called with every answer. */
  async run(connection: Connection, journal: Journal, acknowledged: () => void): Promise<void> {
    while (await this.once(connection, journal)) acknowledged();
  }

  /** Sends one operation. Resolves with whether it was answered. */
  async once(connection: Connection, journal: Journal): Promise<boolean> {
    const next = this.#next();
    let answer: readonly Judged[];
    try {
      answer = await next.send(connection);
    } catch (error) {
      if (!(error instanceof CallFailed && error.code === 'UNAVAILABLE')) throw error;
      journal.unknown.push({ writer: this, operation: next });
      return false;
    }
    this.learn(answer);
    journal.acknowledged.push({ operation: next, answer });
    return true;
  }

  /** Takes in what an operation of this writer did. */
  learn(answer: readonly Judged[]): void {
    for (const { effect } of answer) {
      if (effect?.hold === undefined || effect.agentId === BRIEF) continue;
      const { hold, agentId } = effect;
      if (hold.held === '0') this.#holds.delete(hold.id);
      else this.#holds.set(hold.id, { ...hold, agentId });
    }
  }

  #next(): Operation {
    const [hold] = this.#holds.values();
    const dice = this.#random();
    if (dice < 0.3) return operation.spend(this.#spend());
    if (dice < 0.35) return this.#batch();
    if (dice < 0.4) return operation.stream(this.#granted());
    if (dice < 0.45) return operation.reserve({ ...this.#strict(), agentId: BRIEF }, 1);
    if (hold === undefined || (dice < 0.65 && this.#holds.size < HOLDS_MAX)) {
      return operation.reserve(this.#strict(), this.#holdSeconds);
    }
    return this.#settle(hold, dice);
  }

  /** Ends, shrinks or prolongs a hold. */
  #settle(hold: OpenHold, dice: number): Operation {
    const of = { requestId: this.#requestId(), agentId: hold.agentId, reservationId: hold.id };
    if (dice < 0.75) return operation.commit(of, { final: true });
    if (dice < 0.82) return operation.commit(of, { final: true, amount: this.#amount(300) });
    // Far less than is held, so that it stays open.
    if (dice < 0.9) return operation.commit(of, { final: false, amount: this.#amount(1) });
    if (dice < 0.95 || hold.extensions === EXTENSIONS_MAX) return operation.release(of);
    return operation.extend(of, 2 * this.#holdSeconds + hold.extensions * 60);
  }

  #spend(): Spend {
    const mode = this.#pick([SpendMode.STRICT, SpendMode.UP_TO, SpendMode.FORCE]);
    const agentId = this.#random() < 0.15 ? POOR : this.#pick(RICH);
    return { requestId: this.#requestId(), agentId, amount: this.#amount(5), mode };
  }

  #strict(): Spend {
    const amount = `${5 + Math.floor(this.#random() * 100)}.5`;
    return { ...this.#spend(), agentId: this.#pick(RICH), amount, mode: SpendMode.STRICT };
  }

  /** Of items that are granted for certain, and now and then one that never is. */
  #batch(): Operation {
    const items = this.#granted();
    if (this.#random() < 0.25) items.push({ ...this.#strict(), amount: HOPELESS });
    return operation.batch(items, this.#random() < 0.5);
  }

  /** Spends of agents that have the money. */
  #granted(): Spend[] {
    const count = 1 + Math.floor(this.#random() * BATCH_ITEMS_MAX);
    return Array.from({ length: count }, () => {
      return { ...this.#spend(), agentId: this.#pick(RICH) };
    });
  }

  /** Above 0, below `limit`, with up to six decimals. */
  #amount(limit: number): string {
    const millionths = 1 + Math.floor(this.#random() * (limit * 1_000_000 - 1));
    return (millionths / 1_000_000).toFixed(6);
  }

  #pick<T>(choices: readonly T[]): T {
    return choices[Math.floor(this.#random() * choices.length)]!;
  }

  #requestId(): string {
    this.#requests += 1;
    return `${this.#name}-${this.#requests}`;
  }
}
