import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { gunzipSync, gzipSync } from 'node:zlib';
import { onTestFinished } from 'vitest';
import type { JsonValue } from '@bufbuild/protobuf';
import type { Instant } from '../../../src/domain/model.js';
import { STORE_FORMAT } from '../../../src/store/record-writer.js';
import { TABLES, type Write } from '../../../src/store/kv.js';
import { openLmdb } from '../../../src/store/lmdb.js';
import { MARKER_FILE, STORE_FOLDER, openStore, writeMarker } from '../../../src/store/open.js';
import { verifyStore } from '../../../src/store/verify.js';
import { MINUTE } from '../../fakes/manual-time.js';
import { ManualTime } from '../../fakes/manual-time.js';
import { MemoryKeyValueStore } from '../../fakes/memory-kv.js';
import { ledgerOn, STORE_ID } from '../../fakes/memory-ledger.js';
import { KEEPING, type Life } from './eventful-life.js';
import { ServedLedger, type Answered, type Call, type JsonObject } from './served-ledger.js';

/** Stores of every format there has been. One is never changed, only added. */
export const FIXTURES = path.join(import.meta.dirname, '../../fixtures/stores');

const DATA = 'data.mdb';
const ANSWERS = 'answers.json';
const MAP_BYTES = 2 ** 30;

/** What a fixture must answer to whoever opens it. Answers may have more fields than these. */
export interface Answers {
  /** When its sidecar ended. */
  readonly time: Instant;
  readonly head: number;
  readonly reads: readonly Answered[];
  /** Requests that were carried out before, sent once more. */
  readonly replays: readonly Answered[];
  /** The entries that somebody asked for, as they are exported. */
  readonly entries: readonly JsonValue[];
  /** The SHA-256 of the hashes of all entries that are kept. */
  readonly hashes: string;
  /** The stream of violations, such as `7 OPENED #3`. */
  readonly events: readonly string[];
}

export function fixtureNames(): readonly string[] {
  return readdirSync(FIXTURES).sort();
}

export function answersOf(name: string): Answers {
  return JSON.parse(readFileSync(path.join(FIXTURES, name, ANSWERS), 'utf8')) as Answers;
}

/** Puts a copy of a fixture into a data directory. */
export function copyFixture(name: string, dataDir: string): void {
  const folder = path.join(dataDir, STORE_FOLDER);
  mkdirSync(folder, { mode: 0o700 });
  const read = (file: string) => readFileSync(path.join(FIXTURES, name, file));
  writeFileSync(path.join(folder, DATA), gunzipSync(read(`${DATA}.gz`)));
  writeFileSync(path.join(folder, MARKER_FILE), read(MARKER_FILE));
}

/** Writes the rows of a life into a store's folder. */
export async function writeStore(life: Life, folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const rows = new MemoryKeyValueStore(life.disk);
  const writes = TABLES.flatMap((table): Write[] =>
    [...rows.range(table, {})].map(({ key, value }) => ({ table, key, value })),
  );
  const kv = openLmdb({ folder, mapBytes: MAP_BYTES, readOnly: false });
  await kv.transact(writes);
  await kv.close();
  await writeMarker(folder, { store_id: STORE_ID, format: STORE_FORMAT });
}

/** Keeps a store and its answers as a fixture. Refuses when there is one of that name. */
export function keepFixture(fixture: string, storeFolder: string, answers: Answers): void {
  if (existsSync(fixture)) throw new Error(`${fixture} exists: a fixture is never changed`);
  mkdirSync(fixture, { recursive: true });
  const read = (file: string) => readFileSync(path.join(storeFolder, file));
  writeFileSync(path.join(fixture, `${DATA}.gz`), gzipSync(read(DATA), { level: 9 }));
  writeFileSync(path.join(fixture, MARKER_FILE), read(MARKER_FILE));
  writeFileSync(path.join(fixture, ANSWERS), inLines(answers));
}

/** JSON with a line for every item, so that it can be read. */
function inLines(answers: Answers): string {
  const fields = Object.entries(answers).map(([name, value]: [string, unknown]) => {
    const items = Array.isArray(value) ? value.map((item) => `\n  ${JSON.stringify(item)}`) : [];
    const text = Array.isArray(value) ? `[${items.join(',')}\n ]` : JSON.stringify(value);
    return ` ${JSON.stringify(name)}: ${text}`;
  });
  return `{\n${fields.join(',\n')}\n}\n`;
}

