import { Client, Metadata, compressionAlgorithms, credentials, status } from '@grpc/grpc-js';
import type { ServiceError } from '@grpc/grpc-js';
import { once } from 'node:events';
import { randomBytes } from 'node:crypto';
import { describe, expect, onTestFinished, test } from 'vitest';
import { reject } from '../../src/domain/answer.js';
import { BudgetAdminService } from '../../src/gen/safeguards/v1/budget_admin_service_pb.js';
import { BudgetService } from '../../src/gen/safeguards/v1/budget_service_pb.js';
import { Decision } from '../../src/gen/safeguards/v1/decision_pb.js';
import type { Caller } from '../../src/ledger/api.js';
import { deferred } from './support/deferred.js';
import { fakeLedger } from './support/fake-ledger.js';
import { asAdmin, connect, failing, failureOf, headers, pathOf, unary } from './support/grpc.js';
import type { Failure } from './support/grpc.js';
import { LIMITS, serve } from './support/harness.js';
import { amount, outcome } from './support/rows.js';

const { spend, getBudget, batchGetBudgets } = BudgetService.method;
const { getServerInfo, createPool, verifyLedger, backup } = BudgetAdminService.method;

const GZIP = { 'grpc.default_compression_algorithm': compressionAlgorithms.gzip };
const SPEND = { requestId: 'r-1', agentId: 'agent-1', amount: '10' };

