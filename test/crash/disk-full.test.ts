/** A disk that fills up, on a small file system of its own: that takes the right to mount one. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statfsSync, writeFileSync, existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { setTimeout as pass } from 'node:timers/promises';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import {
  BudgetAdminService,
  DiskLevel,
} from '../../src/gen/safeguards/v1/budget_admin_service_pb.js';
import { BudgetService } from '../../src/gen/safeguards/v1/budget_service_pb.js';
import { CallFailed, Connection } from './client.js';
import { serveOn, type Serving } from './process.js';
import { makeAgent, spendOften, spentBy, verify } from './traffic.js';

const MIB = 2 ** 20;
const DISK_MIB = 32;
const FLAGS = [
  ['--disk-soft-bytes', '16MiB'],
  ['--disk-hard-bytes', '8MiB'],
  ['--disk-ballast-bytes', '4MiB'],
].flat();

/** A file system of 32 MiB, or undefined where none can be mounted. */
function smallDisk(): string | undefined {
  const folder = mkdtempSync(path.join(tmpdir(), 'safeguards-disk-'));
  const words = ['-t', 'tmpfs', '-o', `size=${DISK_MIB}m`, 'safeguards-test', folder];
  const { status } = spawnSync('mount', words, { stdio: 'ignore' });
  onTestFinished(() => {
    if (status === 0) spawnSync('umount', ['-l', folder]);
    rmSync(folder, { recursive: true, force: true });
  });
  if (status === 0) return folder;
  if (process.env['SAFEGUARDS_REQUIRE_TOOLS'] === '1') throw new Error('cannot mount a tmpfs');
  process.stderr.write('SKIPPED: a file system of its own cannot be mounted here\n');
  return undefined;
}

/** The reason a call was refused with, or OK. */
async function verdict(call: Promise<unknown>): Promise<string> {
  return call.then(
    () => 'OK',
    (error: unknown) => {
      if (error instanceof CallFailed) return error.reason ?? error.code;
      throw error;
    },
  );
}

async function level(sidecar: Serving): Promise<DiskLevel> {
  const operator = new Connection(sidecar.admin, sidecar.token);
  const info = await operator.call(BudgetAdminService.method.getServerInfo, {});
  operator.close();
  return info.diskLevel;
}

async function until(what: () => Promise<boolean>): Promise<void> {
  await expect.poll(what, { timeout: 20_000, interval: 50 }).toBe(true);
}

test('a full disk is refused by steps, nothing is lost, and it ends by itself', async ({
  skip,
}) => {
  const disk = smallDisk();
  if (disk === undefined) return skip();
  const dataDir = path.join(disk, 'data');
  const sidecar = await serveOn(dataDir, FLAGS);
  onTestFinished(async () => {
    await sidecar.end('SIGKILL');
  });
  await makeAgent(sidecar, 'a');
  await spendOften(sidecar, 'a', 0, 500);
  const agent = new Connection(sidecar.agent);
  onTestFinished(() => agent.close());
  const spend = (requestId: string) =>
    agent.call(BudgetService.method.spend, { requestId, agentId: 'a', amount: '1' });
  const hold = async (requestId: string) => {
    const request = { requestId, agentId: 'a', amount: '1' };
    const { reservation } = await agent.call(BudgetService.method.reserve, request);
    return reservation?.id ?? '';
  };
  const commit = (reservationId: string) =>
    agent.call(BudgetService.method.commit, { requestId: `c-${reservationId}`, reservationId });
  const release = (reservationId: string) =>
    agent.call(BudgetService.method.release, { requestId: `l-${reservationId}`, reservationId });
  const [first, second, third] = [await hold('r-1'), await hold('r-2'), await hold('r-3')];
  expect(existsSync(path.join(dataDir, 'ballast'))).toBe(true);

  const fill = (leave: number) => {
    const { bavail, bsize } = statfsSync(disk);
    const bytes = Math.max(0, bavail * bsize - leave);
    writeFileSync(path.join(disk, `others-${leave}`), Buffer.alloc(bytes));
  };
  fill(14 * MIB);
  await until(async () => (await level(sidecar)) === DiskLevel.LOW);
  expect(await verdict(spend('low'))).toBe('DISK_LOW');
  expect(await verdict(commit(first))).toBe('OK');
  expect(await verdict(release(third))).toBe('OK');

  fill(2 * MIB);
  await until(async () => (await level(sidecar)) === DiskLevel.FULL);
  expect(existsSync(path.join(dataDir, 'ballast'))).toBe(false);
  expect(await verdict(commit(second))).toBe('DISK_LOW');
  expect(await verdict(spend('full'))).toBe('DISK_LOW');
  expect(await spentBy(sidecar, 'a')).toBe('6');

  // Others take what the ballast gave back, to the last byte: nothing is written, so nobody notices.
  fill(0);
  expect(statfsSync(disk).bavail).toBe(0);
  for (let call = 0; call < 20; call += 1) {
    expect(await verdict(commit(second))).toBe('DISK_LOW');
    expect(await spentBy(sidecar, 'a')).toBe('6');
    await pass(100);
  }

  for (const leave of [14, 2, 0]) rmSync(path.join(disk, `others-${leave * MIB}`));
  await until(async () => (await level(sidecar)) === DiskLevel.OK);
  expect(await verdict(commit(second))).toBe('OK');
  expect(await verdict(spend('again'))).toBe('OK');
  expect(existsSync(path.join(dataDir, 'ballast'))).toBe(true);
  expect(await spentBy(sidecar, 'a')).toBe('8');
  expect(await verify(sidecar)).toEqual([]);
});

test('spends that fill the disk themselves are refused before it is full', async ({ skip }) => {
  const disk = smallDisk();
  if (disk === undefined) return skip();
  const dataDir = path.join(disk, 'data');
  const sidecar = await serveOn(dataDir, FLAGS);
  onTestFinished(async () => {
    await sidecar.end('SIGKILL');
  });
  await makeAgent(sidecar, 'a');
  let acknowledged = 0;
  const refused = await verdict(
    (async () => {
      for (; acknowledged < 200_000; acknowledged += 100) {
        await spendOften(sidecar, 'a', acknowledged, acknowledged + 100);
      }
    })(),
  );
  process.stdout.write(`the disk took ${acknowledged} spends\n`);
  expect(refused).toBe('DISK_LOW');
  expect(await spentBy(sidecar, 'a')).toBe(`${acknowledged / 100}`);
  expect((await sidecar.end('SIGTERM')).code).toBe(0);
  const next = await serveOn(dataDir, FLAGS);
  onTestFinished(async () => {
    await next.end('SIGKILL');
  });
  expect(await spentBy(next, 'a')).toBe(`${acknowledged / 100}`);
  expect(await verify(next)).toEqual([]);
});
