/** The stream of violations of a real sidecar: through kill -9, and with a thousand watchers. */
import { expect, test } from 'vitest';
import { BudgetAdminService } from '../../src/gen/safeguards/v1/budget_admin_service_pb.js';
import { BudgetService } from '../../src/gen/safeguards/v1/budget_service_pb.js';
import { ViolationType } from '../../src/gen/safeguards/v1/violation_pb.js';
import { ViolationService } from '../../src/gen/safeguards/v1/violation_service_pb.js';
import { numberFrom, randomFrom } from '../support/seed.js';
import { Connection } from './client.js';
import { serveOn, type Serving } from './process.js';
import { temporaryDataDir } from './temporary.js';

const AGENTS = 60;
const ROUNDS = 4;

const { createAgent } = BudgetAdminService.method;
const { reportViolation, watchViolations } = ViolationService.method;

async function makeAgents(sidecar: Serving): Promise<void> {
  const operator = new Connection(sidecar.admin, sidecar.token);
  for (let at = 0; at < AGENTS; at += 1) {
    const agentId = `a-${at}`;
    await operator.call(createAgent, { agentId, name: agentId, initialBudget: '1000' });
  }
  operator.close();
}

/** A consumer as the documentation has it: it keeps the sequence of what it saw last. */
class Consumer {
  readonly seen: number[] = [];
  readonly violations: string[] = [];
  cursor = 0;
  storeId = '';

  /** Reads until the stream ends by whatever means, or it has seen an event, or it leaves early. */
  async read(sidecar: Serving, until: () => boolean): Promise<void> {
    const connection = new Connection(sidecar.agent);
    const request = { afterSequence: BigInt(this.cursor), storeId: this.storeId };
    try {
      for await (const { message } of connection.stream(watchViolations, request)) {
        if (message.case === 'bookmark') {
          expect(Number(message.value.sequence)).toBeGreaterThanOrEqual(this.cursor);
          this.cursor = Number(message.value.sequence);
          this.storeId = message.value.storeId;
        }
        if (message.case === 'event') {
          this.cursor = Number(message.value.sequence);
          this.seen.push(this.cursor);
          this.violations.push(message.value.violation?.message ?? '');
        }
        if (until()) return;
      }
    } catch (error) {
      // The sidecar was killed. Everything else is a failure of the test.
      expect(String(error)).toMatch(/UNAVAILABLE|ECONNRE|INTERNAL.*RST_STREAM|CANCELLED/);
    } finally {
      connection.close();
    }
  }
}

test('a consumer that resumes sees every event once, through kill -9 and its own ends', async () => {
  const seed = numberFrom('SAFEGUARDS_SEED', Date.now() & 0x7fffffff);
  process.stdout.write(`violations through kill -9: SAFEGUARDS_SEED=${seed}\n`);
  const random = randomFrom(seed);
  const dataDir = temporaryDataDir();
  const consumers = [new Consumer(), new Consumer(), new Consumer()];
  const acknowledged: string[] = [];
  let reported = 0;

  let sidecar = await serveOn(dataDir);
  await makeAgents(sidecar);
  for (let round = 0; round < ROUNDS; round += 1) {
    const now = sidecar;
    let killed = false;
    const follow = async (consumer: Consumer): Promise<void> => {
      // Now and then it leaves by itself, and comes back with its cursor.
      while (!killed) await consumer.read(now, () => killed || random() < 0.02);
    };
    const write = async (): Promise<void> => {
      const connection = new Connection(now.agent);
      while (!killed) {
        reported += 1;
        const message = `report ${reported}`;
        const agentId = `a-${reported % AGENTS}`;
        const request = { requestId: message, agentId, type: ViolationType.CUSTOM, message };
        await connection.call(reportViolation, request).then(
          () => acknowledged.push(message),
          () => undefined,
        );
      }
      connection.close();
    };
    const working = [write(), write(), ...consumers.map(follow)];
    const enough = acknowledged.length + 100 + Math.floor(random() * 100);
    await expect.poll(() => acknowledged.length, { timeout: 30_000 }).toBeGreaterThan(enough);
    const ended = now.end('SIGKILL');
    await ended;
    killed = true;
    await Promise.all(working);
    sidecar = await serveOn(dataDir);
  }

  const last = new Connection(sidecar.agent);
  const { violations } = await last.call(ViolationService.method.listViolations, { pageSize: 1 });
  last.close();
  const head = Number(violations[0]?.id);
  const all = Array.from({ length: head }, (_, at) => at + 1);
  for (const consumer of consumers) {
    if (consumer.cursor < head) await consumer.read(sidecar, () => consumer.cursor >= head);
    expect(consumer.seen).toEqual(all);
    const found = new Set(consumer.violations);
    expect(acknowledged.filter((message) => !found.has(message))).toEqual([]);
    expect(found.size).toBe(head);
  }
  const { code } = await sidecar.end('SIGTERM');
  expect(code).toBe(0);
});

test('a thousand watchers do not hold up spends', async () => {
  const sidecar = await serveOn(temporaryDataDir());
  await makeAgents(sidecar);
  const agent = new Connection(sidecar.agent);
  let spends = 0;
  /** Spends one after the other while reports come; the times in milliseconds, shortest first. */
  const measured = async (): Promise<readonly number[]> => {
    const times: number[] = [];
    for (let at = 0; at < AGENTS; at += 1) {
      const agentId = `a-${at}`;
      spends += 1;
      const requestId = `request ${spends}`;
      await agent.call(reportViolation, {
        requestId,
        agentId,
        type: ViolationType.CUSTOM,
        message: requestId,
      });
      for (let again = 0; again < 5; again += 1) {
        spends += 1;
        const begun = performance.now();
        const spend = { requestId: `spend ${spends}`, agentId, amount: '0.01' };
        await agent.call(BudgetService.method.spend, spend);
        times.push(performance.now() - begun);
      }
    }
    return times.sort((a, b) => a - b);
  };
  await measured();
  const alone = await measured();

  const connections = [new Connection(sidecar.agent), new Connection(sidecar.agent)];
  const seen = Array.from({ length: 1_000 }, (): number[] => []);
  let live = 0;
  let left = false;
  const follow = async (events: number[], at: number): Promise<void> => {
    try {
      for await (const { message } of connections[at % 2]!.stream(watchViolations, {})) {
        if (message.case === 'bookmark') live += 1;
        if (message.case === 'event') events.push(Number(message.value.sequence));
      }
    } catch (error) {
      if (!left) throw error;
    }
  };
  const following = seen.map(follow);
  await expect.poll(() => live, { timeout: 30_000 }).toBe(1_000);
  const watched = await measured();
  const complete = () => seen.filter((events) => events.length === AGENTS).length;
  await expect.poll(complete, { timeout: 30_000 }).toBe(1_000);
  const expected = Array.from({ length: AGENTS }, (_, at) => 2 * AGENTS + at + 1);
  for (const events of seen) expect(events).toEqual(expected);

  const figure = (times: readonly number[], share: number) =>
    (times[Math.floor((times.length - 1) * share)] ?? 0).toFixed(1);
  const said = (times: readonly number[]) =>
    `p50 ${figure(times, 0.5)} ms, p99 ${figure(times, 0.99)} ms, max ${figure(times, 1)} ms`;
  process.stdout.write(`spends alone: ${said(alone)}; watched by 1000: ${said(watched)}\n`);
  left = true;
  const ended = sidecar.end('SIGTERM');
  await Promise.all(following);
  expect((await ended).code).toBe(0);
  for (const connection of [agent, ...connections]) connection.close();
});