describe('a call over gRPC', () => {
  test('reaches the ledger as a command and comes back as an answer', async () => {
    const ledger = fakeLedger();
    const { agent } = await serve({ ledger });
    const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
    const response = await unary(
      connect(agent),
      spend,
      { ...SPEND, amount: '10.50', quantities: { tokens: '3' } },
      headers({ traceparent: `00-${traceId}-00f067aa0ba902b7-01` }),
    );
    expect(ledger.commands).toEqual([
      {
        method: 'SPEND',
        requestId: 'r-1',
        agentId: 'agent-1',
        amount: amount('10.5'),
        mode: 'STRICT',
        category: '',
        quantities: [{ name: 'tokens', amount: amount('3') }],
        unit: '',
        runId: '',
        metadata: [],
        dryRun: false,
      },
    ]);
    expect(ledger.callers[0]).toMatchObject({ principal: 'agent', traceId });
    expect(response.decision).toBe(Decision.APPROVED);
    expect(response.grantedAmount).toBe('10.5');
    expect(response.budget?.available).toBe('64.5');
  });

  test('that is malformed names every field at once', async () => {
    const { agent } = await serve();
    const failure = await failing(connect(agent), spend, { amount: '-1', mode: 9 as never });
    expect(failure).toMatchObject({
      code: 'INVALID_ARGUMENT',
      reason: 'INVALID_REQUEST',
      domain: 'safeguards.dev',
      fields: ['request_id', 'agent_id', 'amount', 'mode'],
      metadata: { fields: 'request_id,agent_id,amount,mode' },
    });
  });

  test('whose bytes are no message is malformed too, and is not the sidecar’s fault', async () => {
    const { agent } = await serve();
    for (const bytes of [Buffer.from([0xff]), Buffer.from([0x0a, 2, 0xc3, 0x28]), garbage()]) {
      // Fields that are missing would be named.
      const expected = { code: 'INVALID_ARGUMENT', reason: 'INVALID_REQUEST', fields: [] };
      expect(await raw(agent, pathOf(spend), bytes)).toMatchObject(expected);
    }
  });

  test('that the ledger rejects carries reason, metadata and when to come back', async () => {
    const busy = { ...reject('SERVER_BUSY', 'Too much is queued', { queued: '9' }) };
    const ledger = fakeLedger({ execute: async () => ({ ...busy, retryAfterMs: 1_250 }) });
    const { agent } = await serve({ ledger });
    expect(await failing(connect(agent), spend, SPEND)).toEqual({
      code: 'RESOURCE_EXHAUSTED',
      message: 'Too much is queued',
      reason: 'SERVER_BUSY',
      domain: 'safeguards.dev',
      metadata: { queued: '9' },
      fields: [],
      retryAfterMs: 1_250,
    });
  });

  test.each([
    ['rejects', { execute: () => Promise.reject(new Error('disk secret')) }],
    [
      'throws',
      {
        execute: () => {
          throw new Error('disk secret');
        },
      },
    ],
  ])('whose ledger %s tells an id, and the log the rest', async (_how, over) => {
    const { agent, lines } = await serve({ ledger: fakeLedger(over) });
    const failure = await failing(connect(agent), spend, SPEND);
    expect(failure).toMatchObject({ code: 'INTERNAL', reason: 'INTERNAL' });
    expect(JSON.stringify(failure)).not.toContain('secret');
    const line = lines.find(({ level }) => level === 'error');
    expect(line?.fields).toMatchObject({
      errorId: failure.metadata['error_id'],
      method: '/safeguards.v1.BudgetService/Spend',
    });
    expect(line?.fields['cause']).toContain('disk secret');
  });

  test('that is cancelled is not wanted any more', async () => {
    const asked = deferred<Caller>();
    const ledger = fakeLedger({
      execute: (_command, caller) => {
        asked.resolve(caller);
        return new Promise(() => undefined);
      },
    });
    const { agent } = await serve({ ledger });
    const client = connect(agent);
    const cancelled = deferred<ServiceError | null>();
    const call = client.makeUnaryRequest(
      pathOf(spend),
      (bytes: Buffer) => bytes,
      (bytes: Buffer) => bytes,
      Buffer.from([0x0a, 1, 0x61, 0x12, 1, 0x61, 0x1a, 1, 0x31]),
      (error) => cancelled.resolve(error),
    );
    const caller = await asked.promise;
    expect(caller.abandoned?.()).toBe(false);
    call.cancel();
    expect((await cancelled.promise)?.code).toBe(status.CANCELLED);
    await expect.poll(() => caller.abandoned?.()).toBe(true);
  });

  test('past its deadline is not wanted any more', async () => {
    let asked: Caller | undefined;
    const ledger = fakeLedger({
      execute: (_command, caller) => {
        asked = caller;
        return new Promise(() => undefined);
      },
    });
    const { agent } = await serve({ ledger });
    const client = connect(agent);
    // A busy machine may take longer to connect than the call has time.
    await new Promise((resolve) => client.waitForReady(Date.now() + 15_000, resolve));
    const failure = await failing(client, spend, SPEND, undefined, {
      deadline: new Date(Date.now() + 1_000),
    });
    expect(failure.code).toBe('DEADLINE_EXCEEDED');
    await expect.poll(() => asked?.abandoned?.()).toBe(true);
  });
});

describe('messages', () => {
  test('larger than allowed are RESOURCE_EXHAUSTED, and the next call is served', async () => {
    const { agent } = await serve();
    const client = connect(agent);
    const failure = await failing(client, spend, {
      ...SPEND,
      category: 'x'.repeat(LIMITS.messageBytesMax),
    });
    expect(failure.code).toBe('RESOURCE_EXHAUSTED');
    await expect(unary(client, spend, SPEND)).resolves.toMatchObject({ replayed: false });
  });

  test('may be compressed', async () => {
    const ledger = fakeLedger();
    const { agent } = await serve({ ledger });
    await unary(connect(agent, GZIP), spend, SPEND);
    expect(ledger.commands).toMatchObject([{ requestId: 'r-1' }]);
  });

  test('that are small only while compressed are refused', async () => {
    const ledger = fakeLedger();
    const { agent } = await serve({ ledger });
    const client = connect(agent, GZIP);
    const failure = await failing(client, spend, { ...SPEND, category: 'x'.repeat(1_000_000) });
    expect(failure.code).toBe('RESOURCE_EXHAUSTED');
    expect(ledger.commands).toEqual([]);
  });
});

