import type { Opening, Retention } from '../domain/opening.js';
import { CUT_FIELDS, NOTHING_CUT, RETENTION_KEY } from '../domain/opening.js';
import { sequenceKey } from '../domain/violation.js';
import { changedDigest, digestOf } from '../ledger/opening-digest.js';
import type { StoreReader } from '../ledger/store.js';
import type { Fold } from './verify-fold.js';

/**
 * Checks that the ledger begins where retention says that it was cut, and that the newest CUT entry says
 * so too. The fold must have come to the head. All reads must be of one snapshot.
 */
export function checkCut(reader: StoreReader, fold: Fold): void {
  const cut = reader.row('retention', RETENTION_KEY) ?? NOTHING_CUT;
  const oldest = reader.oldestSequence();
  if (oldest > 0 && oldest <= cut.throughSequence) {
    fold.find(oldest, '', `stands before entry ${cut.throughSequence}, up to which all were cut`);
  }
  const newest = fold.lastCut?.entry;
  if ((newest?.sequence ?? 0) !== cut.cutSequence) {
    const where = cut.cutSequence === 0 ? 'that nothing was cut' : `entry ${cut.cutSequence}`;
    fold.find(newest?.sequence ?? cut.cutSequence, '', `the newest cut is not ${where}, as noted`);
    return;
  }
  if (newest === undefined) return;
  for (const [field, noted] of Object.entries(notedBy(cut))) {
    const said = newest.changes.find((change) => change.field === field)?.after;
    if (said !== noted) fold.find(newest.sequence, '', `its ${field} is not the one that is noted`);
  }
}

function notedBy(cut: Retention): Readonly<Record<string, string>> {
  return {
    [CUT_FIELDS.through]: String(cut.throughSequence),
    [CUT_FIELDS.hash]: Buffer.from(cut.throughHash).toString('hex'),
    [CUT_FIELDS.digest]: Buffer.from(cut.openingsDigest).toString('hex'),
  };
}

/** A walk over the opening rows. */
export interface OpeningsCursor {
  /** The CUT entry under which the walk began: a later one changes rows behind it. */
  readonly cutSequence: number;
  /** The key to continue after. */
  readonly after: string | undefined;
  readonly digest: Uint8Array;
  /** Times that it began anew. */
  readonly restarts: number;
}

/** Where the walk begins. */
export const FIRST_OPENING: OpeningsCursor = {
  cutSequence: -1,
  after: undefined,
  digest: NOTHING_CUT.openingsDigest,
  restarts: -1,
};

/** After so many walks that a cut overtook, the next is made in one snapshot. */
const RESTARTS_MAX = 3;

/**
 * Adds up the digests of the next `limit` opening rows, and at the end compares them with what the
 * newest cut says. Returns where to continue, or undefined at the end. All reads must be of one snapshot.
 */
export function checkOpenings(
  reader: StoreReader,
  fold: Fold,
  cursor: OpeningsCursor,
  limit: number,
): OpeningsCursor | undefined {
  const cut = reader.row('retention', RETENTION_KEY) ?? NOTHING_CUT;
  const { cutSequence } = cut;
  const same = cursor.cutSequence === cutSequence;
  const restarts = same ? cursor.restarts : cursor.restarts + 1;
  const most = restarts >= RESTARTS_MAX ? Infinity : limit;
  let digest = same ? cursor.digest : NOTHING_CUT.openingsDigest;
  let after = same ? cursor.after : undefined;
  let rows = 0;
  for (const [key, opening] of reader.rows('openings', after === undefined ? {} : { after })) {
    checkKey(fold, key, opening);
    digest = changedDigest(digest, digestOf(opening), 0n);
    after = key;
    rows += 1;
    if (rows === most) return { cutSequence, after, digest, restarts };
  }
  if (Buffer.compare(digest, cut.openingsDigest) !== 0) {
    fold.find(cutSequence, '', 'the opening rows are not those that it is the proof of');
  }
  return undefined;
}

function checkKey(fold: Fold, key: string, { kind, uid }: Opening): void {
  if (key !== sequenceKey(uid)) fold.find(0, `${kind} ${uid}`, 'its opening row is another’s');
}
