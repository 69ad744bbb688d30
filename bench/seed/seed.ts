import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import path from 'node:path';
import type { Stage } from '../stage.js';

/** What a store is filled with. */
export type Seed =
  | { readonly kind: 'fill'; readonly agents: number; readonly entries: number }
  | { readonly kind: 'day'; readonly minutes: number };

/** Younger than any record in it is kept. */
const AGE_MS_MAX = 6 * 24 * 3_600_000;

/** Seconds that filling a store takes, roughly. */
export function seedSeconds({ agents, entries }: { agents: number; entries: number }): number {
  return (agents + entries) / 15_000;
}

/** Fills a store in a folder, on top of what it has. */
export async function fillStore(stage: Stage, dataDir: string, seed: Seed): Promise<void> {
  const numbers = seed.kind === 'day' ? [seed.minutes] : [seed.agents, seed.entries];
  await stage.child('seed/seeder.js', { words: [seed.kind, dataDir, ...numbers.map(String)] });
}

/**
 * The data directory of a store that is kept from run to run, filled when there is none of this disk
 * format or it is too old. Whoever changes it takes a copy.
 */
export async function seededStore(stage: Stage, seed: Seed): Promise<string> {
  const what = seed.kind === 'day' ? [seed.minutes] : [seed.agents, seed.entries];
  const name = [seed.kind, ...what, formatDigest()].join('-');
  const kept = path.join(stage.cacheFolder, name);
  const isFresh = existsSync(kept) && Date.now() - statSync(kept).birthtimeMs < AGE_MS_MAX;
  // A day ends now, or its minutes would be of yesterday.
  if (isFresh && seed.kind === 'fill') return kept;
  const partial = `${kept}.partial`;
  rmSync(kept, { recursive: true, force: true });
  rmSync(partial, { recursive: true, force: true });
  mkdirSync(stage.cacheFolder, { recursive: true });
  await fillStore(stage, partial, seed);
  renameSync(partial, kept);
  return kept;
}

/** A copy of a store that goes with the stage. */
export function copyOf(stage: Stage, dataDir: string): string {
  const copy = path.join(stage.folder, `copy-of-${path.basename(dataDir)}`);
  cpSync(dataDir, copy, {
    recursive: true,
    // The locks of whoever had it last are sockets.
    filter: (source) => !statSync(source).isSocket(),
  });
  return copy;
}

/** Bytes of the files of a store. */
export function storeBytes(dataDir: string): number {
  return statSync(path.join(dataDir, 'store', 'data.mdb')).size;
}

/** Of everything that says what lies where on disk. */
function formatDigest(): string {
  const hash = createHash('sha256');
  for (const folder of ['proto/safeguards/store/v1', 'src/store', 'src/store/collections']) {
    for (const name of readdirSync(folder).sort()) {
      const file = path.join(folder, name);
      if (statSync(file).isFile()) hash.update(readFileSync(file));
    }
  }
  return hash.digest('hex').slice(0, 8);
}
