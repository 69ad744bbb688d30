import { parseSignedAmount, type Amount } from '../../src/domain/amount.js';

/** A number from the environment, or the default. */
export function numberFrom(variable: string, fallback: number): number {
  const text = process.env[variable];
  return text === undefined || text === '' ? fallback : Number(text);
}

/**
 * What fast-check runs with: SAFEGUARDS_SEED repeats an earlier run, SAFEGUARDS_RUNS makes it longer.
 * The seed is printed, so that what failed in one place can be repeated in another.
 */
export function runs(name: string, standard: number): { seed: number; numRuns: number } {
  const seed = numberFrom('SAFEGUARDS_SEED', Date.now() & 0x7fffffff);
  const numRuns = numberFrom('SAFEGUARDS_RUNS', standard);
  process.stdout.write(`${name}: SAFEGUARDS_SEED=${seed}, ${numRuns} runs\n`);
  return { seed, numRuns };
}

/** Numbers from 0 up to below 1 that a seed repeats: mulberry32. */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** An amount written as people do. */
export function money(text: string): Amount {
  const amount = parseSignedAmount(text);
  if (amount === undefined) throw new Error(`${text} is not an amount`);
  return amount;
}
