import { BudgetService } from '../../src/gen/safeguards/v1/budget_service_pb.js';
import { CallFailed, type Connection } from './client.js';

/** Spends 0.01 again and again, and takes the time. */
export class Prober {
  readonly #agentId: string;
  #spends = 0;
  #ms: number[] = [];

  constructor(agentId: string) {
    this.#agentId = agentId;
  }

  /** Spends that were answered, in hundredths. */
  get spends(): number {
    return this.#spends;
  }

  /** Resolves with whether it was answered; if not, the next one sends the same request. */
  async once(connection: Connection): Promise<boolean> {
    const { spend } = BudgetService.method;
    const requestId = `${this.#agentId}-${this.#spends}`;
    const began = performance.now();
    try {
      await connection.call(spend, { requestId, agentId: this.#agentId, amount: '0.01' });
    } catch (error) {
      if (!(error instanceof CallFailed && error.code === 'UNAVAILABLE')) throw error;
      return false;
    }
    this.#ms.push(performance.now() - began);
    this.#spends += 1;
    return true;
  }

  /** The milliseconds of the spends since it was last asked. */
  taken(): readonly number[] {
    const ms = this.#ms;
    this.#ms = [];
    return ms;
  }
}
