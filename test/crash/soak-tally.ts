import { money } from '../support/seed.js';
import type { Judged } from './operations.js';
import { BRIEF } from './writer.js';

/**
 * What clients know of balances, in memory that does not grow with the run. Answers of one hold must be
 * noted in the order that they were decided in.
 */
export class Tally {
  readonly #spent = new Map<string, bigint>();
  readonly #held = new Map<string, { readonly agentId: string; readonly held: bigint }>();
  effects = 0;

  note(answer: readonly Judged[]): void {
    for (const { effect } of answer) {
      if (effect === undefined) continue;
      this.effects += 1;
      const { agentId, hold } = effect;
      this.#spent.set(agentId, this.spent(agentId) + money(effect.spent));
      // Those of BRIEF expire by themselves.
      if (hold === undefined || agentId === BRIEF) continue;
      const held = money(hold.held);
      if (held === 0n) this.#held.delete(hold.id);
      else this.#held.set(hold.id, { agentId, held });
    }
  }

  spent(agentId: string): bigint {
    return this.#spent.get(agentId) ?? 0n;
  }

  reserved(agentId: string): bigint {
    const own = [...this.#held.values()].filter((hold) => hold.agentId === agentId);
    return own.reduce((sum, { held }) => sum + held, 0n);
  }
}
