import { mkdtempSync, readFileSync, readdirSync, rmSync, truncateSync } from 'node:fs';
import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { numberFrom, randomFrom } from '../support/seed.js';
import { NotServing, serveOn, type Ended, type Serving } from './process.js';
import { copyData } from './tamper.js';
import { makeAgent, spendOften, spentBy, verify } from './traffic.js';

/** Files garbled at random, each in another way. */
const GARBLED = numberFrom('SAFEGUARDS_GARBLED_FILES', 12);
const SEED = numberFrom('SAFEGUARDS_SEED', Date.now() & 0x7fffffff);

const SPENDS = 3_000;
const PAGE_BYTES = 4_096;
/** What a start says when the configuration or the data forbids it, and when something failed. */
const OWN_EXIT_CODES = [1, 2];

let folder = '';
let sound = '';
let spent = '';

beforeAll(async () => {
  process.stdout.write(`damaged stores: SAFEGUARDS_SEED=${SEED}\n`);
  folder = mkdtempSync(path.join(tmpdir(), 'safeguards-damage-'));
  sound = path.join(folder, 'sound');
  const sidecar = await serveOn(sound);
  await makeAgent(sidecar, 'a');
  await spendOften(sidecar, 'a', 0, SPENDS);
  spent = await spentBy(sidecar, 'a');
  // Without a clean stop, so that a start has a tail to verify.
  await sidecar.end('SIGKILL');
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

let copies = 0;

/** A copy of the data directory whose database was damaged. */
function damaged(damage: (file: string) => void): string {
  copies += 1;
  const copy = path.join(folder, `copy-${copies}`);
  copyData(sound, copy);
  damage(path.join(copy, 'store', 'data.mdb'));
  return copy;
}

/** How a sidecar on damaged data ended: `served` when it came to that. */
interface Outcome extends Ended {
  readonly served: boolean;
}

/**
 * Starts on damaged data. Where it serves all the same, what it shows must be right, and whatever it
 * stumbles over later must not end it by a signal either.
 */
async function start(
  dataDir: string,
  also: (sidecar: Serving) => Promise<void> = () => Promise.resolve(),
): Promise<Outcome> {
  let sidecar: Serving;
  try {
    sidecar = await serveOn(dataDir);
  } catch (error) {
    if (error instanceof NotServing) return { ...error.ended, served: false };
    throw error;
  }
  try {
    expect(await spentBy(sidecar, 'a')).toBe(spent);
    // Replays read what the damage may have hit, and write beside it.
    await spendOften(sidecar, 'a', 0, SPENDS + 500).catch((error: unknown) => error);
    await also(sidecar);
  } finally {
    await sidecar.end('SIGTERM');
  }
  return { ...(await sidecar.ended), served: true };
}

function expectRefusal({ served, code, signal, said }: Outcome): void {
  expect({ served, signal, said }).toEqual({ served: false, signal: null, said });
  expect(OWN_EXIT_CODES).toContain(code);
  expect(said).toMatch(/restore/);
}

describe('a sidecar leaves by its own will, with a reason and a way out,', () => {
  test.each([0.01, 0.1, 0.25, 0.5, 0.75, 0.9])(
    'when its database is cut to %f of its length',
    async (part) => {
      const dataDir = damaged((file) => {
        truncateSync(file, Math.floor((readFileSync(file).length * part) / 512) * 512);
      });
      const before = readdirSync(path.join(dataDir, 'store'));
      expectRefusal(await start(dataDir));
      expect(readdirSync(path.join(dataDir, 'store')).sort()).toEqual(before.sort());
    },
  );

  test('when its database is empty', async () => {
    expectRefusal(await start(damaged((file) => truncateSync(file, 0))));
  });

  test('when its database is something else', async () => {
    const length = 64 * PAGE_BYTES;
    expectRefusal(
      await start(damaged((file) => writeFileSync(file, Buffer.alloc(length, 'no LMDB')))),
    );
  });

  test('when its database is nothing but zeros', async () => {
    expectRefusal(await start(damaged((file) => writeFileSync(file, Buffer.alloc(1 << 20)))));
  });
});

test.each([1, 2, 3, 5, 10, 20, 40])(
  'a database without its last pages is refused, or they were none that it needs (%i)',
  async (pages) => {
    const outcome = await start(
      damaged((file) => truncateSync(file, readFileSync(file).length - pages * PAGE_BYTES)),
      async (sidecar) => expect(await verify(sidecar)).toEqual([]),
    );
    const { served, signal, said } = outcome;
    process.stdout.write(`without ${pages} pages: ${served ? 'served' : 'refused'}\n`);
    if (!served) expectRefusal(outcome);
    else expect({ signal, said }).toEqual({ signal: null, said });
  },
);

test.each(Array.from({ length: GARBLED }, (_, at) => at))(
  'a database with random bytes in it is refused, or what is served is right (%i)',
  async (number) => {
    const random = randomFrom(SEED + number);
    const dataDir = damaged((file) => garble(file, random));
    const outcome = await start(dataDir);
    const { served, code, signal, said } = outcome;
    const how = served ? 'served, then left' : 'left';
    process.stdout.write(`garbled ${number}: ${how} with ${code ?? signal ?? 'nothing'}\n`);
    if (!served) expectRefusal(outcome);
    else expect({ signal, said }).toEqual({ signal: null, said });
  },
);

/** Random bytes over some pages, or over pieces of them; sometimes over the two first, which rule. */
function garble(file: string, random: () => number): void {
  const bytes = readFileSync(file);
  const pages = Math.floor(bytes.length / PAGE_BYTES);
  const hits = 1 + Math.floor(random() * 40);
  for (let hit = 0; hit < hits; hit += 1) {
    const first = random() < 0.2 ? 0 : 2;
    const page = first + Math.floor(random() * (pages - first));
    const from = Math.floor(random() * PAGE_BYTES);
    const length = 1 + Math.floor(random() * (random() < 0.5 ? 16 : PAGE_BYTES - from));
    for (let at = from; at < Math.min(from + length, PAGE_BYTES); at += 1) {
      bytes[page * PAGE_BYTES + at] = Math.floor(random() * 256);
    }
  }
  writeFileSync(file, bytes);
}
