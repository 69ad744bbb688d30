/** Notifications of a real sidecar to real receivers: through kill -9, silence and their return. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { BudgetAdminService } from '../../src/gen/safeguards/v1/budget_admin_service_pb.js';
import { BudgetService } from '../../src/gen/safeguards/v1/budget_service_pb.js';
import { DeliveryState, type Delivery } from '../../src/gen/safeguards/v1/channel_pb.js';
import { Severity } from '../../src/gen/safeguards/v1/severity_pb.js';
import { ViolationType } from '../../src/gen/safeguards/v1/violation_pb.js';
import { ViolationService } from '../../src/gen/safeguards/v1/violation_service_pb.js';
import { respond, startReceiver, type Answer, type Receiver } from '../delivery/receiver.js';
import { knowSecret } from '../support/secrets.js';
import { isGenuine } from '../support/signature.js';
import { Connection } from './client.js';
import { serveOn, type Serving } from './process.js';
import { temporaryDataDir } from './temporary.js';

const admin = BudgetAdminService.method;

const SECRET = knowSecret('a signing secret', 'a-secret-of-the-receiver-1');
const TOKEN = knowSecret('the token of a receiver', 'a-token-of-the-receiver');
const PATH = knowSecret('the path of a receiver', '/services/a-path-that-is-a-key');
const FLAGS = ['--webhook-private-addresses'];

const silence: Answer = () => undefined;

let dataDir: string;
let sidecar: Serving;
let operator: Connection;
let agent: Connection;
let receiver: Receiver;
/** How the receiver answers now. */
let answer: Answer;
/** What the sidecars have said so far. */
let said: string;

beforeEach(async () => {
  said = '';
  answer = respond(200, 'ok');
  receiver = await startReceiver((...request) => answer(...request));
  dataDir = temporaryDataDir();
  await start();
  await operator.call(admin.createAgent, { agentId: 'a', name: 'a', initialBudget: '1000' });
});
afterEach(async () => {
  await end('SIGKILL');
  await receiver.close();
});

async function start(): Promise<void> {
  sidecar = await serveOn(dataDir, FLAGS);
  operator = new Connection(sidecar.admin, sidecar.token);
  agent = new Connection(sidecar.agent);
}

async function end(signal: NodeJS.Signals): Promise<number | null> {
  operator.close();
  agent.close();
  const ended = await sidecar.end(signal);
  said += ended.said;
  return ended.code;
}

async function makeChannel(channelId: string, port = receiver.port): Promise<void> {
  const value = {
    url: `http://127.0.0.1:${port}${PATH}`,
    secrets: [SECRET],
    headers: [{ name: 'authorization', value: `Bearer ${TOKEN}` }],
  };
  const target = { case: 'webhook', value } as const;
  await operator.call(admin.createNotificationChannel, {
    channelId,
    target,
    cooldown: { seconds: 0n },
  });
}

let reports = 0;
async function report(agentId = 'a'): Promise<void> {
  reports += 1;
  await agent.call(ViolationService.method.reportViolation, {
    requestId: `report ${reports}`,
    agentId,
    type: ViolationType.CUSTOM,
    severity: Severity.HIGH,
    message: `report ${reports}`,
  });
}

async function listed(): Promise<readonly Delivery[]> {
  return (await operator.call(admin.listDeliveries, {})).deliveries;
}

const idsOf = ({ received }: Receiver) =>
  received.map(({ headers }) => String(headers['safeguards-delivery']));

/** Waits until something holds, for as long as back-off may take. */
const eventually = (what: () => unknown) => expect.poll(what, { timeout: 30_000, interval: 50 });

test('what was under way at kill -9 is delivered after the restart, under its id', async () => {
  answer = silence;
  await makeChannel('ops');
  await report();
  await eventually(() => receiver.received.length).toBe(1);
  await end('SIGKILL');

  answer = respond(204);
  await start();
  await eventually(() => receiver.received.length).toBe(2);
  await eventually(listed).toEqual([]);
  const [first, second] = receiver.received;
  expect(second?.headers['safeguards-delivery']).toBe(first?.headers['safeguards-delivery']);
  expect(second?.body).toBe(first?.body);
  expect(JSON.parse(second?.body ?? '')).toMatchObject({
    channel_id: 'ops',
    delivery_id: second?.headers['safeguards-delivery'],
    kind: 'OPENED',
    violation: { type: 'CUSTOM', severity: 'HIGH', agent_id: 'a', source: 'REPORTED' },
  });

  for (const { headers, body, path } of receiver.received) {
    const signature = String(headers['safeguards-signature']);
    expect(await isGenuine(signature, Buffer.from(body), SECRET)).toBe(true);
    expect(await isGenuine(signature, Buffer.from(`${body} `), SECRET)).toBe(false);
    expect([headers['authorization'], path]).toEqual([`Bearer ${TOKEN}`, PATH]);
  }
});

