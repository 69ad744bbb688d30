import { beforeAll, describe, expect, test } from 'vitest';
import * as records from '../../src/gen/safeguards/store/v1/records_pb.js';
import { FRAME_BYTES, sealFrame } from '../../src/store/frame.js';
import { numberKey, textKey } from '../../src/store/keys.js';
import { HEADER_KEY } from '../../src/store/record-reader.js';
import type { MemoryDisk } from '../fakes/memory-kv.js';
import { flipBit, forge, usedLedger, verifyDisk, type Used } from './support/tampering.js';

let used: Used;

beforeAll(async () => {
  used = await usedLedger();
});

/** What is done to the disk, and the first finding: the entry (0 for a balance) and the account. */
interface Tampering {
  readonly name: string;
  readonly with: (disk: MemoryDisk) => void;
  readonly found: () => { readonly sequence: number; readonly account?: string };
  readonly message: RegExp;
  /** A start refuses it with a reason of its own, so its verification leaves it alone. */
  readonly startLooksItself?: boolean;
}

const entryKey = (sequence: number): Buffer => numberKey(sequence);

function reword(disk: MemoryDisk, sequence: number): void {
  forge(disk, 'entries', entryKey(sequence), records.EntryRecordSchema, (entry) => {
    entry.principal = 'somebody else';
  });
}

const ENTRIES: readonly Tampering[] = [
  {
    name: 'a bit of an entry is flipped',
    with: (disk) => flipBit(disk, 'entries', entryKey(used.spend)),
    found: () => ({ sequence: used.spend }),
    message: /check value/,
  },
  {
    name: 'an entry is cut short',
    with: (disk) => disk.set('entries', entryKey(used.spend), Buffer.of(1, 2, 3)),
    found: () => ({ sequence: used.spend }),
    message: /cut short/,
  },
  {
    name: 'an entry has a frame of another version',
    with: (disk) => {
      const value = Buffer.from(disk.get('entries', entryKey(used.spend))!);
      value[0] = 9;
      disk.set('entries', entryKey(used.spend), value);
    },
    found: () => ({ sequence: used.spend }),
    message: /version 9/,
  },
  {
    name: 'an amount posted by an entry is altered',
    with: (disk) =>
      forge(disk, 'entries', entryKey(used.spend), records.EntryRecordSchema, (entry) => {
        entry.accounts[0]!.postings[0]!.delta = '1.5';
      }),
    found: () => ({ sequence: used.spend, account: `AGENT ${used.agent}` }),
    message: /does not add up/,
  },
  {
    name: 'a word of an entry is altered, which only its hash tells',
    with: (disk) => reword(disk, used.spend),
    found: () => ({ sequence: used.spend }),
    message: /not the one that entry \d+ is chained to/,
  },
  {
    name: 'a word of the newest entry is altered',
    with: (disk) => reword(disk, used.head),
    found: () => ({ sequence: used.head }),
    message: /not the one in the header/,
  },
  {
    name: 'an entry is removed',
    with: (disk) => disk.set('entries', entryKey(used.spend), undefined),
    found: () => ({ sequence: used.spend }),
    message: /is missing/,
  },
  {
    name: 'the first entry is removed',
    with: (disk) => disk.set('entries', entryKey(1), undefined),
    found: () => ({ sequence: 1 }),
    message: /is missing/,
  },
  {
    name: 'the newest entry is removed',
    with: (disk) => disk.set('entries', entryKey(used.head), undefined),
    found: () => ({ sequence: used.head }),
    message: /the ledger ends at/,
  },
  {
    name: 'two entries are swapped',
    with: (disk) => {
      const [a, b] = used.pair.map((sequence) => disk.get('entries', entryKey(sequence))!);
      disk.set('entries', entryKey(used.pair[0]), b);
      disk.set('entries', entryKey(used.pair[1]), a);
    },
    found: () => ({ sequence: used.pair[0] }),
    message: /is missing/,
  },
  {
    name: 'two entries are swapped and renumbered',
    with: (disk) => {
      const [a, b] = used.pair.map((sequence) => disk.get('entries', entryKey(sequence))!);
      disk.set('entries', entryKey(used.pair[0]), b);
      disk.set('entries', entryKey(used.pair[1]), a);
      for (const sequence of used.pair) {
        forge(disk, 'entries', entryKey(sequence), records.EntryRecordSchema, (entry) => {
          entry.sequence = BigInt(sequence);
        });
      }
    },
    found: () => ({ sequence: used.pair[0] }),
    message: /not the one it was chained to/,
  },
  {
    name: 'an entry is appended that the header does not know',
    with: (disk) =>
      forge(disk, 'meta', HEADER_KEY, records.StoreRecordSchema, (header) => {
        header.headSequence -= 1n;
      }),
    found: () => ({ sequence: used.head }),
    message: /stands after the head/,
  },
];

