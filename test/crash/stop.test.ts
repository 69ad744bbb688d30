/** SIGTERM while a real sidecar is busy. */
import type { MessageInitShape } from '@bufbuild/protobuf';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { expect, onTestFinished, test, vi } from 'vitest';
import {
  Health,
  HealthCheckResponse_ServingStatus as Status,
} from '../../src/gen/grpc/health/v1/health_pb.js';
import { BudgetAdminService } from '../../src/gen/safeguards/v1/budget_admin_service_pb.js';
import { BudgetService } from '../../src/gen/safeguards/v1/budget_service_pb.js';
import { ViolationType } from '../../src/gen/safeguards/v1/violation_pb.js';
import { ViolationService } from '../../src/gen/safeguards/v1/violation_service_pb.js';
import { knowSecret } from '../support/secrets.js';
import { ROOT, withoutSettings } from '../support/sidecar.js';
import { CallFailed, Connection } from './client.js';
import { serveOn, type Serving } from './process.js';
import { temporaryDataDir } from './temporary.js';
import { makeAgent, verify } from './traffic.js';

const WRITERS = 24;
const GRACE_MS = 10_000;
const REPORTERS = 20;
const REPORT = { agentId: 'a', type: ViolationType.CUSTOM };
const api = BudgetService.method;
const { reportViolation, watchViolations } = ViolationService.method;

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

/** A consumer of violations, which keeps what it saw. */
class Follower {
  readonly seen: number[] = [];
  readonly messages: string[] = [];
  storeId = '';

  /** Reads until the stream ends or enough was seen. Resolves with how it ended, if it did. */
  async follow(
    connection: Connection,
    request: MessageInitShape<typeof watchViolations.input>,
    isEnough = () => false,
  ): Promise<CallFailed | undefined> {
    try {
      for await (const { message } of connection.stream(watchViolations, request)) {
        if (message.case === 'bookmark') this.storeId = message.value.storeId;
        if (message.case !== 'event') continue;
        this.seen.push(Number(message.value.sequence));
        this.messages.push(message.value.violation?.message ?? '');
        if (isEnough()) break;
      }
    } catch (error) {
      if (error instanceof CallFailed) return error;
      throw error;
    }
    return undefined;
  }
}

/** Reports violations of many agents until that is not answered. */
async function reportUntilEnd(sidecar: Serving, acknowledged: string[]): Promise<CallFailed> {
  const connection = new Connection(sidecar.agent);
  for (let at = 0; ; at += 1) {
    const message = `report ${at}`;
    const request = {
      ...REPORT,
      agentId: `reporter-${at % REPORTERS}`,
      requestId: message,
      message,
    };
    try {
      await connection.call(reportViolation, request);
      acknowledged.push(message);
    } catch (error) {
      if (!(error instanceof CallFailed)) throw error;
      if (error.reason === 'TOO_MANY_REPORTS') continue;
      connection.close();
      return error;
    }
  }
}

