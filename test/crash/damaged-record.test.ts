/** One damaged record under a process that serves: a start after a clean stop does not read it. */
import path from 'node:path';
import { beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { BudgetAdminService } from '../../src/gen/safeguards/v1/budget_admin_service_pb.js';
import { BudgetService } from '../../src/gen/safeguards/v1/budget_service_pb.js';
import {
  MetricsService,
  UsageGranularity,
} from '../../src/gen/safeguards/v1/metrics_service_pb.js';
import { idempotencyKey, numberKey, textKey } from '../../src/store/keys.js';
import type { KeyValueStore, Table } from '../../src/store/kv.js';
import { CallFailed, Connection } from './client.js';
import { serveOn, type Serving } from './process.js';
import { copyData, flipped, movedTime, tamper, uidOf } from './tamper.js';
import { temporaryFolder } from './temporary.js';
import { makeAgent, spendOften, spentBy, verify } from './traffic.js';

const folder = temporaryFolder();
const sound = path.join(folder, 'sound');
const SPENDS = 300;

/** An early spend of agent a. */
let sequence = 0n;
/** A hold of agent a. */
let hold = '';

beforeAll(async () => {
  const sidecar = await serveOn(sound);
  for (const agentId of ['a', 'b']) await makeAgent(sidecar, agentId);
  const agents = new Connection(sidecar.agent);
  ({ sequence } = await agents.call(BudgetService.method.spend, spendOf('a', 'early')));
  const call = { requestId: 'held', agentId: 'a', amount: '5', ttl: { seconds: 3_600n } };
  hold = (await agents.call(BudgetService.method.reserve, call)).reservation?.id ?? '';
  agents.close();
  for (const agentId of ['a', 'b']) await spendOften(sidecar, agentId, 0, SPENDS);
  await sidecar.end('SIGTERM');
});

function spendOf(agentId: string, requestId: string) {
  return { requestId, agentId, amount: '0.01' };
}

/** A sidecar on a copy of the store, in which one record is damaged. */
async function servingDamaged(
  table: Table,
  keyOf: (kv: KeyValueStore) => Buffer,
  aheadMs = 0n,
): Promise<Serving> {
  const dataDir = path.join(folder, `copy-${(copies += 1)}`);
  copyData(sound, dataDir);
  await tamper(dataDir, (kv) => [flipped(kv, table, keyOf(kv)), movedTime(kv, aheadMs)]);
  const sidecar = await serveOn(dataDir, ['--sweep-interval', '100ms']);
  onTestFinished(async () => {
    await sidecar.end('SIGKILL');
  });
  return sidecar;
}

let copies = 0;

interface Clients {
  readonly agent: Connection;
  readonly operator: Connection;
}

interface Damage {
  readonly table: Table;
  readonly key: (kv: KeyValueStore) => Buffer;
  readonly calls: Readonly<Record<string, (clients: Clients) => Promise<unknown>>>;
}

const DAMAGES: readonly Damage[] = [
  {
    table: 'entries',
    key: () => numberKey(Number(sequence)),
    calls: {
      ExportLedger: async ({ operator }) => {
        const exported = operator.stream(MetricsService.method.exportLedger, {});
        for await (const { entry } of exported) expect(entry?.sequence).toBeLessThan(sequence);
      },
      GetUsageHistory: ({ operator }) =>
        operator.call(MetricsService.method.getUsageHistory, {
          agentId: 'a',
          granularity: UsageGranularity.ENTRY,
          pageSize: 1_000,
        }),
      RefundSpend: ({ operator }) => {
        const refund = { requestId: 'refund', sequence, amount: '0.01' };
        return operator.call(BudgetAdminService.method.refundSpend, refund);
      },
    },
  },
  {
    table: 'agents',
    key: (kv) => numberKey(uidOf(kv, 'a')),
    calls: {
      GetBudget: ({ agent }) => agent.call(BudgetService.method.getBudget, { agentId: 'a' }),
      Spend: ({ agent }) => agent.call(BudgetService.method.spend, spendOf('a', 'new')),
    },
  },
  {
    table: 'agent_ids',
    key: () => textKey('a'),
    calls: {
      GetBudget: ({ agent }) => agent.call(BudgetService.method.getBudget, { agentId: 'a' }),
      Spend: ({ agent }) => agent.call(BudgetService.method.spend, spendOf('a', 'new')),
    },
  },
  {
    table: 'idempotency',
    key: (kv) => idempotencyKey(uidOf(kv, 'a'), 'SPEND', 'early'),
    calls: {
      'Spend again': ({ agent }) => agent.call(BudgetService.method.spend, spendOf('a', 'early')),
    },
  },
  {
    table: 'reservations',
    key: () => textKey(hold),
    calls: {
      GetReservation: ({ agent }) =>
        agent.call(BudgetService.method.getReservation, { reservationId: hold }),
      Commit: ({ agent }) =>
        agent.call(BudgetService.method.commit, {
          requestId: 'commit',
          reservationId: hold,
          amount: '1',
        }),
    },
  },
];

test.each(DAMAGES)('whoever needs a damaged record of $table is told, nobody else', async (row) => {
  const sidecar = await servingDamaged(row.table, row.key);
  const clients = {
    agent: new Connection(sidecar.agent),
    operator: new Connection(sidecar.admin, sidecar.token),
  };
  const ids: string[] = [];
  for (const [name, call] of Object.entries(row.calls)) {
    const failure: unknown = await call(clients).then(
      () => new Error(`${name} was answered`),
      (error: unknown) => error,
    );
    if (!(failure instanceof CallFailed)) throw failure;
    const { code, reason, message } = failure;
    expect({ name, code, reason }).toEqual({ name, code: 'DATA_LOSS', reason: 'LEDGER_CORRUPT' });
    expect(message).toMatch(/Verify it and restore/);
    ids.push(failure.info['error_id'] ?? 'none');
  }
  clients.agent.close();
  clients.operator.close();

  await spendOften(sidecar, 'b', 0, SPENDS + 100);
  expect(await spentBy(sidecar, 'b')).toBe('4');
  expect((await verify(sidecar)).join('\n')).toContain(`${row.table}: `);
  const { code, signal, said } = await sidecar.end('SIGTERM');
  expect({ code, signal }).toEqual({ code: 0, signal: null });
  for (const id of ids) {
    const line = said.split('\n').find((each) => each.includes(id));
    expect(line).toMatch(new RegExp(`${row.table}: .*check value`));
    expect(line).toMatch(/safeguards verify.*restore/);
  }
});

const HOUR_MS = 3_600_000n;

test.each(DAMAGES)(
  'a damaged record of $table whose time comes disturbs nobody else',
  async (row) => {
    // The hold has expired then, and the answers of all requests are to be forgotten.
    const sidecar = await servingDamaged(row.table, row.key, 25n * HOUR_MS);
    const agent = new Connection(sidecar.agent);
    const reserved = async (agentId: string): Promise<string | undefined> => {
      const { budget } = await agent.call(BudgetService.method.getBudget, { agentId });
      return budget?.reserved;
    };
    await spendOften(sidecar, 'b', SPENDS, SPENDS + 100);
    expect(await spentBy(sidecar, 'b')).toBe('4');
    // Nobody spends meanwhile: it expires by itself, many sweeps later.
    const call = { requestId: 'short', agentId: 'b', amount: '7', ttl: { seconds: 1n } };
    await agent.call(BudgetService.method.reserve, call);
    await vi.waitUntil(async () => (await reserved('b')) === '0', {
      timeout: 30_000,
      interval: 50,
    });
    await spendOften(sidecar, 'b', SPENDS + 100, SPENDS + 200);
    expect(await spentBy(sidecar, 'b')).toBe('5');
    agent.close();
    const { code, signal, said } = await sidecar.end('SIGTERM');
    expect({ code, signal }).toEqual({ code: 0, signal: null });
    const lines = said.split('\n').filter((line) => line.includes(`${row.table}: the check value`));
    // Nobody needs the id of an agent to expire its holds.
    expect(lines).toHaveLength(row.table === 'agent_ids' ? 0 : 1);
    for (const line of lines) expect(line).toMatch(/safeguards verify and restore a backup/);
  },
);

test('a damaged newest entry does not keep a sidecar from stopping', async () => {
  const sidecar = await servingDamaged('entries', (kv) => {
    const [newest] = kv.range('entries', { reverse: true, limit: 1 });
    return newest!.key;
  });
  const { code, signal, said } = await sidecar.end('SIGTERM');
  expect({ code, signal, said }).toEqual({ code: 0, signal: null, said: '' });
});