const ROWS: readonly Tampering[] = [
  {
    name: "an agent's spending is made smaller",
    with: (disk) =>
      forge(disk, 'agents', numberKey(used.agent), records.AgentRecordSchema, (row) => {
        row.spent = '0.5';
      }),
    found: () => ({ sequence: 0, account: `AGENT ${used.agent}` }),
    message: /its spent is 0.5, the ledger makes it/,
  },
  {
    name: 'an agent is given money',
    with: (disk) =>
      forge(disk, 'agents', numberKey(used.agent), records.AgentRecordSchema, (row) => {
        row.allocated = '100000';
      }),
    found: () => ({ sequence: 0, account: `AGENT ${used.agent}` }),
    message: /its allocated is 100000/,
  },
  {
    name: 'a bit of an agent is flipped',
    with: (disk) => flipBit(disk, 'agents', numberKey(used.agent)),
    found: () => ({ sequence: 0 }),
    message: /agents: the check value/,
  },
  {
    name: 'an agent is taken away',
    with: (disk) => disk.set('agents', numberKey(used.agent), undefined),
    found: () => ({ sequence: 0, account: `AGENT ${used.agent}` }),
    message: /no row/,
  },
  {
    name: "an agent's id is taken away",
    with: (disk) => disk.set('agent_ids', textKey('a'), undefined),
    found: () => ({ sequence: 0, account: `AGENT ${used.agent}` }),
    message: /no id names it/,
  },
  {
    name: 'an agent is put into another pool',
    with: (disk) =>
      forge(disk, 'agents', numberKey(used.agent), records.AgentRecordSchema, (row) => {
        row.poolUid += 1n;
      }),
    found: () => ({ sequence: 0, account: `AGENT ${used.agent}` }),
    message: /another pool/,
  },
  {
    name: "a pool's money is altered",
    with: (disk) =>
      forge(disk, 'pools', numberKey(used.pool), records.PoolRecordSchema, (row) => {
        row.unallocated = '100000';
      }),
    found: () => ({ sequence: 0, account: `POOL ${used.pool}` }),
    message: /its unallocated is 100000/,
  },
  {
    name: 'a bit of a pool is flipped',
    with: (disk) => flipBit(disk, 'pools', numberKey(used.pool)),
    found: () => ({ sequence: 0 }),
    message: /pools: the check value/,
  },
  {
    name: 'a pool is taken away',
    with: (disk) => disk.set('pools', numberKey(used.pool), undefined),
    found: () => ({ sequence: 0, account: `POOL ${used.pool}` }),
    message: /no row/,
  },
  {
    name: 'the count of frozen agents is altered',
    with: (disk) =>
      forge(disk, 'meta', HEADER_KEY, records.StoreRecordSchema, (header) => {
        header.frozenAgents = 5n;
      }),
    found: () => ({ sequence: 0, account: '' }),
    message: /counts 5 frozen agents, the ledger 1/,
  },
  {
    name: 'a hold is made smaller',
    with: (disk) =>
      forge(disk, 'reservations', textKey(used.open), records.ReservationRecordSchema, (row) => {
        row.held = '1';
      }),
    found: () => ({ sequence: 0, account: `AGENT ${used.agent}` }),
    message: /its open reservations hold 1, its row says 7/,
  },
  {
    name: 'a hold is taken away',
    with: (disk) => disk.set('reservations', textKey(used.open), undefined),
    found: () => ({ sequence: 0, account: `AGENT ${used.agent}` }),
    message: /its open reservations hold 0|is listed as open/,
  },
  {
    name: 'a hold is ended behind the back of its agent',
    with: (disk) =>
      forge(disk, 'reservations', textKey(used.open), records.ReservationRecordSchema, (row) => {
        row.state = 3;
      }),
    found: () => ({ sequence: 0, account: `AGENT ${used.agent}` }),
    message: /its open reservations hold 0|is listed as open/,
  },
  {
    name: 'a settled hold is opened again',
    with: (disk) =>
      forge(disk, 'reservations', textKey(used.settled), records.ReservationRecordSchema, (row) => {
        row.state = 1;
        row.held = '5';
      }),
    found: () => ({ sequence: 0, account: `AGENT ${used.agent}` }),
    message: /its open reservations hold|is OPEN and is not due to expire/,
  },
  {
    name: 'a settled hold of an agent without open ones is opened again',
    with: (disk) => {
      const key = textKey(used.idleSettled);
      forge(disk, 'reservations', key, records.ReservationRecordSchema, (row) => {
        row.state = 1;
        row.held = '4';
      });
    },
    found: () => ({ sequence: 0, account: `AGENT ${used.idle}` }),
    message: /its open reservations hold|is OPEN and is not due to expire/,
  },
  {
    name: 'a bit of a settled hold is flipped',
    with: (disk) => flipBit(disk, 'reservations', textKey(used.idleSettled)),
    found: () => ({ sequence: 0 }),
    message: /reservations: the check value/,
  },
  {
    name: 'a settled hold is replaced by what is none',
    with: (disk) => {
      const framed = Buffer.alloc(FRAME_BYTES + 3, 0xff);
      sealFrame(framed, 0);
      disk.set('reservations', textKey(used.idleSettled), framed);
    },
    found: () => ({ sequence: 0 }),
    message: /reservations: a record cannot be read/,
  },
];

