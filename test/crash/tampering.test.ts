/** An entry that somebody rewrote on disk, with a check value that fits. */
import path from 'node:path';
import { beforeAll, expect, onTestFinished, test } from 'vitest';
import { BudgetAdminService } from '../../src/gen/safeguards/v1/budget_admin_service_pb.js';
import { ROOT } from '../support/sidecar.js';
import { run } from '../support/tools.js';
import { Connection } from './client.js';
import { refusal, serveOn } from './process.js';
import { copyData, forgedEntry, tamper, type EntryRecord } from './tamper.js';
import { temporaryFolder } from './temporary.js';
import { makeAgent, spendOften } from './traffic.js';

const folder = temporaryFolder();
const stopped = path.join(folder, 'stopped');
const killed = path.join(folder, 'killed');
const SPENDS = 200;

/** The newest entry when the sidecar was last known to be sound. */
let sound = 0n;

beforeAll(async () => {
  const first = await serveOn(stopped);
  await makeAgent(first, 'a');
  await spendOften(first, 'a', 0, SPENDS);
  const operator = new Connection(first.admin, first.token);
  ({ headSequence: sound } = await operator.call(BudgetAdminService.method.getServerInfo, {}));
  operator.close();
  await first.end('SIGTERM');
  copyData(stopped, killed);
  const second = await serveOn(killed);
  await spendOften(second, 'a', SPENDS, 2 * SPENDS);
  await second.end('SIGKILL');
});

const CHANGES: readonly (readonly [what: string, (entry: EntryRecord) => void, RegExp])[] = [
  [
    'the amount',
    (entry) => {
      entry.amount = '0.001';
    },
    /is chained to/,
  ],
  [
    'who asked',
    (entry) => {
      entry.principal = 'somebody else';
    },
    /is chained to/,
  ],
  [
    'a posting',
    (entry) => {
      entry.accounts[0]!.postings[0]!.delta = '0.001';
    },
    /does not add up/,
  ],
];

let copies = 0;

async function tampered(
  from: string,
  sequence: bigint,
  change: (entry: EntryRecord) => void,
): Promise<string> {
  const dataDir = path.join(folder, `copy-${(copies += 1)}`);
  copyData(from, dataDir);
  await tamper(dataDir, (kv) => [forgedEntry(kv, sequence, change)]);
  return dataDir;
}

test.each(CHANGES)('%s of an old entry: verification names that entry', async (_, change, why) => {
  const sequence = sound - 100n;
  const dataDir = await tampered(stopped, sequence, change);
  const sidecar = await serveOn(dataDir);
  onTestFinished(async () => {
    await sidecar.end('SIGKILL');
  });
  // What is written on top does not hide it.
  await spendOften(sidecar, 'a', SPENDS, SPENDS + 100);
  const operator = new Connection(sidecar.admin, sidecar.token);
  const report = await operator.call(BudgetAdminService.method.verifyLedger, {});
  operator.close();
  expect(report.clean).toBe(false);
  expect(new Set(report.findings.map((finding) => finding.sequence))).toEqual(new Set([sequence]));
  expect(report.findings[0]?.message).toMatch(why);
  expect(await sidecar.end('SIGTERM')).toMatchObject({ code: 0, signal: null });

  const words = [path.join(ROOT, 'dist/main.js'), 'verify', '--data-dir', dataDir];
  const { code, out } = await run(process.execPath, words);
  expect(code).toBe(1);
  expect(out).toMatch(/^NOT CLEAN/);
  expect([...out.matchAll(/^ {2}entry (\d+)/gm)].map(([, named]) => BigInt(named!))).toEqual(
    report.findings.map(() => sequence),
  );
});

test.each(CHANGES)('%s of an entry of the tail: the start is refused', async (_, change) => {
  const newest = sound + BigInt(SPENDS);
  for (const sequence of [sound + 1n, sound + 50n, newest - 1n, newest]) {
    const dataDir = await tampered(killed, sequence, change);
    const { code, signal, said } = await refusal(dataDir);
    expect({ code, signal }).toEqual({ code: 1, signal: null });
    expect(said).toContain(`does not verify: entry ${sequence}: `);
    expect(said).toMatch(/restore a backup/);
  }
});
