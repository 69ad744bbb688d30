import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import { numberFrom, randomFrom } from '../support/seed.js';
import { KillLoop, ROUND_MS_MAX } from './loop.js';
import { RICH, POOR } from './writer.js';

const ROUNDS = numberFrom('SAFEGUARDS_KILL_ROUNDS', 3);
/** Each round verifies the whole ledger: on one store alone, 500 would take most of their time for that. */
const ROUNDS_OF_A_STORE = Math.ceil(ROUNDS / Math.ceil(ROUNDS / 100));
const SEED = numberFrom('SAFEGUARDS_SEED', Date.now() & 0x7fffffff);

test(
  'whatever 32 writers were told survives kill -9, and what they were not told happened once or not at all',
  { timeout: ROUNDS * ROUND_MS_MAX + 60_000 },
  async () => {
    say(`kill loop: SAFEGUARDS_SEED=${SEED} SAFEGUARDS_KILL_ROUNDS=${ROUNDS}`);
    const random = randomFrom(SEED);
    for (let round = 1; round <= ROUNDS; round += ROUNDS_OF_A_STORE) {
      const last = Math.min(ROUNDS, round + ROUNDS_OF_A_STORE - 1);
      await lifeOfAStore(round, last, random);
    }
  },
);

/** The rounds of one store, from the first to the last, and what must hold at its end. */
async function lifeOfAStore(first: number, last: number, random: () => number): Promise<void> {
  const folder = mkdtempSync(path.join(tmpdir(), 'safeguards-kill-'));
  const loop = await KillLoop.begin(path.join(folder, 'data'), SEED + first);
  try {
    for (let round = first; round <= last; round += 1) {
      const tally = await loop.round({
        answers: 50 + Math.floor(random() * 950),
        turns: random() < 0.5 ? 0 : Math.floor(random() * 40),
        again: random() < 0.2,
      });
      say(
        `round ${round}: ${tally.acknowledged} acknowledged, ${tally.unknown} unknown ` +
          `(${tally.there} found there, ${tally.absent} found absent), ` +
          `${loop.entries} entries, ${tally.ms} ms`,
      );
    }
    // Nothing that an earlier round was told has changed since.
    expect(await loop.replayEverything()).toBe(loop.acknowledged);
    for (const agentId of [...RICH, POOR]) expect(loop.spends(agentId)).toBeGreaterThan(0);
    await loop.briefHoldsExpire();
    const { code } = await loop.end('SIGTERM');
    expect(code).toBe(0);
    say(`store of rounds ${first} to ${last}: ${loop.acknowledged} answered again as before`);
  } finally {
    await loop.end('SIGKILL');
  }
  // Kept when something failed.
  rmSync(folder, { recursive: true });
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
