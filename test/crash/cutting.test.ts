/** Retention beside a sidecar without it: what it keeps small, and what spends pay for that. */
import { expect, onTestFinished, test } from 'vitest';
import { Churn, type Window } from './churn.js';
import { median } from './pace.js';
import { mebibytes } from './plateau.js';
import { temporaryDataDir } from './temporary.js';

/** Windows on each of both sidecars. */
const WINDOWS = 6;
/** How much later the slowest hundredth of spends may be answered while entries are cut. */
const FACTOR = 3;
/** Below it a ratio says more of the machine than of the sidecar. */
const P99_FLOOR_MS = 5;

const CUTTING = ['--entries-retention=1h', '--idempotency-ttl=1h'];
const KEEPING = ['--entries-retention=3650d', '--idempotency-ttl=7d'];

test(
  'the file stops growing where entries are cut, and spends do not wait for it',
  { timeout: 300_000 },
  async () => {
    const [cutting, keeping] = [await begin(CUTTING), await begin(KEEPING)];
    const cut: Window[] = [];
    const kept: Window[] = [];
    // In turn, so that whatever else the machine does meets both.
    for (let round = 0; round < WINDOWS; round += 1) {
      cut.push(await cutting.window());
      kept.push(await keeping.window());
    }
    say('cutting', cut);
    say('keeping', kept);

    const later = cut.slice(1);
    for (const window of later) expect(window.cut).toBeGreaterThan(1_000);
    for (const window of kept) expect(window.cut).toBe(0);

    const size = (windows: readonly Window[], at: number) => windows.at(at)!.fileBytes;
    // Half a window of what is kept is more than the steps that the file grows by.
    const step = (size(kept, -1) - size(kept, 2)) / (WINDOWS - 3) / 2;
    expect(step).toBeGreaterThan(2 ** 18);
    expect(size(cut, -1) - size(cut, 2)).toBeLessThan(step);

    const p99 = (windows: readonly Window[]) => median(windows.map(({ p99Ms }) => p99Ms));
    // The first of each warms up.
    const alone = Math.max(P99_FLOOR_MS, p99(kept.slice(1)));
    expect(p99(later)).toBeLessThanOrEqual(FACTOR * alone);
  },
);

async function begin(flags: readonly string[]): Promise<Churn> {
  const churn = await Churn.begin(temporaryDataDir(), flags);
  onTestFinished(async () => {
    expect(await churn.end()).toBe(0);
  });
  return churn;
}

function say(what: string, windows: readonly Window[]): void {
  const list = (text: (window: Window) => string) => windows.map(text).join(', ');
  process.stdout.write(
    `${what}: p99 of spends ${list(({ p99Ms }) => p99Ms.toFixed(1))} ms; ` +
      `data.mdb ${list(({ fileBytes }) => mebibytes(fileBytes))}; ` +
      `entries cut ${list((window) => String(window.cut))}\n`,
  );
}