test('what happened while nobody could be told is told after the restart', async () => {
  await makeChannel('ops', 9);
  for (let n = 0; n < 5; n += 1) await report();
  await end('SIGKILL');
  await start();
  const url = `http://127.0.0.1:${receiver.port}/`;
  await operator.call(admin.updateNotificationChannel, {
    channel: { id: 'ops', target: { case: 'webhook', value: { url } } },
    updateMask: { paths: ['webhook.url'] },
  });
  await eventually(() => new Set(idsOf(receiver)).size).toBe(5);
  await eventually(listed).toEqual([]);
});

test('a receiver that was down is told when it is back', async () => {
  await makeChannel('ops');
  const { port } = receiver;
  await receiver.close();
  await report();
  await eventually(async () => (await listed())[0]?.attempts ?? 0).toBeGreaterThan(1);
  const [waiting] = await listed();
  expect(waiting).toMatchObject({
    state: DeliveryState.PENDING,
    lastAttempt: { status: 0, reason: expect.stringContaining('ECONNREFUSED') as string },
  });
  receiver = await startReceiver(respond(200), { port });
  await eventually(listed).toEqual([]);
  expect(idsOf(receiver)).toEqual([waiting?.id]);
});

test('what was refused is a dead letter, and arrives when it is tried again', async () => {
  answer = respond(410, `no ${TOKEN} here, nor ${SECRET}`);
  await makeChannel('ops');
  const tested = await operator.call(admin.testNotificationChannel, { channelId: 'ops' });
  expect(tested).toMatchObject({ delivered: false, status: 410 });
  await report();
  await eventually(async () => (await listed())[0]?.state).toBe(DeliveryState.DEAD);
  const [letter] = await listed();
  const excerpt = 'no [redacted] here, nor [redacted]';
  expect(letter).toMatchObject({ attempts: 1, lastAttempt: { status: 410, excerpt } });
  expect(tested.excerpt).toBe(excerpt);

  answer = respond(200);
  expect(await operator.call(admin.testNotificationChannel, { channelId: 'ops' })).toMatchObject({
    delivered: true,
    status: 200,
  });
  const deliveryId = letter?.id ?? '';
  await operator.call(admin.retryDelivery, { deliveryId });
  await eventually(listed).toEqual([]);
  expect(idsOf(receiver).filter((id) => !id.startsWith('test-'))).toEqual([deliveryId, deliveryId]);
  expect(await end('SIGTERM')).toBe(0);
  for (const secret of [SECRET, TOKEN, PATH]) expect(said).not.toContain(secret);
  expect(said).toContain('dead letters');
  await start();
});

test('neither a spend nor the end waits for receivers that never answer', async () => {
  const { port } = receiver;
  answer = silence;
  let spends = 0;
  /** Spends one after the other, every tenth with a violation; milliseconds, shortest first. */
  const measured = async (agentId: string): Promise<readonly number[]> => {
    const times: number[] = [];
    for (let n = 0; n < 300; n += 1) {
      spends += 1;
      const request = { requestId: `spend ${spends}`, agentId, amount: '0.01' };
      const begun = performance.now();
      await agent.call(BudgetService.method.spend, request);
      times.push(performance.now() - begun);
      if (n % 10 === 0) await report(agentId);
    }
    return times.sort((a, b) => a - b);
  };
  await measured('a');
  const alone = await measured('a');
  // The agent's reports are bounded, and those of the measurement before count.
  await operator.call(admin.createAgent, { agentId: 'b', name: 'b', initialBudget: '1000' });
  for (let n = 0; n < 10; n += 1) await makeChannel(`silent-${n}`, port);
  const told = await measured('b');
  await eventually(() => receiver.received.length).toBeGreaterThanOrEqual(16);
  const figure = (times: readonly number[], share: number) =>
    (times[Math.floor((times.length - 1) * share)] ?? 0).toFixed(1);
  const text = (times: readonly number[]) =>
    `p50 ${figure(times, 0.5)} ms, p99 ${figure(times, 0.99)} ms, max ${figure(times, 1)} ms`;
  process.stdout.write(`spends alone: ${text(alone)}; 10 silent receivers: ${text(told)}\n`);
  // A request to a receiver lasts 10 s: whatever waited for one would show.
  expect(Number(figure(told, 1))).toBeLessThan(5_000);

  const begun = performance.now();
  expect(await end('SIGTERM')).toBe(0);
  expect(performance.now() - begun).toBeLessThan(8_000);
  await start();
  expect((await listed()).length).toBeGreaterThan(16);
});

test('an address of this host is called only where that is allowed', async () => {
  await end('SIGTERM');
  sidecar = await serveOn(dataDir);
  operator = new Connection(sidecar.admin, sidecar.token);
  agent = new Connection(sidecar.agent);
  await expect(makeChannel('ops')).rejects.toThrow('malformed');
  await end('SIGTERM');
  sidecar = await serveOn(dataDir, ['--webhook-allowed-ranges', '127.0.0.0/8']);
  operator = new Connection(sidecar.admin, sidecar.token);
  agent = new Connection(sidecar.agent);
  await makeChannel('ops');
  await report();
  await eventually(() => receiver.received.length).toBe(1);
});
