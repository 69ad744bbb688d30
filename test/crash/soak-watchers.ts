import { BudgetService } from '../../src/gen/safeguards/v1/budget_service_pb.js';
import { ViolationService } from '../../src/gen/safeguards/v1/violation_service_pb.js';
import { Connection } from './client.js';
import type { Serving } from './process.js';

const { watchViolations } = ViolationService.method;
const { watchBudgets } = BudgetService.method;

/** How a stream ends when its sidecar stops or is killed. */
const GONE = /UNAVAILABLE|ECONNRE|INTERNAL.*RST_STREAM|CANCELLED/;

/** Clients that watch one sidecar after the other: two that read, and one that never does. */
export class Watchers {
  /** The event of a violation that was seen last. */
  cursor = 0;
  /** What an agent had spent as it was last heard of. */
  readonly spent = new Map<string, string>();
  /** What was not as it must be. */
  readonly wrong: string[] = [];
  readonly #agentIds: readonly string[];
  #connections: readonly Connection[] = [];
  #reading: Promise<unknown> = Promise.resolve();

  constructor(agentIds: readonly string[]) {
    this.#agentIds = agentIds;
  }

  /** Begins to watch. */
  async watch(sidecar: Serving): Promise<void> {
    const [violations, budgets, idle] = [1, 2, 3].map(() => new Connection(sidecar.agent));
    this.#connections = [violations!, budgets!, idle!];
    // The first message is asked for, and nothing after it.
    await idle!.stream(watchViolations, { oldest: true }).next();
    this.#reading = Promise.all([
      this.#untilGone(() => this.#readViolations(violations!)),
      this.#untilGone(() => this.#readBudgets(budgets!)),
    ]);
  }

  /** Resolves when the streams of a sidecar that is gone have ended. */
  async left(): Promise<void> {
    await this.#reading;
    for (const connection of this.#connections) connection.close();
  }

  async #untilGone(read: () => Promise<void>): Promise<void> {
    try {
      await read();
    } catch (error) {
      if (!GONE.test(String(error))) this.wrong.push(String(error));
    }
  }

  async #readViolations(connection: Connection): Promise<void> {
    const from = { afterSequence: BigInt(this.cursor) };
    for await (const { message } of connection.stream(watchViolations, from)) {
      if (message.case !== 'event') continue;
      const sequence = Number(message.value.sequence);
      if (sequence !== this.cursor + 1) {
        this.wrong.push(`violation event ${sequence} follows ${this.cursor}`);
      }
      this.cursor = sequence;
    }
  }

  async #readBudgets(connection: Connection): Promise<void> {
    const agentIds = [...this.#agentIds];
    for await (const { event } of connection.stream(watchBudgets, { agentIds })) {
      if (event.case === 'budget') this.spent.set(event.value.agentId, event.value.spent);
    }
  }
}
