import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { BudgetAdminService } from '../../src/gen/safeguards/v1/budget_admin_service_pb.js';
import { ROOT } from '../support/sidecar.js';
import { run } from '../support/tools.js';
import { Connection } from './client.js';
import { refusal, serveOn, type Serving } from './process.js';
import { temporaryDataDir } from './temporary.js';
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
  const restore = (from: string) => {
    const words = ['restore', '--from', path.join(backups, from), '--data-dir', dataDir];
    return run(process.execPath, [path.join(ROOT, 'dist/main.js'), ...words]);
  };
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
