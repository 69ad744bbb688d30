/** What concurrent clients of a real sidecar see, through kill -9, is one history per agent. */
import { expect, test } from 'vitest';
import { BudgetAdminService } from '../../src/gen/safeguards/v1/budget_admin_service_pb.js';
import { MetricsService } from '../../src/gen/safeguards/v1/metrics_service_pb.js';
import { budgetMachine } from '../linear/budget-machine.js';
import { linearize } from '../linear/checker.js';
import { money, numberFrom, randomFrom } from '../support/seed.js';
import { Chain } from './book.js';
import { Connection } from './client.js';
import { AgentHistory, LinearClient, send } from './linear-client.js';
import { serveOn } from './process.js';
import { temporaryDataDir } from './temporary.js';

const ROUNDS = numberFrom('SAFEGUARDS_LINEAR_ROUNDS', 4);
const SEED = numberFrom('SAFEGUARDS_SEED', Date.now() & 0x7fffffff);
const CLIENTS = 16;
const ANSWERS_PER_ROUND = 400;
/** Enough for a part of what is asked: denials and partial grants are part of the histories. */
const ALLOCATED = String(600 * ROUNDS);

const admin = BudgetAdminService.method;

test(
  'every agent’s history of concurrent clients and kills is one that a single hand could have made',
  { timeout: ROUNDS * 30_000 + 60_000 },
  async () => {
    process.stdout.write(
      `linearizable: SAFEGUARDS_SEED=${SEED} SAFEGUARDS_LINEAR_ROUNDS=${ROUNDS}\n`,
    );
    const random = randomFrom(SEED);
    const dataDir = temporaryDataDir();
    const histories = ['a', 'b', 'c'].map((agentId) => new AgentHistory(agentId));
    const clients = Array.from({ length: CLIENTS }, (_, at) => {
      return new LinearClient(`c${at}`, SEED + at, histories);
    });

    let sidecar = await serveOn(dataDir);
    let operator = new Connection(sidecar.admin, sidecar.token);
    for (const { agentId } of histories) {
      const agent = { agentId, name: agentId, initialBudget: ALLOCATED };
      await operator.call(admin.createAgent, agent);
    }
    for (let round = 0; round < ROUNDS; round += 1) {
      const now = sidecar;
      const connections = clients.map(() => new Connection(now.agent));
      let left = ANSWERS_PER_ROUND + Math.floor(random() * ANSWERS_PER_ROUND);
      const answered = (): void => {
        left -= 1;
        if (left === 0) process.kill(now.pid, 'SIGKILL');
      };
      await Promise.all(clients.map((client, at) => client.run(connections[at]!, answered)));
      expect((await now.ended).signal).toBe('SIGKILL');
      for (const history of histories) history.settle(performance.now());
      for (const connection of [...connections, operator]) connection.close();
      sidecar = await serveOn(dataDir);
      operator = new Connection(sidecar.admin, sidecar.token);
      // A quiet look at each budget: what was acknowledged is there before anything else is sent.
      const reader = new Connection(sidecar.agent);
      for (const history of histories) await send(reader, history, { kind: 'get' });
      reader.close();
    }

    const rare = { replays: 0, reused: 0, lost: 0 };
    for (const { agentId, operations } of histories) {
      const { linearizable, order, states } = linearize(
        budgetMachine(money(ALLOCATED)),
        operations,
      );
      const lost = operations.filter(({ output }) => output === undefined).length;
      const said = (verdict: string) =>
        operations.filter(({ output }) => output?.verdict === verdict).length;
      const replays = operations.filter(({ output }) => output?.replayed === true).length;
      process.stdout.write(
        `agent ${agentId}: ${operations.length} operations, ${lost} without an answer, ` +
          `${replays} replays, ${said('DENIED')} denied, ${said('REQUEST_ID_REUSED')} reused, ` +
          `${states} states\n`,
      );
      const stuck = linearizable ? [] : aroundTheEnd(operations, order);
      expect(stuck, `agent ${agentId}`).toEqual([]);
      expect(linearizable).toBe(true);
      rare.replays += replays;
      rare.reused += said('REQUEST_ID_REUSED');
      rare.lost += lost;
    }
    // What the histories are there for is in them.
    expect(Math.min(...Object.values(rare))).toBeGreaterThan(0);
    // And the ledger has every request once.
    const chain = new Chain();
    for await (const entry of operator.stream(MetricsService.method.exportLedger, {})) {
      chain.follow(entry);
    }
    const report = await operator.call(admin.verifyLedger, {});
    expect(report.clean).toBe(true);
    operator.close();
    expect((await sidecar.end('SIGTERM')).code).toBe(0);
  },
);

/** The operations at which the search got stuck, as text. */
function aroundTheEnd(
  operations: AgentHistory['operations'],
  order: readonly number[],
): readonly string[] {
  const print = (_name: string, value: unknown) => (typeof value === 'bigint' ? `${value}` : value);
  const done = new Set(order);
  const left = operations.filter((_, at) => !done.has(at)).slice(0, 6);
  const last = order.slice(-4).map((at) => operations[at]);
  return [...last, 'stuck before', ...left].map((one) => JSON.stringify(one, print));
}
