/**
 * Stores that earlier sidecars wrote, opened by this one. SAFEGUARDS_FIXTURE=NAME makes another; docs/store.md
 * says when.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { TABLES, type Table } from '../../src/store/kv.js';
import { openLmdb } from '../../src/store/lmdb.js';
import { STORE_FOLDER } from '../../src/store/open.js';
import { STORE_FORMAT } from '../../src/store/record-writer.js';
import { DAY, MINUTE, SECOND } from '../fakes/manual-time.js';
import { dataDir, temporaryFolder } from './support/backends.js';
import { eventfulLife } from './support/eventful-life.js';
import { READS } from './support/life-questions.js';
import type { Answered, JsonObject } from './support/served-ledger.js';
import {
  answersOf,
  ask,
  copyFixture,
  FIXTURES,
  fixtureNames,
  keepFixture,
  openAt,
  settle,
  ticking,
  writeStore,
  type Answers,
  type Opened,
} from './support/store-fixture.js';

const TIMEOUT_MS = 180_000;

/** Tables of earlier formats, which nothing is written into any more. */
const PAST: readonly Table[] = ['limit_counters'];

/** Tables without a row in a fixture that is too old for `PAST` or for tables there are now, by its name. */
const EMPTY: Readonly<Record<string, readonly Table[]>> = { 'format-1': ['limit_counts'] };

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** The tables of a store's folder without a row. */
async function emptyTables(folder: string): Promise<readonly Table[]> {
  const kv = openLmdb({ folder, mapBytes: 2 ** 30, readOnly: true });
  const empty = TABLES.filter((table) => kv.count(table) === 0);
  await kv.close();
  return empty;
}

async function clean({ served }: Opened): Promise<void> {
  expect(await served.call('VerifyLedger')).toMatchObject({ clean: true });
}

async function available({ served }: Opened, agentId: string): Promise<number> {
  const { budget } = await served.call('GetBudget', { agentId });
  return Number((budget as JsonObject)['available']);
}

test('there is a fixture of the format that is written today', () => {
  expect(fixtureNames()).toContain(`format-${STORE_FORMAT}`);
});

describe.each(fixtureNames())('the store %s', (name) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'safeguards-fixture-'));
  let kept: Answers;
  let opened: Opened;

  beforeAll(() => {
    copyFixture(name, folder);
    kept = answersOf(name);
  });
  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  test('has a row in every table of its time', async () => {
    expect(await emptyTables(path.join(folder, STORE_FOLDER))).toEqual(EMPTY[name] ?? PAST);
  });

  test(
    'verifies, answers as it did, and repeats what it answered',
    { timeout: TIMEOUT_MS },
    async () => {
      opened = await openAt(folder, kept.time);
      await clean(opened);
      await settle(opened);
      const { headSequence } = opened.served.ledger.info();
      const { reads, replays, entries, hashes, events } = await ask(opened, {
        ...kept,
        events: kept.events.length,
      });
      expect(reads).toMatchObject(kept.reads);
      expect({ hashes, events }).toEqual({ hashes: kept.hashes, events: kept.events });
      expect(entries).toMatchObject(kept.entries);
      expect(replays).toMatchObject(kept.replays);
      expect(replays.filter(({ answer }) => answer['replayed'] !== true)).toEqual([]);
      expect(opened.served.ledger.info().headSequence).toBe(headSequence);
      await opened.close();
    },
  );

  test(
    'goes on: spends, a restart, and retention forty days later',
    { timeout: TIMEOUT_MS },
    async () => {
      opened = await openAt(folder, kept.time + MINUTE);
      const before = await available(opened, 'eve');
      for (let times = 0; times < 10; times += 1) {
        const spend = { requestId: `more-${times}`, agentId: 'eve', amount: '0.5' };
        expect(await opened.served.call('Spend', spend)).toMatchObject({
          decision: 'DECISION_APPROVED',
        });
      }
      expect(await available(opened, 'eve')).toBe(before - 5);
      await clean(opened);
      await opened.close();

      opened = await openAt(folder, kept.time + 2 * MINUTE);
      expect(await available(opened, 'eve')).toBe(before - 5);
      const oldest = opened.served.ledger.info().oldestSequence;
      await opened.served.call('Spend', { requestId: 'more-10', agentId: 'eve', amount: '0.5' });
      await clean(opened);
      opened.time.pass(40 * DAY);
      await ticking(opened.served, SECOND, () => {
        return opened.served.ledger.info().oldestSequence > oldest;
      });
      await clean(opened);
      await opened.close();
    },
  );
});

describe('the script that makes fixtures', () => {
  const name = process.env['SAFEGUARDS_FIXTURE'] ?? '';

  test(
    'fills every table, makes a store that answers, and changes none',
    { timeout: TIMEOUT_MS },
    async () => {
      const folder = dataDir();
      const life = await eventfulLife();
      const written = path.join(temporaryFolder(), STORE_FOLDER);
      await writeStore(life, written);
      expect(await emptyTables(written)).toEqual(PAST);

      await writeStore(life, path.join(folder, STORE_FOLDER));
      const opened = await openAt(folder, life.time);
      const head = opened.served.ledger.info().headSequence;
      await settle(opened);
      const questions = { head, reads: READS, replays: life.calls, events: life.events };
      const answers = await ask(opened, questions);
      await clean(opened);
      await opened.close();
      const sequences = (calls: readonly Answered[]) =>
        calls.map(({ answer }) => answer['sequence']);
      expect(sequences(answers.replays)).toEqual(sequences(life.calls));

      const target =
        name === '' ? path.join(temporaryFolder(), 'fixture') : path.join(FIXTURES, name);
      const keep = (): void => keepFixture(target, written, { time: life.time, ...answers });
      keep();
      expect(keep).toThrow('never changed');
    },
  );
});
