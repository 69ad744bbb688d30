/** Many clients of a real sidecar that want the same money, and requests that are sent again. */
import { expect, onTestFinished, test } from 'vitest';
import { BudgetAdminService } from '../../src/gen/safeguards/v1/budget_admin_service_pb.js';
import { BudgetService } from '../../src/gen/safeguards/v1/budget_service_pb.js';
import { Decision } from '../../src/gen/safeguards/v1/decision_pb.js';
import { numberFrom, randomFrom } from '../support/seed.js';
import { CallFailed, Connection } from './client.js';
import { serveOn, type Serving } from './process.js';
import { temporaryDataDir } from './temporary.js';
import { verify } from './traffic.js';

const CLIENTS = 1_000;
const api = BudgetService.method;

async function serving(dataDir: string, flags: readonly string[] = []): Promise<Serving> {
  const sidecar = await serveOn(dataDir, flags);
  onTestFinished(async () => {
    await sidecar.end('SIGKILL');
  });
  return sidecar;
}

async function makeAgent(sidecar: Serving, agentId: string, initialBudget: string): Promise<void> {
  const operator = new Connection(sidecar.admin, sidecar.token);
  await operator.call(BudgetAdminService.method.createAgent, {
    agentId,
    name: agentId,
    initialBudget,
  });
  operator.close();
}

test.each([
  ['1', '1', 1],
  ['10', '3', 3],
  ['0.7', '0.1', 7],
  ['99.99', '0.1', 999],
])(
  'of a thousand clients that want %s by %s each, exactly %i are approved',
  async (budget, amount, expected) => {
    const sidecar = await serving(temporaryDataDir(), ['--connections-max=1100']);
    await makeAgent(sidecar, 'a', budget);
    const connections = Array.from({ length: CLIENTS }, () => new Connection(sidecar.agent));
    // All are there before the first one asks.
    await Promise.all(connections.map((one) => one.call(api.getBudget, { agentId: 'a' })));
    const answers = await Promise.all(
      connections.map((one, at) => {
        const request = { requestId: `r-${at}`, agentId: 'a', amount };
        // Half of them hold it first.
        return at % 2 === 0 ? one.call(api.spend, request) : one.call(api.reserve, request);
      }),
    );
    const approved = answers.filter(({ decision }) => decision === Decision.APPROVED).length;
    expect(approved).toBe(expected);
    for (const one of connections) one.close();
    expect(await verify(sidecar)).toEqual([]);
  },
);

test('every request sent one to five times, across a restart, has one effect', async () => {
  const seed = numberFrom('SAFEGUARDS_SEED', Date.now() & 0x7fffffff);
  process.stdout.write(`requests sent again: SAFEGUARDS_SEED=${seed}\n`);
  const random = randomFrom(seed);
  const dataDir = temporaryDataDir();
  let sidecar = await serving(dataDir);
  await makeAgent(sidecar, 'a', '1000000');
  const requests = Array.from({ length: 500 }, (_, at) => {
    return { requestId: `r-${at}`, agentId: 'a', amount: String(1 + Math.floor(random() * 9)) };
  });
  const copies = requests.flatMap((request) => {
    return Array.from({ length: 1 + Math.floor(random() * 5) }, () => request);
  });
  copies.sort(() => random() - 0.5);
  const half = Math.floor(copies.length / 2);
  const sequences = new Map<string, bigint>();
  let fresh = 0;
  const send = async (parts: readonly (typeof requests)[number][]): Promise<void> => {
    const connections = Array.from({ length: 32 }, () => new Connection(sidecar.agent));
    const left = parts.values();
    await Promise.all(
      connections.map(async (connection) => {
        for (const request of left) {
          const answer = await connection.call(api.spend, request);
          expect(answer.grantedAmount).toBe(request.amount);
          const known = sequences.get(request.requestId);
          if (known !== undefined) expect(answer.sequence).toBe(known);
          sequences.set(request.requestId, answer.sequence);
          if (!answer.replayed) fresh += 1;
        }
      }),
    );
    for (const connection of connections) connection.close();
  };
  await send(copies.slice(0, half));
  await sidecar.end('SIGKILL');
  sidecar = await serving(dataDir);
  await send(copies.slice(half));

  expect(fresh).toBe(requests.length);
  expect(new Set(sequences.values()).size).toBe(requests.length);
  const connection = new Connection(sidecar.agent);
  const { budget } = await connection.call(api.getBudget, { agentId: 'a' });
  const sum = requests.reduce((total, { amount }) => total + Number(amount), 0);
  expect(budget?.spent).toBe(String(sum));
  for (const request of requests.slice(0, 20)) {
    const other = { ...request, amount: '77' };
    const refused = await connection.call(api.spend, other).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(CallFailed);
    expect((refused as CallFailed).reason).toBe('REQUEST_ID_REUSED');
  }
  connection.close();
  expect(await verify(sidecar)).toEqual([]);
});