describe('the admin listener', () => {
  test('asks for the token before it looks at the request', async () => {
    const { admin } = await serve();
    const client = connect(admin);
    expect(await failing(client, createPool, {})).toMatchObject({
      code: 'UNAUTHENTICATED',
      reason: 'CREDENTIALS_MISSING',
    });
    expect(await failing(client, createPool, {}, asAdmin())).toMatchObject({
      reason: 'INVALID_REQUEST',
    });
  });

  test.each(['Bearer wrong', 'Bearer', 'Basic a-token-of-some-length', 'a-token-of-some-length'])(
    'does not know "%s"',
    async (authorization) => {
      const { admin } = await serve();
      const failure = await failing(connect(admin), createPool, {}, headers({ authorization }));
      expect(failure.reason).toBe('CREDENTIALS_INVALID');
    },
  );

  test('asks nothing when that is configured', async () => {
    const ledger = fakeLedger();
    const { admin } = await serve({ ledger, asks: { agent: 'ANYONE', admin: 'ANYONE' } });
    await unary(connect(admin), createPool, { name: 'Pool' });
    expect(ledger.callers).toMatchObject([{ principal: 'admin' }]);
  });

  test('serves agents’ methods too', async () => {
    const ledger = fakeLedger();
    const { admin } = await serve({ ledger });
    await unary(connect(admin), spend, SPEND, asAdmin());
    expect(ledger.callers).toMatchObject([{ principal: 'admin' }]);
  });

  test('says what the sidecar is', async () => {
    const { admin } = await serve();
    const info = await unary(connect(admin), getServerInfo, {}, asAdmin());
    expect(info).toMatchObject({
      version: '1.2.3',
      storeId: 'store-1',
      durability: 'fsync',
      limits: { message_bytes_max: '65536' },
      headSequence: 12n,
      startTime: { seconds: 1n, nanos: 0 },
    });
  });

  test('verifies and backs up', async () => {
    const { admin } = await serve();
    const client = connect(admin);
    const report = await unary(client, verifyLedger, {}, asAdmin());
    expect(report).toMatchObject({
      clean: true,
      entryCount: 12n,
      elapsed: { seconds: 1n, nanos: 500_000_000 },
    });
    expect(await unary(client, backup, { name: 'b-1' }, asAdmin())).toMatchObject({
      name: 'b-1',
      sizeBytes: 4_096n,
    });
    expect(await failing(client, backup, { name: '../b' }, asAdmin())).toMatchObject({
      fields: ['name'],
    });
  });
});

describe('budgets', () => {
  test('are read one by one and together', async () => {
    const { agent } = await serve();
    const client = connect(agent);
    const { budget } = await unary(client, getBudget, { agentId: 'agent-1' });
    expect(budget?.remaining).toBe('59.5');
    const { budgets } = await unary(client, batchGetBudgets, { agentIds: ['agent-1', 'agent-1'] });
    expect(budgets).toEqual([budget]);
  });

  test('of unknown agents are not found, and all the unknown are named', async () => {
    const { agent } = await serve();
    const client = connect(agent);
    expect(await failing(client, getBudget, { agentId: 'x' })).toMatchObject({
      code: 'NOT_FOUND',
      reason: 'AGENT_NOT_FOUND',
      metadata: { agent_id: 'x' },
    });
    expect(
      await failing(client, batchGetBudgets, { agentIds: ['x', 'agent-1', 'y'] }),
    ).toMatchObject({ reason: 'AGENT_NOT_FOUND', metadata: { agent_ids: 'x y' } });
  });

  test('of very many unknown agents still make an error that clients can take', async () => {
    const { agent } = await serve({ limits: { messageBytesMax: 1_000_000 } });
    const agentIds = Array.from({ length: 1_000 }, (_, at) => `${'x'.repeat(120)}${at}`);
    const failure = await failing(connect(agent), batchGetBudgets, { agentIds });
    const named = failure.metadata['agent_ids']!.split(' ');
    expect(named.length).toBeGreaterThan(10);
    expect(named.length + Number(failure.metadata['agent_ids_omitted'])).toBe(1_000);
    const invalid = await failing(connect(agent), batchGetBudgets, {
      agentIds: agentIds.map((id) => `${id} `),
    });
    expect(invalid.fields.length).toBeGreaterThan(10);
    expect(Number(invalid.metadata['violations_omitted']) + invalid.fields.length).toBe(1_000);
  });
});

