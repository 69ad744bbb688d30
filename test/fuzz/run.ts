import { numberFrom, randomFrom } from '../support/seed.js';
import type { Random } from './mutate.js';

/** How long each target is fuzzed: SAFEGUARDS_FUZZ_SECONDS makes it long. */
const SECONDS = numberFrom('SAFEGUARDS_FUZZ_SECONDS', 1.5);
const SEED = numberFrom('SAFEGUARDS_SEED', Date.now() & 0x7fffffff);

/** How long a test with so many targets may take, in milliseconds. */
export const FUZZ_TIMEOUT_MS = SECONDS * 1_000 * 4 + 30_000;

/**
 * Runs one attempt after the other for the time there is, each with numbers of its own. The error of
 * an attempt that fails tells how to repeat it.
 */
export async function fuzz(
  name: string,
  attempt: (random: Random) => void | Promise<void>,
): Promise<void> {
  const end = performance.now() + SECONDS * 1_000;
  let count = 0;
  for (; performance.now() < end || count < 10; count += 1) {
    try {
      await attempt(randomFrom(SEED + count));
    } catch (error) {
      throw new Error(`${name}: repeat it with SAFEGUARDS_SEED=${SEED + count}`, { cause: error });
    }
  }
  process.stdout.write(`fuzz ${name}: SAFEGUARDS_SEED=${SEED}, ${count} attempts\n`);
}
