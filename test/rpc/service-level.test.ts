import type { MessageInitShape } from '@bufbuild/protobuf';
import { describe, expect, test } from 'vitest';
import { BudgetAdminService } from '../../src/gen/safeguards/v1/budget_admin_service_pb.js';
import {
  BudgetService,
  type WatchBudgetsResponse,
} from '../../src/gen/safeguards/v1/budget_service_pb.js';
import {
  ServiceLevelSource as Source,
  type SetServiceLevelsRequestSchema,
} from '../../src/gen/safeguards/v1/service_level_pb.js';
import { createAgent, createPool } from '../fakes/commands.js';
import { MemoryLedger } from '../fakes/memory-ledger.js';
import { asAdmin, connect, drain, serverStream, unary } from './support/grpc.js';
import { serve } from './support/harness.js';

const agents = BudgetService.method;
const admin = BudgetAdminService.method;

async function begin() {
  const memory = await MemoryLedger.open();
  await memory.must(createPool('p', '1000'));
  await memory.must(createAgent('a', 'p', '100'));
  const server = await serve({ ledger: memory.ledger });
  const agent = connect(server.agent);
  const operator = connect(server.admin);
  const set = (request: MessageInitShape<typeof SetServiceLevelsRequestSchema>) =>
    unary(operator, admin.setServiceLevels, request, asAdmin());
  return { memory, agent, operator, set };
}

const FULL = {
  name: 'full',
  features: ['high_quality', 'all_capabilities'],
  remainingPercent: '60',
  nextLower: { name: 'standard', atPercent: '50' },
};
const STANDARD = {
  name: 'standard',
  features: ['medium_quality', 'core_capabilities'],
  nextLower: { name: 'minimal', atPercent: '20' },
};

describe('over the wire', () => {
  test('every answer of a mutation carries the whole level, an item of a batch its name', async () => {
    const { agent } = await begin();
    const ids = { agentId: 'a', requestId: 'r' };
    const spent = await unary(agent, agents.spend, { ...ids, amount: '40' });
    expect(spent.serviceLevel).toMatchObject(FULL);
    const held = await unary(agent, agents.reserve, { ...ids, amount: '20' });
    expect(held.serviceLevel).toMatchObject({ ...STANDARD, remainingPercent: '40' });
    const hold = { reservationId: held.reservation!.id };
    const extended = await unary(agent, agents.extendReservation, { ...hold, requestId: 'e' });
    expect(extended.serviceLevel).toMatchObject(STANDARD);
    const part = { ...hold, requestId: 'c', amount: '5', final: false };
    expect((await unary(agent, agents.commit, part)).serviceLevel).toMatchObject(STANDARD);
    const released = await unary(agent, agents.release, { ...hold, requestId: 'l' });
    expect(released.serviceLevel).toMatchObject({ ...FULL, remainingPercent: '55' });
    const items = ['50.5', '9'].map((amount) => ({ agentId: 'a', requestId: amount, amount }));
    const { results } = await unary(agent, agents.batchSpend, { items });
    expect(results.map(({ result }) => result.value)).toMatchObject([
      { decision: 1, serviceLevel: 'emergency' },
      { decision: 2, serviceLevel: 'emergency' },
    ]);
    const denied = await unary(agent, agents.spend, { ...ids, requestId: 'x', amount: '99' });
    expect(denied).toMatchObject({
      decision: 2,
      serviceLevel: { name: 'emergency', remainingPercent: '4.5' },
    });
    expect(denied.serviceLevel?.nextLower).toBeUndefined();
  });

  test('GetServiceLevel is there for agents, and says who is unknown', async () => {
    const { agent } = await begin();
    const { serviceLevel } = await unary(agent, agents.getServiceLevel, { agentId: 'a' });
    expect(serviceLevel).toMatchObject({ ...FULL, remainingPercent: '100' });
    const unknown = unary(agent, agents.getServiceLevel, { agentId: 'x' });
    await expect(unknown).rejects.toMatchObject({ reason: 'AGENT_NOT_FOUND' });
    const malformed = unary(agent, agents.getServiceLevel, { agentId: ' ' });
    await expect(malformed).rejects.toMatchObject({ reason: 'INVALID_REQUEST' });
  });

  test('an operator sets, reads and takes levels away; each answer says what counts', async () => {
    const { agent, operator, set } = await begin();
    const scope = { case: 'poolId', value: 'p' } as const;
    const levels = [
      { name: 'off', minPercent: '' },
      { name: 'on', minPercent: '99.5', features: ['all'] },
    ];
    const first = await set({ scope, levels, requestId: 'r', reason: 'lean month' });
    expect(first).toMatchObject({
      sequence: 4n,
      replayed: false,
      serviceLevels: {
        source: Source.POOL,
        agentId: '',
        poolId: 'p',
        revision: 1n,
        levels: [
          { name: 'on', minPercent: '99.5', features: ['all'] },
          { name: 'off', minPercent: '0', features: [] },
        ],
      },
    });
    const ofAgent = { scope: { case: 'agentId', value: 'a' } } as const;
    const read = await unary(operator, admin.getServiceLevels, ofAgent, asAdmin());
    expect(read.serviceLevels).toEqual(first.serviceLevels);
    await unary(agent, agents.spend, { agentId: 'a', requestId: 's', amount: '1' });
    const { serviceLevel } = await unary(agent, agents.getServiceLevel, { agentId: 'a' });
    expect(serviceLevel).toMatchObject({ name: 'off', remainingPercent: '99', features: [] });

    const stale = set({ scope, levels: [], expectedRevision: 2n });
    await expect(stale).rejects.toMatchObject({ reason: 'REVISION_STALE' });
    const gone = await set({ scope, levels: [], expectedRevision: 1n });
    expect(gone.serviceLevels).toMatchObject({ source: Source.BUILT_IN, revision: 0n });
    expect(gone.serviceLevels?.levels.map(({ name }) => name)).toEqual([
      'full',
      'standard',
      'minimal',
      'emergency',
    ]);
    const again = await set({ scope, levels, requestId: 'r', reason: 'lean month' });
    expect(again).toEqual({ ...first, replayed: true });
    const malformed = set({ scope, levels: [{ name: 'a', minPercent: '5' }] });
    await expect(malformed).rejects.toMatchObject({ reason: 'INVALID_REQUEST' });
  });

  test('agents cannot set levels', async () => {
    const { agent } = await begin();
    const scope = { case: 'everyAgent', value: true } as const;
    const refused = unary(agent, admin.setServiceLevels, { scope });
    await expect(refused).rejects.toMatchObject({ code: 'UNIMPLEMENTED' });
  });

  test('WatchBudgets sends the level beside each budget, and new ones', async () => {
    const { agent, set } = await begin();
    const stream = serverStream(agent, agents.watchBudgets, { poolId: 'p' });
    const seen: unknown[] = [];
    const enough = new Promise<void>((resolve) => {
      stream.on('data', ({ event, serviceLevel }: WatchBudgetsResponse) => {
        seen.push([event.case, serviceLevel?.name]);
        if (seen.length === 2) {
          const levels = [{ name: 'only', minPercent: '0' }];
          void set({ scope: { case: 'everyAgent', value: true }, levels });
        }
        if (seen.length === 3) resolve();
      });
    });
    const read = drain(stream);
    await enough;
    stream.cancel();
    await read;
    expect(seen).toEqual([
      ['budget', 'full'],
      ['snapshotComplete', undefined],
      ['budget', 'only'],
    ]);
  });
});