describe('a batch', () => {
  test('answers every item, the malformed ones with their fields', async () => {
    const ledger = fakeLedger();
    const { agent } = await serve({ ledger });
    const { results, budgets } = await unary(connect(agent), BudgetService.method.batchSpend, {
      items: [SPEND, { requestId: 'r-2', agentId: 'agent-1', amount: 'x', dryRun: true }],
    });
    expect(results.map(({ requestId, result }) => [requestId, result.case])).toEqual([
      ['r-1', 'outcome'],
      ['r-2', 'error'],
    ]);
    expect(results[0]?.result.value).toMatchObject({ grantedAmount: '10', available: '64.5' });
    expect(results[1]?.result.value).toMatchObject({
      code: 3,
      reason: 1,
      metadata: {
        fields: 'items[1].amount,items[1].dry_run',
        'items[1].dry_run': 'Leave it out here and use Spend for a dry run',
      },
    });
    expect(budgets.map(({ agentId }) => agentId)).toEqual(['agent-1']);
  });

  test('of nothing, or of too much, is refused as a whole', async () => {
    const { agent } = await serve({ limits: { batchItemsMax: 2 } });
    const client = connect(agent);
    for (const items of [[], [SPEND, SPEND, SPEND]]) {
      expect(await failing(client, BudgetService.method.batchSpend, { items })).toMatchObject({
        code: 'INVALID_ARGUMENT',
        reason: 'BATCH_TOO_LARGE',
        metadata: { batch_items_max: '2' },
      });
    }
  });
});

test('a denial is an answer', async () => {
  const denial = {
    reason: 'INSUFFICIENT_BUDGET',
    ruleId: 'agent-1',
    limit: amount('105'),
    counted: amount('40.5'),
    shortfall: amount('1'),
    largestAmount: amount('64.5'),
    retryTime: 1_500,
    message: 'Not enough.',
  } as const;
  const ledger = fakeLedger({
    execute: async () => outcome({ verdict: 'DENIED', denial, amount: 0n, sequence: 0 }),
  });
  const { agent } = await serve({ ledger });
  expect(await unary(connect(agent), spend, SPEND)).toMatchObject({
    decision: Decision.DENIED,
    grantedAmount: '0',
    sequence: 0n,
    denial: {
      reason: 1,
      ruleId: 'agent-1',
      limit: '105',
      counted: '40.5',
      shortfall: '1',
      largestAmount: '64.5',
      retryTime: { seconds: 1n, nanos: 500_000_000 },
      message: 'Not enough.',
    },
  });
});

test('many calls at once are all answered', async () => {
  const { agent } = await serve();
  const client = connect(agent);
  const answers = await Promise.all(
    Array.from({ length: 500 }, (_, at) => unary(client, spend, { ...SPEND, amount: String(at) })),
  );
  expect(answers.map(({ grantedAmount }) => Number(grantedAmount))).toEqual(
    Array.from({ length: 500 }, (_, at) => at),
  );
});

function garbage(): Buffer {
  return Buffer.concat([Buffer.from([0x0f]), randomBytes(64)]);
}

async function raw(address: string, path: string, bytes: Buffer): Promise<Failure> {
  const client = new Client(address, credentials.createInsecure());
  onTestFinished(() => client.close());
  const asIs = (value: Buffer): Buffer => value;
  const call = client.makeUnaryRequest(path, asIs, asIs, bytes, new Metadata(), () => undefined);
  const [ended] = (await once(call, 'status')) as [ServiceError];
  return failureOf(ended);
}
