import type { AccountKind, Entry, FieldChange } from '../domain/entry.js';
import type { Instant, Method, Uid } from '../domain/model.js';
import {
  CUT_FIELDS,
  foldEntry,
  openingDraft,
  openingOf,
  type Opening,
  type OpeningDraft,
  type Retention,
} from '../domain/opening.js';
import { requestTimeKey } from '../domain/request-time.js';
import { sequenceKey } from '../domain/violation.js';
import { changedDigest, digestOf } from './opening-digest.js';
import { recordScopeOf } from './record-scope.js';
import type { Header, StoredEntry, StoreReader, StoreWriter } from './store.js';

/** How long entries are kept. Each is a setting of the same name in the configuration. */
export interface EntryRetention {
  /** How old an entry becomes: `entries_retention`. */
  readonly entriesRetentionMs: number;
  /** How much room the entries take, the newest: `entries_bytes_max`. */
  readonly entriesBytesMax: number;
}

/** Entries that one step cuts at most while nobody waits, so that who comes next waits little. */
export const CUT_STEP_IDLE = 500;

/** Entries that one step cuts at most when spends share its transaction. */
export const CUT_STEP_BUSY = 150;

/** Accounts that one step writes at most, beyond those of its first entry. */
const ACCOUNTS_MAX = 1_000;

/** One cut per day of quiet trade, and not one per entry that comes of age. */
const SLACK_MS_MAX = 24 * 3_600_000;

/** What a step of cutting leaves. */
export interface Cut {
  /** With the CUT entry as its head, or the same one when nothing was cut. */
  readonly header: Header;
  /** How far the ledger is cut, to be written with it. */
  readonly retention: Retention;
  /** Whether more may be due. */
  readonly more: boolean;
}

/** Cuts the oldest entries of the ledger, step by step. */
export interface EntryCutter {
  /** One step, inside a transaction in which nothing else is appended after it. */
  step(writer: StoreWriter, header: Header, now: Instant, busy: boolean, before: Retention): Cut;
}

/**
 * Makes a cutter. A step folds the oldest entries into one opening row per account, takes them away and
 * appends a CUT entry that says up to where, with the hash of the last one and the digest of all opening
 * rows. An entry that does not fit the chain or the balances before it is never cut, since that would
 * take the proof away: `onDamage` is called with what is wrong, and nothing is cut from then on.
 */
export function makeEntryCutter(
  retention: EntryRetention,
  onDamage: (message: string) => void,
): EntryCutter {
  let stopped = false;

  const step: EntryCutter['step'] = (writer, header, now, busy, before) => {
    const nothing = { header, retention: before, more: false };
    if (stopped) return nothing;
    const limit = limitOf(writer, now, retention, busy);
    let folded: Folded | string | undefined;
    try {
      folded = fold(writer, before, limit);
    } catch (error) {
      // Nothing is written yet: a record that cannot be read must not end the group.
      folded = error instanceof Error ? error.message : String(error);
    }
    if (folded === undefined) return nothing;
    if (typeof folded === 'string') {
      stopped = true;
      onDamage(`${folded}; retention cuts no more`);
      return nothing;
    }
    return { ...write(writer, header, now, before, folded), more: folded.full };
  };

  return { step };
}

/** How many entries a step may cut, and which of them are due. */
interface StepLimit {
  readonly entries: number;
  /** Those written before are due by age; Infinity: all, since there are too many bytes. */
  readonly before: Instant;
  /** A step that is not full waits until the oldest entry was written before this. */
  readonly overdue: Instant;
}

function limitOf(
  reader: StoreReader,
  now: Instant,
  { entriesRetentionMs, entriesBytesMax }: EntryRetention,
  busy: boolean,
): StepLimit {
  const entries = busy ? CUT_STEP_BUSY : CUT_STEP_IDLE;
  const { entryBytes, entries: kept } = reader.totals();
  if (entryBytes > entriesBytesMax) {
    // Few large ones: some at a time, so that no more are cut than there must be.
    const some = Math.max(1, Math.min(entries, Math.ceil(kept / 8)));
    return { entries: some, before: Infinity, overdue: Infinity };
  }
  const before = now - entriesRetentionMs;
  const slack = Math.min(SLACK_MS_MAX, Math.floor(entriesRetentionMs / 16));
  return { entries, before, overdue: before - slack };
}

/** What a step is going to cut, folded. */
interface Folded {
  readonly entries: readonly StoredEntry[];
  readonly openings: readonly OpeningChange[];
  /** Whether the step took as many as it may. */
  readonly full: boolean;
}

interface OpeningChange {
  readonly before: Opening | undefined;
  readonly draft: OpeningDraft;
}

