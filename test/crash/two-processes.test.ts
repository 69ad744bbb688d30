import { readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { BudgetService } from '../../src/gen/safeguards/v1/budget_service_pb.js';
import { Connection } from './client.js';
import { refusal, serveOn, type Serving } from './process.js';
import { temporaryDataDir } from './temporary.js';
import { makeAgent, spendOften, spentBy, verify } from './traffic.js';

/** Starts a sidecar that is gone when the test is over. */
async function serving(dataDir: string): Promise<Serving> {
  const sidecar = await serveOn(dataDir);
  onTestFinished(async () => {
    await sidecar.end('SIGKILL');
  });
  return sidecar;
}

test('a second sidecar on the same data is refused, and the first goes on', async () => {
  const dataDir = temporaryDataDir();
  const first = await serving(dataDir);
  await makeAgent(first, 'a');
  const { code, signal, said } = await refusal(dataDir);
  expect({ code, signal }).toEqual({ code: 1, signal: null });
  expect(said).toContain(`Another sidecar serves ${dataDir}`);
  await spendOften(first, 'a', 0, 100);
  expect(await spentBy(first, 'a')).toBe('1');
});

test('a sidecar starts at once after the one before was killed', async () => {
  const dataDir = temporaryDataDir();
  const first = await serving(dataDir);
  await makeAgent(first, 'a');
  await spendOften(first, 'a', 0, 100);
  expect((await first.end('SIGKILL')).signal).toBe('SIGKILL');
  const second = await serving(dataDir);
  expect(await spentBy(second, 'a')).toBe('1');
});

test('of many sidecars that start at once after a kill, exactly one serves', async () => {
  const dataDir = temporaryDataDir();
  const first = await serving(dataDir);
  await makeAgent(first, 'a');
  await first.end('SIGKILL');
  const starts = await Promise.allSettled([1, 2, 3, 4].map(() => serving(dataDir)));
  const served = starts.filter((start) => start.status === 'fulfilled').map(({ value }) => value);
  expect(served).toHaveLength(1);
  await spendOften(served[0]!, 'a', 0, 100);
  expect(await verify(served[0]!)).toEqual([]);
});

test('a sidecar whose store another one took over writes nothing more and leaves', async () => {
  const dataDir = temporaryDataDir();
  const first = await serving(dataDir);
  await makeAgent(first, 'a');
  await spendOften(first, 'a', 0, 100);
  // Somebody who removes the locks gets past them.
  for (const name of readdirSync(dataDir)) {
    if (name.startsWith('lock')) rmSync(path.join(dataDir, name));
  }
  const second = await serving(dataDir);
  await spendOften(second, 'a', 100, 200);

  const connection = new Connection(first.agent);
  const request = { requestId: 'late', agentId: 'a', amount: '1' };
  const answer = await connection.call(BudgetService.method.spend, request).catch(String);
  connection.close();
  expect(answer).toContain('UNAVAILABLE');
  const { code, signal } = await first.ended;
  expect({ code, signal }).toEqual({ code: 1, signal: null });

  await spendOften(second, 'a', 0, 300);
  expect(await spentBy(second, 'a')).toBe('3');
  expect(await verify(second)).toEqual([]);
});