test('SIGTERM under load: told first, nothing acknowledged lost, streams resume, gone in time', async () => {
  const dataDir = temporaryDataDir();
  const sidecar = await serving(dataDir, ['--shutdown-grace=10s']);
  await makeAgent(sidecar, 'a');
  for (let at = 0; at < REPORTERS; at += 1) await makeAgent(sidecar, `reporter-${at}`);
  const acknowledged = new Map<string, bigint>();
  const writers = Array.from({ length: WRITERS }, () => new Connection(sidecar.agent));
  const watcher = new Connection(sidecar.agent);
  const told: string[] = [];

  const health = (async () => {
    for await (const one of watcher.stream(Health.method.watch, {})) {
      told.push(one.status === Status.SERVING ? 'SERVING' : 'NOT_SERVING');
    }
  })().catch(() => told.push('health over'));
  const violations = new Follower();
  const followed = violations.follow(watcher, { oldest: true }).then((end) => {
    told.push('violations over');
    return end;
  });
  const budgets = (async () => {
    let heard = 0;
    for await (const { event } of watcher.stream(api.watchBudgets, { agentIds: ['a'] })) {
      if (event.case !== undefined) heard += 1;
    }
    return heard;
  })().catch((error: unknown) => error);
  const ends = writers.map((one, at) => spendUntilEnd(one, `w${at}`, acknowledged));
  const reports: string[] = [];
  const reporting = reportUntilEnd(sidecar, reports);
  await expect.poll(() => acknowledged.size, { timeout: 30_000 }).toBeGreaterThan(500);
  await expect.poll(() => violations.seen.length, { timeout: 30_000 }).toBeGreaterThan(20);

  const began = performance.now();
  const { code, signal } = await sidecar.end('SIGTERM');
  const took = performance.now() - began;
  expect({ code, signal }).toEqual({ code: 0, signal: null });
  expect(took).toBeLessThan(GRACE_MS);
  for (const end of await Promise.all(ends)) expect(end.code).toBe('UNAVAILABLE');
  expect((await reporting).code).toBe('UNAVAILABLE');
  await health;
  expect(told.slice(0, 2)).toEqual(['SERVING', 'NOT_SERVING']);
  // Every stream is told why it ends, and this one where it stands: after the last that it was sent.
  const end = await followed;
  expect(end).toMatchObject({ code: 'UNAVAILABLE', reason: 'SHUTTING_DOWN' });
  expect(await budgets).toMatchObject({ code: 'UNAVAILABLE', reason: 'SHUTTING_DOWN' });
  const cursor = BigInt(end?.info['last_sequence'] ?? '');
  expect(cursor).toBe(BigInt(violations.seen.length));
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
  await replaying.call(reportViolation, { ...REPORT, requestId: 'later', message: 'later' });
  reports.push('later');
  const from = { afterSequence: cursor, storeId: violations.storeId };
  await violations.follow(replaying, from, () => violations.messages.at(-1) === 'later');
  // Every event once and in order, on both sides of the end.
  expect(violations.seen).toEqual(violations.seen.map((_, at) => at + 1));
  const found = new Set(violations.messages);
  expect(reports.filter((message) => !found.has(message))).toEqual([]);
  replaying.close();
  expect(await verify(again)).toEqual([]);
  for (const connection of [...writers, watcher]) connection.close();
});

test('a sidecar that lingers serves until its last agent leaves', async () => {
  const dataDir = temporaryDataDir();
  const flags = ['--shutdown-linger=60s', '--reload-interval=1s'];
  const sidecar = await serving(dataDir, flags);
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
  // Another token is taken all the while, and the old one is not any more.
  const { getServerInfo } = BudgetAdminService.method;
  const next = knowSecret('the next admin token', 'another-admin-token-of-32-chars.');
  writeFileSync(path.join(dataDir, 'admin.token'), `${next}\n`, { mode: 0o600 });
  const operators = [sidecar.token, next].map((token) => new Connection(sidecar.admin, token));
  const admitted = () =>
    Promise.all(
      operators.map((one) =>
        one.call(getServerInfo, {}).then(
          () => 'taken',
          () => 'refused',
        ),
      ),
    );
  await expect.poll(admitted, { timeout: 20_000 }).toEqual(['refused', 'taken']);
  for (const one of operators) one.close();
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

test.each([
  ['is refused', ['--agent-listen', 'nowhere'], undefined],
  ['is killed at once', [], 300],
] as const)('a start that %s leaves no process behind', async (_how, flags, killAfterMs) => {
  const own = ['dist/main.js', 'serve', '--data-dir', temporaryDataDir(), ...flags];
  const child = spawn(process.execPath, own, {
    cwd: ROOT,
    env: withoutSettings(),
    stdio: 'ignore',
    // What it starts is of its group, and can be found by that when it has gone.
    detached: true,
  });
  const ended = once(child, 'exit');
  const group = -(child.pid ?? 0);
  onTestFinished(() => {
    if (alive(group)) process.kill(group, 'SIGKILL');
  });
  if (killAfterMs !== undefined) {
    await setTimeout(killAfterMs);
    child.kill('SIGKILL');
  }
  await ended;
  await vi.waitFor(() => {
    expect(alive(group)).toBe(false);
  }, 3_000);
});

function alive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
