/** Tampering with a ledger that retention has cut: verification names where it was. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import * as records from '../../src/gen/safeguards/store/v1/records_pb.js';
import { numberKey, textKey } from '../../src/store/keys.js';
import { RETENTION_KEY } from '../../src/domain/opening.js';
import { sequenceKey } from '../../src/domain/violation.js';
import { createAgent, createPool, spend } from '../fakes/commands.js';
import { HOUR, SECOND } from '../fakes/manual-time.js';
import type { MemoryDisk } from '../fakes/memory-kv.js';
import { MemoryLedger } from '../fakes/memory-ledger.js';
import { flipBit, forge, verifyDisk } from './support/tampering.js';

let disk: MemoryDisk;
let agent: number;
/** The CUT entry, with spends before and after it that are kept. */
let cut: number;
let oldest: number;

beforeAll(async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  const it = await MemoryLedger.open({ sweepIntervalMs: SECOND, entriesRetentionMs: HOUR });
  await it.must(createPool('p', '1000'));
  agent = (await it.must(createAgent('a', 'p', '100'))).agent!.uid;
  for (let at = 0; at < 5; at += 1) await it.must(spend('a', '1'));
  it.time.pass(2 * HOUR);
  for (let at = 0; at < 3; at += 1) await it.must(spend('a', '1'));
  vi.advanceTimersByTime(SECOND);
  for (let turns = 0; turns < 20; turns += 1) await nextTurn();
  cut = it.head;
  for (let at = 0; at < 3; at += 1) await it.must(spend('a', '1'));
  ({ oldestSequence: oldest } = it.ledger.info());
  ({ disk } = it);
});
afterAll(() => {
  vi.useRealTimers();
});

test('nothing is found where nobody tampered', async () => {
  expect(cut - oldest).toBe(3);
  expect(await verifyDisk(disk)).toMatchObject({ clean: true, entries: 7 });
  expect(await verifyDisk(disk, 'TAIL')).toMatchObject({ clean: true });
});

const entry = (sequence: number) => numberKey(sequence);

const rows: readonly [name: string, found: RegExp, tamper: (disk: MemoryDisk) => void][] = [
  [
    'the oldest entry is removed',
    /entry OLDEST is missing/,
    (it) => it.set('entries', entry(oldest), undefined),
  ],
  [
    'a bit of an entry before the cut is flipped',
    /OLDEST entries: the check/,
    (it) => flipBit(it, 'entries', entry(oldest)),
  ],
  [
    'a bit of the cut itself is flipped',
    /CUT entries: the check/,
    (it) => flipBit(it, 'entries', entry(cut)),
  ],
  [
    'an entry after the cut is removed',
    /NEXT is missing/,
    (it) => it.set('entries', entry(cut + 1), undefined),
  ],
  [
    'an opening balance is altered',
    /OLDEST its spent does not add up/,
    (it) =>
      forge(it, 'openings', textKey(sequenceKey(agent)), records.OpeningRecordSchema, (row) => {
        row.balances.find(({ field }) => field === 2)!.balance = '4';
      }),
  ],
  [
    'an opening balance and the balance are altered together',
    /CUT the opening rows are not those/,
    (it) => {
      forge(it, 'openings', textKey(sequenceKey(agent)), records.OpeningRecordSchema, (row) => {
        row.fields['name'] = 'another';
      });
      forge(it, 'agents', numberKey(agent), records.AgentRecordSchema, (row) => {
        row.name = 'another';
      });
    },
  ],
  [
    'an opening row is removed',
    /OLDEST its spent does not add up/,
    (it) => it.set('openings', textKey(sequenceKey(agent)), undefined),
  ],
  [
    'what retention noted is removed',
    /entry 1 is missing/,
    (it) => it.set('retention', textKey(RETENTION_KEY), undefined),
  ],
  [
    'retention is said to have cut more',
    /is not the one it was chained to|names/,
    (it) =>
      forge(it, 'retention', textKey(RETENTION_KEY), records.RetentionRecordSchema, (row) => {
        row.throughSequence += 1n;
      }),
  ],
];

test.each(rows)('%s', async (_name, found, tamper) => {
  const copy = disk.copy();
  tamper(copy);
  const { clean, findings } = await verifyDisk(copy);
  expect(clean).toBe(false);
  const said = findings.map(({ sequence, message }) => `${sequence} ${message}`).join('\n');
  const named = said
    .replaceAll(String(cut + 1), 'NEXT')
    .replaceAll(String(cut), 'CUT')
    .replaceAll(String(oldest), 'OLDEST');
  expect(`${said}\n${named}`).toMatch(found);
});
