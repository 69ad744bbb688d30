/** SIGTERM while a real sidecar is busy. */
import { status } from '@grpc/grpc-js';
import { expect, onTestFinished, test } from 'vitest';
import {
  Health,
  HealthCheckResponse_ServingStatus as Status,
} from '../../src/gen/grpc/health/v1/health_pb.js';
import { BudgetService } from '../../src/gen/safeguards/v1/budget_service_pb.js';
import { ViolationType } from '../../src/gen/safeguards/v1/violation_pb.js';
import { ViolationService } from '../../src/gen/safeguards/v1/violation_service_pb.js';
import { CallFailed, Connection } from './client.js';
import { serveOn, type Serving } from './process.js';
import { temporaryDataDir } from './temporary.js';
import { makeAgent, verify } from './traffic.js';

const WRITERS = 24;
const GRACE_MS = 10_000;
const api = BudgetService.method;

async function serving(dataDir: string, flags: readonly string[] = []): Promise<Serving> {
  const sidecar = await serveOn(dataDir, flags);
  onTestFinished(async () => {
    await sidecar.end('SIGKILL');
  });
  return sidecar;
}

/** Spends until it is not answered. Resolves with how that was told. */
async function spendUntilEnd(
  connection: Connection,
  name: string,
  acknowledged: Map<string, bigint>,
): Promise<CallFailed> {
  for (let at = 0; ; at += 1) {
    const requestId = `${name}-${at}`;
    try {
      const answer = await connection.call(api.spend, { requestId, agentId: 'a', amount: '0.01' });
      acknowledged.set(requestId, answer.sequence);
    } catch (error) {
      if (error instanceof CallFailed) return error;
      throw error;
    }
  }
}

test('SIGTERM under load: told first, nothing acknowledged lost, streams resume, gone in time', async () => {
  const dataDir = temporaryDataDir();
  const sidecar = await serving(dataDir, ['--shutdown-grace=10s']);
  await makeAgent(sidecar, 'a');
  const acknowledged = new Map<string, bigint>();
  const writers = Array.from({ length: WRITERS }, () => new Connection(sidecar.agent));
  const watcher = new Connection(sidecar.agent);
  const told: string[] = [];

  const health = (async () => {
    for await (const one of watcher.stream(Health.method.watch, {})) {
      told.push(one.status === Status.SERVING ? 'SERVING' : 'NOT_SERVING');
    }
  })().catch(() => told.push('health over'));
  let cursor = 0n;
  let storeId = '';
  const violations = (async () => {
    const { watchViolations } = ViolationService.method;
    for await (const { message } of watcher.stream(watchViolations, {})) {
      if (message.case === 'bookmark') ({ sequence: cursor, storeId } = message.value);
      if (message.case === 'event') cursor = message.value.sequence;
    }
  })().catch((error: unknown) => {
    told.push('violations over');
    return error;
  });
  const ends = writers.map((one, at) => spendUntilEnd(one, `w${at}`, acknowledged));
  const report = { agentId: 'a', type: ViolationType.CUSTOM, message: 'seen' };
  await watcher.call(ViolationService.method.reportViolation, { ...report, requestId: 'v-1' });
  await expect.poll(() => acknowledged.size, { timeout: 30_000 }).toBeGreaterThan(500);

  const began = performance.now();
  const { code, signal } = await sidecar.end('SIGTERM');
  const took = performance.now() - began;
  expect({ code, signal }).toEqual({ code: 0, signal: null });
  expect(took).toBeLessThan(GRACE_MS);
  for (const end of await Promise.all(ends)) expect(end.code).toBe('UNAVAILABLE');
  await health;
  const end = await violations;
  expect(told.slice(0, 2)).toEqual(['SERVING', 'NOT_SERVING']);
  expect(end).toMatchObject({ code: status.UNAVAILABLE });
  process.stdout.write(
    `stopped under ${WRITERS} writers after ${acknowledged.size} answers in ${took.toFixed(0)} ms\n`,
  );

  const again = await serving(dataDir);
  const replaying = new Connection(again.agent);
  for (const [requestId, sequence] of acknowledged) {
    const answer = await replaying.call(api.spend, { requestId, agentId: 'a', amount: '0.01' });
    expect({ requestId, replayed: answer.replayed, sequence: answer.sequence }).toEqual({
      requestId,
      replayed: true,
      sequence,
    });
  }
  const later = { ...report, requestId: 'v-2', message: 'after' };
  await replaying.call(ViolationService.method.reportViolation, later);
  const from = { afterSequence: cursor, storeId };
  for await (const { message } of replaying.stream(ViolationService.method.watchViolations, from)) {
    if (message.case !== 'event') continue;
    // Right after what was seen, without gap and without repetition.
    expect(message.value.sequence).toBe(cursor + 1n);
    expect(message.value.violation?.message).toBe('after');
    break;
  }
  replaying.close();
  expect(await verify(again)).toEqual([]);
  for (const connection of [...writers, watcher]) connection.close();
});

test('a sidecar that lingers serves until its last agent leaves', async () => {
  const sidecar = await serving(temporaryDataDir(), ['--shutdown-linger=60s']);
  await makeAgent(sidecar, 'a');
  const agent = new Connection(sidecar.agent);
  const request = { agentId: 'a', amount: '1' };
  await agent.call(api.spend, { ...request, requestId: 'before' });
  process.kill(sidecar.pid, 'SIGTERM');
  const health = async () => (await agent.call(Health.method.check, {})).status;
  await expect.poll(health, { timeout: 10_000 }).toBe(Status.NOT_SERVING);
  // Who is there is served, and so is who comes.
  expect((await agent.call(api.spend, { ...request, requestId: 'after' })).replayed).toBe(false);
  const newcomer = new Connection(sidecar.agent);
  expect((await newcomer.call(api.spend, { ...request, requestId: 'late' })).replayed).toBe(false);
  newcomer.close();
  agent.close();
  const { code } = await sidecar.ended;
  expect(code).toBe(0);
});

test('a sidecar that lingers leaves when the time is over, whoever is connected', async () => {
  const sidecar = await serving(temporaryDataDir(), ['--shutdown-linger=300ms']);
  await makeAgent(sidecar, 'a');
  const agent = new Connection(sidecar.agent);
  await agent.call(api.getBudget, { agentId: 'a' });
  const { code } = await sidecar.end('SIGTERM');
  expect(code).toBe(0);
  agent.close();
});