/** A sidecar on a data directory, at a time. */
export interface Opened {
  readonly served: ServedLedger;
  readonly time: ManualTime;
  close(): Promise<void>;
}

/** Opens a data directory as a sidecar does. */
export async function openAt(dataDir: string, at: Instant): Promise<Opened> {
  const time = new ManualTime(at);
  const options = { dataDir, mapBytes: MAP_BYTES, backupDir: undefined, wall: at };
  const store = await openStore({ ...options, acceptClock: false, verify: verifyStore });
  const ledger = await ledgerOn(store, time, KEEPING);
  const served = await ServedLedger.open(ledger);
  let closed = false;
  const close = async (): Promise<void> => {
    if (closed) return;
    closed = true;
    await served.close();
    await ledger.close();
  };
  onTestFinished(close);
  return { served, time, close };
}

/** What the sidecar before left, and an episode that is over. */
const LEFT_BEHIND = [
  'review_orders',
  'schedule_marks',
  'ended_alerts',
  'ended_channels',
  'episodes',
] as const;

/** Lets the sidecar carry out whatever the one before it left, and what is due. */
export async function settle({ served }: Opened): Promise<void> {
  const { ledger } = served;
  const query = { limit: 0, afterChannelId: '', roomOf: () => 0, isInFlight: () => false };
  const page = { after: undefined, size: 100 };
  const left = (): readonly string[] => {
    const now = ledger.now();
    const due = ledger.listSchedules(page).items.filter(({ dueTime }) => dueTime <= now);
    const rows = LEFT_BEHIND.filter(
      (name) => ledger.listObjects(name, () => true, page).items.length > 0,
    );
    return [...due.map(({ id }) => id), ...rows];
  };
  await ticking(served, MINUTE, async () => {
    await ledger.outbox.next({ ...query, now: ledger.now() });
    return left().length === 0;
  });
}

/** Lets timers go off until something is so: the disk takes the time that it takes. */
export async function ticking(
  served: ServedLedger,
  ms: number,
  done: () => boolean | Promise<boolean>,
): Promise<void> {
  for (let times = 0; !(await done()); times += 1) {
    if (times === 2_000) throw new Error('the sidecar does not get on');
    await served.tick(ms);
    await sleep(10);
  }
}

type Questions = Pick<Answers, 'head'> & {
  readonly reads: readonly Call[];
  readonly replays: readonly Call[];
  /** How many events the stream of violations has. */
  readonly events: number;
};

/** Asks a sidecar for everything. */
export async function ask(
  { served }: Opened,
  questions: Questions,
): Promise<Omit<Answers, 'time'>> {
  const { head } = questions;
  const reads = await askAll(served, questions.reads);
  const exported = await served.read('ExportLedger', { throughSequence: String(head) }, 'entry');
  const messages = await served.read(
    'WatchViolations',
    { oldest: true },
    'event',
    questions.events,
  );
  const replays = await askAll(served, questions.replays);
  const hashes = createHash('sha256');
  for (const message of exported) hashes.update(message['hash'] as string);
  return {
    head,
    reads,
    replays,
    entries: exported.flatMap(({ entry = {}, hash = '' }) => {
      return (entry as JsonObject)['requestId'] === undefined ? [] : [{ entry, hash }];
    }),
    hashes: hashes.digest('hex'),
    events: messages.map(inWords),
  };
}

async function askAll(served: ServedLedger, calls: readonly Call[]): Promise<Answered[]> {
  const answered: Answered[] = [];
  for (const { method, body } of calls) {
    const answer = { ...(await served.call(method, body)) };
    // What a token is made of is nobody's business.
    delete answer['nextPageToken'];
    answered.push({ method, body, answer });
  }
  return answered;
}

function inWords(message: JsonObject): string {
  const { event } = message as {
    event: { sequence: string; kind: string; violation: { id: string } };
  };
  const kind = event.kind.replace('VIOLATION_EVENT_KIND_', '');
  return `${event.sequence} ${kind} #${event.violation.id}`;
}