const HEAD: readonly Tampering[] = [
  {
    name: 'the hash of the head is altered',
    with: (disk) =>
      forge(disk, 'meta', HEADER_KEY, records.StoreRecordSchema, (header) => {
        header.headHash = new Uint8Array(32);
      }),
    found: () => ({ sequence: used.head }),
    message: /not the one in the header/,
  },
  {
    name: 'the head is beyond the newest entry',
    with: (disk) =>
      forge(disk, 'meta', HEADER_KEY, records.StoreRecordSchema, (header) => {
        header.headSequence += 2n;
      }),
    found: () => ({ sequence: used.head + 1 }),
    message: /the ledger ends at/,
  },
  {
    name: 'a bit of the header is flipped',
    with: (disk) => flipBit(disk, 'meta', HEADER_KEY),
    found: () => ({ sequence: 0 }),
    message: /meta: the check value/,
  },
  {
    name: 'the header holds what is no header',
    with: (disk) => {
      const framed = Buffer.alloc(FRAME_BYTES + 3, 0xff);
      sealFrame(framed, 0);
      disk.set('meta', HEADER_KEY, framed);
    },
    found: () => ({ sequence: 0 }),
    message: /meta: a record cannot be read/,
  },
  {
    name: 'the header is taken away',
    startLooksItself: true,
    with: (disk) => disk.set('meta', HEADER_KEY, undefined),
    found: () => ({ sequence: 0 }),
    message: /no header/,
  },
  {
    name: 'the store is of another format',
    startLooksItself: true,
    with: (disk) =>
      forge(disk, 'meta', HEADER_KEY, records.StoreRecordSchema, (header) => {
        header.format = 99;
      }),
    found: () => ({ sequence: 0 }),
    message: /newer format 99/,
  },
  {
    name: 'the database is that of another store',
    startLooksItself: true,
    with: (disk) =>
      forge(disk, 'meta', HEADER_KEY, records.StoreRecordSchema, (header) => {
        header.storeId = 'another';
      }),
    found: () => ({ sequence: 0 }),
    message: /another store/,
  },
];

describe('a verification of everything', () => {
  test('finds nothing in a ledger that nobody touched', async () => {
    const report = await verifyDisk(used.disk);
    expect(report.findings).toEqual([]);
    expect(report).toMatchObject({ clean: true, entries: used.head, headSequence: used.head });
    expect(report.balances).toBeGreaterThan(0);
  });

  test.each([...ENTRIES, ...ROWS, ...HEAD])('names what is wrong first when $name', async (row) => {
    const disk = used.disk.copy();
    row.with(disk);
    const report = await verifyDisk(disk);
    expect(report.clean).toBe(false);
    const [first] = report.findings;
    expect(first).toMatchObject(row.found());
    expect(first?.message).toMatch(row.message);
  });
});

describe('a verification of the tail', () => {
  test('finds nothing in a ledger that nobody touched', async () => {
    const report = await verifyDisk(used.disk, 'TAIL');
    expect(report).toMatchObject({ clean: true, findings: [], entries: used.head, balances: 0 });
  });

  test('begins where the ledger was last known to be sound', async () => {
    const disk = used.disk.copy();
    const sound = used.spend - 1;
    const report = await verifyDisk(disk);
    expect(report.clean).toBe(true);
    const next = disk.get('entries', entryKey(sound + 1))!;
    forge(disk, 'meta', HEADER_KEY, records.StoreRecordSchema, (header) => {
      header.verifiedSequence = BigInt(sound);
      header.verifiedHash = previousHashOf(disk, sound + 1);
    });
    expect(await verifyDisk(disk, 'TAIL')).toMatchObject({
      clean: true,
      entries: used.head - sound,
    });
    // What lies before is the full verification's to find.
    flipBit(disk, 'entries', entryKey(sound));
    expect((await verifyDisk(disk, 'TAIL')).clean).toBe(true);
    expect((await verifyDisk(disk)).findings[0]?.sequence).toBe(sound);
    disk.set('entries', entryKey(sound + 1), undefined);
    expect((await verifyDisk(disk, 'TAIL')).findings[0]?.sequence).toBe(sound + 1);
    disk.set('entries', entryKey(sound + 1), next);
    expect((await verifyDisk(disk, 'TAIL')).clean).toBe(true);
  });

  test.each([...ENTRIES, ...HEAD])('looks at what a start does not when $name', async (row) => {
    const disk = used.disk.copy();
    row.with(disk);
    const report = await verifyDisk(disk, 'TAIL');
    expect(report.clean).toBe(row.startLooksItself === true);
  });
});

function previousHashOf(disk: MemoryDisk, sequence: number): Uint8Array {
  let hash: Uint8Array = new Uint8Array();
  forge(disk, 'entries', entryKey(sequence), records.EntryRecordSchema, (entry) => {
    hash = entry.previousHash;
  });
  return hash;
}