/** Folds what is due. Undefined: nothing is; a text: what does not fit. */
function fold(
  reader: StoreReader,
  retention: Retention,
  limit: StepLimit,
): Folded | string | undefined {
  const changes = new Map<Uid, OpeningChange>();
  const draftOf = (kind: AccountKind, uid: Uid): OpeningDraft => {
    const known = changes.get(uid);
    if (known !== undefined) return known.draft;
    const before = reader.row('openings', sequenceKey(uid));
    const draft = openingDraft(kind, uid, before);
    changes.set(uid, { before, draft });
    return draft;
  };
  const entries: StoredEntry[] = [];
  // What the group itself appends cannot be read yet.
  const { headSequence } = reader.header();
  let hash = retention.throughHash;
  let full = false;
  for (let sequence = retention.throughSequence + 1; sequence <= headSequence;) {
    full = entries.length === limit.entries || changes.size > ACCOUNTS_MAX;
    if (full) break;
    const stored = reader.entry(sequence);
    if (stored === undefined) return `entry ${sequence} is missing`;
    if (stored.entry.time >= limit.before) break;
    if (Buffer.compare(stored.entry.previousHash, hash) !== 0) {
      return `the entry before ${sequence} is not the one it was chained to`;
    }
    const wrong = foldEntry(stored.entry, draftOf);
    if (wrong !== undefined) return wrong;
    entries.push(stored);
    hash = stored.hash;
    sequence += 1;
  }
  const [oldest] = entries;
  if (oldest === undefined) return undefined;
  if (!full && oldest.entry.time >= limit.overdue) return undefined;
  // A cut of nothing but cuts would leave as much as it takes, and again tomorrow.
  if (entries.every(({ entry }) => entry.kind === 'CUT')) return undefined;
  return { entries, openings: [...changes.values()], full };
}

function write(
  writer: StoreWriter,
  header: Header,
  now: Instant,
  before: Retention,
  { entries, openings }: Folded,
): Pick<Cut, 'header' | 'retention'> {
  let digest = before.openingsDigest;
  for (const { before: stored, draft } of openings) {
    const opening = openingOf(draft);
    writer.putRow('openings', sequenceKey(opening.uid), opening);
    digest = changedDigest(digest, digestOf(opening), stored === undefined ? 0n : digestOf(stored));
  }
  for (const { entry } of entries) {
    if (entry.sequence > header.purgedSequence) listRecordOf(writer, entry);
    writer.removeEntry(entry.sequence);
  }
  const last = entries.at(-1);
  if (last === undefined) return { header, retention: before };
  const sequence = header.headSequence + 1;
  const time = Math.max(header.time, now);
  const after: Retention = {
    ...before,
    cutSequence: sequence,
    throughSequence: last.entry.sequence,
    throughHash: last.hash,
    throughTime: last.entry.time,
    openingsDigest: digest,
  };
  const headHash = writer.appendEntry(cutEntry(header, time, before, after));
  const purgedSequence = Math.max(header.purgedSequence, after.throughSequence);
  return {
    header: { ...header, headSequence: sequence, headHash, time, purgedSequence },
    retention: after,
  };
}

/** Records are purged along their entries: those of an entry that goes first are listed by their time. */
function listRecordOf(writer: StoreWriter, entry: Entry): void {
  const scope = recordScopeOf(entry);
  const record = scope && writer.idempotency(scope);
  if (scope === undefined || record?.sequence !== entry.sequence) return;
  writer.putRow('request_times', requestTimeKey(record.time, scope), scope);
}

const NO_METHOD: Method | undefined = undefined;

function cutEntry(header: Header, time: Instant, before: Retention, after: Retention): Entry {
  return {
    sequence: after.cutSequence,
    time,
    kind: 'CUT',
    previousHash: header.headHash,
    accounts: [],
    amount: undefined,
    changes: cutChanges(before, after),
    requestId: '',
    method: NO_METHOD,
    principal: 'sidecar',
    reason: '',
    reservationId: '',
    refundedSequence: 0,
    category: '',
    quantities: [],
    runId: '',
    traceId: '',
    metadata: [],
  };
}

/** What a CUT entry says: up to where, the hash there, and the digest of the opening rows. */
export function cutChanges(before: Retention, after: Retention): readonly FieldChange[] {
  const [from, to] = [before, after].map((row) => ({
    [CUT_FIELDS.through]: String(row.throughSequence),
    [CUT_FIELDS.hash]: Buffer.from(row.throughHash).toString('hex'),
    [CUT_FIELDS.digest]: Buffer.from(row.openingsDigest).toString('hex'),
  }));
  return Object.values(CUT_FIELDS).map((field) => ({
    field,
    before: from?.[field] ?? '',
    after: to?.[field] ?? '',
  }));
}
