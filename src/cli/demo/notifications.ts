import { createHmac, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { admin, makeAgents, spend } from './calls.js';
import type { Child } from './child.js';
import type { Story } from './story.js';

const SECRET = 'a-secret-of-the-demo';

/** How long a notification may take to arrive. */
const ARRIVAL_MS_MAX = 10_000;

/** A webhook on this machine is told of what happens. Guide: "Budget Alerts", NotificationManager. */
export async function notifications({ agents, operators }: Child, story: Story): Promise<void> {
  const receiver = await startReceiver();
  try {
    const value = { url: receiver.url, secrets: [SECRET] };
    const { channel } = await operators.call(admin.createNotificationChannel, {
      channelId: 'operators',
      target: { case: 'webhook', value },
      agentIds: ['reporter'],
    });
    const { target } = channel ?? {};
    const shown = target?.case === 'webhook' ? target.value : undefined;
    story.equal('A channel shows how many secrets it has:', String(shown?.secretCount), '1');
    story.equal('and of its URL', shown?.origin, new URL(receiver.url).origin);

    const test = receiver.next();
    const tested = await operators.call(admin.testNotificationChannel, { channelId: 'operators' });
    story.equal('A test of it is answered with', String(tested.status), '204');
    story.expect((await test).genuine, 'The receiver verifies its signature.');

    const told = receiver.next();
    await makeAgents(operators, 'background_tasks', [['reporter', '100', 5]]);
    await spend(agents, 'reporter', '85');
    const { kind, violation } = JSON.parse((await told).body) as Told;
    story.equal('15 % remain, and it is told:', `${kind} ${violation.type}`, 'OPENED LOW_BUDGET');
  } finally {
    receiver.close();
  }
}

interface Told {
  readonly kind: string;
  readonly violation: { readonly type: string };
}

interface Request {
  readonly body: string;
  readonly genuine: boolean;
}

interface Receiver {
  readonly url: string;
  /** The next request, from now on. */
  next(): Promise<Request>;
  close(): void;
}

async function startReceiver(): Promise<Receiver> {
  const waiting: ((request: Request) => void)[] = [];
  const server = createServer((request, response) => {
    void bodyOf(request).then((body) => {
      response.writeHead(204).end();
      waiting.shift()?.({ body, genuine: isGenuine(request, body) });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/budgets`,
    next: () =>
      new Promise((resolve, reject) => {
        const late = () => reject(new Error('A notification did not arrive in time.'));
        const timer = setTimeout(late, ARRIVAL_MS_MAX);
        waiting.push((request) => {
          clearTimeout(timer);
          resolve(request);
        });
      }),
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

/** As docs/notifications.md has it, but for the age. */
function isGenuine({ headers }: IncomingMessage, body: string): boolean {
  const header = String(headers['safeguards-signature']);
  const [, seconds = '', signature = ''] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(header) ?? [];
  const expected = createHmac('sha256', SECRET).update(`${seconds}.${body}`).digest();
  const given = Buffer.from(signature, 'hex');
  return given.length === expected.length && timingSafeEqual(given, expected);
}
