import { readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { BudgetAdminService } from '../../src/gen/safeguards/v1/budget_admin_service_pb.js';
import { numberKey } from '../../src/store/keys.js';
import { ROOT } from '../support/sidecar.js';
import { run, type Ended } from '../support/tools.js';
import { Connection } from './client.js';
import { refusal, serveOn, type Serving } from './process.js';
import { copyData, digestsOf, flipped, forgedEntry, tamper } from './tamper.js';
import { temporaryDataDir, temporaryFolder } from './temporary.js';
import { makeAgent, spendOften, spentBy, verify } from './traffic.js';

const admin = BudgetAdminService.method;
const AGENTS = ['a', 'b', 'c', 'd'];

async function serving(dataDir: string, flags: readonly string[] = []): Promise<Serving> {
  const sidecar = await serveOn(dataDir, flags);
  onTestFinished(async () => {
    await sidecar.end('SIGKILL');
  });
  return sidecar;
}

/** Puts a backup in place of a store, by the command line. */
function restoreFrom(backup: string, dataDir: string): Promise<Ended> {
  const words = ['restore', '--from', backup, '--data-dir', dataDir];
  return run(process.execPath, [path.join(ROOT, 'dist/main.js'), ...words]);
}

/** Spends of four agents that go on until told otherwise. */
function traffic(sidecar: Serving): () => Promise<void> {
  let ended = false;
  const spending = AGENTS.map(async (agentId) => {
    for (let at = 0; !ended; at += 100) await spendOften(sidecar, agentId, at, at + 100);
  });
  return async () => {
    ended = true;
    await Promise.all(spending);
  };
}

test('a backup made under load verifies, and serves what it had', async () => {
  const dataDir = temporaryDataDir();
  const backups = path.join(path.dirname(dataDir), 'backups');
  const sidecar = await serving(dataDir, ['--backup-dir', backups]);
  for (const agentId of AGENTS) await makeAgent(sidecar, agentId);
  const stop = traffic(sidecar);
  const operator = new Connection(sidecar.admin, sidecar.token);
  const reports = [];
  for (const name of ['first', 'second', 'third']) {
    reports.push(await operator.call(admin.backup, { name }));
  }
  await stop();
  operator.close();

  for (const { name, headSequence, headHash } of reports) {
    const copy = path.join(backups, name);
    const words = [path.join(ROOT, 'dist/main.js'), 'verify', '--data-dir', copy, '--json'];
    const { code, out } = await run(process.execPath, words);
    expect(code, out).toBe(0);
    const hash = Buffer.from(headHash).toString('hex');
    expect(JSON.parse(out)).toMatchObject({ clean: true, headHash: hash });
    const restored = await serving(copy);
    const reader = new Connection(restored.admin, restored.token);
    const info = await reader.call(admin.getServerInfo, {});
    reader.close();
    expect(info.headSequence).toBe(headSequence);
    // What was spent after the copy was made is sent again, and the rest is not counted twice.
    for (const agentId of AGENTS) {
      const spent = Number(await spentBy(restored, agentId));
      await spendOften(restored, agentId, 0, Math.round(spent * 100));
      expect(Number(await spentBy(restored, agentId))).toBe(spent);
    }
    expect(await verify(restored)).toEqual([]);
  }
});

test('a ledger is found clean while it is written to', async () => {
  const sidecar = await serving(temporaryDataDir());
  for (const agentId of AGENTS) await makeAgent(sidecar, agentId);
  const stop = traffic(sidecar);
  for (let times = 0; times < 5; times += 1) expect(await verify(sidecar)).toEqual([]);
  await stop();
  expect(await verify(sidecar)).toEqual([]);
});

test('a restore puts a backup in place of a damaged store, which is kept', async () => {
  const dataDir = temporaryDataDir();
  const backups = path.join(path.dirname(dataDir), 'backups');
  const sidecar = await serving(dataDir, ['--backup-dir', backups]);
  await makeAgent(sidecar, 'a');
  await spendOften(sidecar, 'a', 0, 200);
  const operator = new Connection(sidecar.admin, sidecar.token);
  await operator.call(admin.backup, { name: 'monday' });
  const before = await operator.call(admin.getServerInfo, {});
  operator.close();
  await spendOften(sidecar, 'a', 200, 300);
  const restore = (from: string) => restoreFrom(path.join(backups, from), dataDir);
  const served = await restore('monday');
  expect(served.code).toBe(1);
  expect(served.err).toMatch(/Nothing was restored: Another sidecar serves/);
  await sidecar.end('SIGKILL');

  const file = path.join(dataDir, 'store', 'data.mdb');
  writeFileSync(file, 'this was a database');
  expect((await refusal(dataDir)).said).toMatch(/restore/);
  expect((await restore('tuesday')).code).toBe(1);
  expect(readFileSync(file, 'utf8')).toBe('this was a database');

  const { code, out, err } = await restore('monday');
  expect({ code, err }).toEqual({ code: 0, err: '' });
  const [aside] = readdirSync(dataDir).filter((name) => name.startsWith('store.quarantined-'));
  expect(out).toContain(path.join(dataDir, aside!));
  const kept = readFileSync(path.join(dataDir, aside!, 'data.mdb'), 'utf8');
  expect(kept).toBe('this was a database');
  const restored = await serving(dataDir);
  expect(await spentBy(restored, 'a')).toBe('2');
  await spendOften(restored, 'a', 0, 300);
  expect(await spentBy(restored, 'a')).toBe('3');
  // Another one: cursors of what was lost with the damaged store must not be taken for this one's.
  const again = new Connection(restored.admin, restored.token);
  const after = await again.call(admin.getServerInfo, {});
  again.close();
  expect(out).toContain(after.storeId);
  expect(after.storeId).not.toBe(before.storeId);
  expect(await verify(restored)).toEqual([]);
});

describe('a backup that is no good is not restored, and the store stays as it is,', () => {
  const folder = temporaryFolder();
  const dataDir = path.join(folder, 'data');
  const backup = path.join(folder, 'backups', 'monday');
  let copies = 0;

  beforeAll(async () => {
    const sidecar = await serveOn(dataDir, ['--backup-dir', path.dirname(backup)]);
    await makeAgent(sidecar, 'a');
    await spendOften(sidecar, 'a', 0, 200);
    const operator = new Connection(sidecar.admin, sidecar.token);
    await operator.call(admin.backup, { name: path.basename(backup) });
    operator.close();
    await spendOften(sidecar, 'a', 200, 300);
    await sidecar.end('SIGTERM');
  });

  const inDatabase = (damage: (file: string) => void) => (bad: string) =>
    damage(path.join(bad, 'store', 'data.mdb'));

  test.each<readonly [what: string, (bad: string) => Promise<void> | void, RegExp]>([
    [
      'when its database is something else',
      inDatabase((file) => writeFileSync(file, 'this was a database')),
      /cannot be read/,
    ],
    [
      'when everything behind the first pages is garbled',
      inDatabase((file) => writeFileSync(file, readFileSync(file).fill(0xa5, 2 * 4_096))),
      /cannot be read|does not verify/,
    ],
    [
      'when its database is cut to a half',
      inDatabase((file) =>
        truncateSync(file, Math.floor(readFileSync(file).length / 8_192) * 4_096),
      ),
      /cut short/,
    ],
    ['when its database is empty', inDatabase((file) => truncateSync(file, 0)), /missing or empty/],
    [
      'when a record of it is damaged',
      (bad) => tamper(bad, (kv) => [flipped(kv, 'entries', numberKey(100))]),
      /does not verify: entry 100: entries: the check value/,
    ],
    [
      'when an entry of it was tampered with',
      (bad) =>
        tamper(bad, (kv) => [
          forgedEntry(kv, 100n, (entry) => {
            entry.amount = '0.001';
          }),
        ]),
      /does not verify: entry 100: .*take another/,
    ],
  ])('%s', async (_what, damage, why) => {
    const bad = path.join(folder, `bad-${(copies += 1)}`);
    copyData(backup, bad);
    await damage(bad);
    const before = digestsOf(dataDir);
    const names = readdirSync(dataDir);
    const { code, out, err } = await restoreFrom(bad, dataDir);
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toMatch(/^Nothing was restored: /);
    expect(err).toMatch(why);
    expect(digestsOf(dataDir)).toEqual(before);
    expect(readdirSync(dataDir)).toEqual(names);
  });

  test('and it serves what it had', async () => {
    const sidecar = await serving(dataDir);
    expect(await spentBy(sidecar, 'a')).toBe('3');
  });
});
