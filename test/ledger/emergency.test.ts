/** Emergencies on the whole ledger: together, again, after a restart, and for long. */
import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { formatAmount } from '../../src/domain/amount.js';
import type { Answer, Outcome } from '../../src/domain/answer.js';
import { debtOf } from '../../src/domain/budget.js';
import type { Command } from '../../src/domain/command.js';
import { DENIED_KEPT_MAX } from '../../src/domain/emergency/request.js';
import {
  agentState,
  createAgent,
  createPool,
  deleteAgent,
  fundPool,
  moveAgent,
  setBudget,
  spend,
  updatePool,
} from '../fakes/commands.js';
import {
  approveEmergency,
  rejectEmergency,
  removeEmergencyPolicy,
  requestEmergency,
  setEmergencyPolicy,
} from '../fakes/emergency-commands.js';
import { DAY, HOUR } from '../fakes/manual-time.js';
import { MemoryLedger } from '../fakes/memory-ledger.js';
import { money, runs } from '../support/seed.js';

let memory: MemoryLedger;
beforeEach(async () => {
  memory = await MemoryLedger.open();
  await memory.must(createPool('p', '1000'));
  await memory.must(createAgent('a', 'p', '100', { priority: 8 }));
  await memory.must(createAgent('low', 'p', '100', { priority: 2 }));
});

const FIRST_PAGE = { after: undefined, size: 50 };

/** What an answer says of a request. */
function said(answer: Answer): string {
  if (answer.verdict === 'REJECTED') return answer.reason;
  const { outcome, approved, rule } = answer.emergency!;
  return `${outcome} ${formatAmount(approved)} ${rule}`;
}

const idOf = (answer: Answer): string =>
  answer.verdict === 'REJECTED' ? '' : answer.emergency!.request.id;

function listed(
  filter: { agentId?: string; poolId?: string; state?: 'PENDING_APPROVAL' | 'DENIED' } = {},
): readonly string[] {
  const all = { agentId: '', poolId: '', state: undefined, ...filter };
  const page = memory.ledger.listEmergencyRequests(all, FIRST_PAGE);
  if ('verdict' in page) return [page.reason];
  return page.items.map(
    ({ agentId, amount, state }) => `${agentId} ${formatAmount(amount)} ${state}`,
  );
}

async function clean(ledger = memory): Promise<void> {
  const report = await ledger.verify();
  expect(report.findings).toEqual([]);
  expect(report.clean).toBe(true);
}

describe('a hundred requests at once', () => {
  test('never get more than the cap', async () => {
    await memory.must(setEmergencyPolicy('p', { perDayMax: money('333') }));
    const asked = Array.from({ length: 100 }, () => memory.do(requestEmergency('a', '7')));
    const answers = await Promise.all(asked);
    const approved = answers.map((answer) => (answer as Outcome).emergency!.approved);
    expect(formatAmount(approved.reduce((sum, each) => sum + each, 0n))).toBe('333');
    expect(answers.filter((answer) => answer.verdict === 'DENIED')).toHaveLength(52);
    await clean();
  });

  test('of many agents never get more than the pool has', async () => {
    await memory.must(setEmergencyPolicy('p', { perDayMax: money('500') }));
    for (let n = 0; n < 20; n += 1) {
      await memory.must(createAgent(`x${n}`, 'p', '1', { priority: 9 }));
    }
    const asked = Array.from({ length: 100 }, (_, n) =>
      memory.do(requestEmergency(`x${n % 20}`, '13')),
    );
    const answers = await Promise.all(asked);
    const approved = answers.map((answer) => (answer as Outcome).emergency!.approved);
    expect(formatAmount(approved.reduce((sum, each) => sum + each, 0n))).toBe('780');
    expect(memory.ledger.pool('p')).toMatchObject({ unallocated: 0n });
    await clean();
  });
});

describe('the same request_id', () => {
  async function again(command: Command, first: Answer): Promise<void> {
    const head = memory.head;
    const second = await memory.must(command);
    const { emergency, emergencyPolicy, amount, sequence } = first as Outcome;
    expect(second).toMatchObject({ replayed: true, amount, sequence });
    expect(second.emergency).toEqual(emergency);
    expect(second.emergencyPolicy).toEqual(emergencyPolicy);
    expect(memory.head).toBe(head);
  }

  test('pays once and answers the same, also after what waited was approved', async () => {
    const policy = setEmergencyPolicy('p', { approvalAbove: money('20') }, { requestId: 'op-1' });
    const set = await memory.must(policy);
    const small = requestEmergency('a', '20');
    const large = requestEmergency('a', '30');
    const [paid, waits] = [await memory.must(small), await memory.must(large)];
    const approve = approveEmergency(idOf(waits), undefined, { requestId: 'op-2' });
    const approved = await memory.must(approve);
    const remove = { ...removeEmergencyPolicy('p'), requestId: 'op-3' };
    const removed = await memory.must(remove);
    memory = await memory.restart();
    await again(small, paid);
    await again(large, waits);
    await again(approve, approved);
    await again(policy, set);
    await again(remove, removed);
    expect(said(waits)).toBe('PENDING_APPROVAL 0 APPROVAL');
    expect(memory.ledger.emergencyRequest(idOf(waits))).toMatchObject({ state: 'APPROVED' });
  });

  test('of a rejection is answered again, of another request refused', async () => {
    await memory.must(setEmergencyPolicy('p', { approvalAbove: 0n }));
    const waits = await memory.must(requestEmergency('a', '20', 'x', { requestId: 'one' }));
    expect(await memory.verdict(requestEmergency('a', '21', 'x', { requestId: 'one' }))).toBe(
      'REQUEST_ID_REUSED',
    );
    const reject = rejectEmergency(idOf(waits), { requestId: 'op-1' });
    await again(reject, await memory.must(reject));
  });

  test('is free after a denial, and of each agent by itself', async () => {
    const command = requestEmergency('a', '20', 'x', { requestId: 'one' });
    expect(said(await memory.do(command))).toBe('DENIED 0 OFF');
    await memory.must(setEmergencyPolicy('p'));
    expect(said(await memory.do(command))).toBe('APPROVED 20 PRIORITY');
    const other = requestEmergency('low', '20', 'critical', { requestId: 'one' });
    expect(said(await memory.do(other))).toBe('PARTIALLY_APPROVED 10 CRITICAL_REASON');
    expect((await memory.must(spend('a', '1', { requestId: 'one' }))).replayed).toBe(false);
  });

  test('is forgotten after a day', async () => {
    await memory.must(setEmergencyPolicy('p', { approvalAbove: money('20') }));
    const commands = [requestEmergency('a', '10'), requestEmergency('a', '30')];
    for (const command of commands) await memory.must(command);
    memory.time.pass(DAY + HOUR);
    await memory.must(spend('a', '1'));
    const records = () => [...memory.kv.range('idempotency', {})].length;
    memory = await memory.restart({ sweepIntervalMs: 1 });
    await expect.poll(records).toBeLessThanOrEqual(1);
    for (const command of commands) expect((await memory.must(command)).replayed).toBe(false);
  });
});

describe('what is kept', () => {
  test('survives a restart: policy, cap, cooldown, requests', async () => {
    await memory.must(setEmergencyPolicy('', { approvalAbove: money('60') }));
    const waits = await memory.must(requestEmergency('a', '70'));
    await memory.must(requestEmergency('a', '60'));
    await memory.do(requestEmergency('low', '5'));
    memory = await memory.restart();
    expect(memory.ledger.emergencyPolicy('p')).toMatchObject({
      poolId: '',
      policy: { approvalAbove: money('60'), revision: 1 },
    });
    expect(said(await memory.do(requestEmergency('a', '60')))).toBe(
      'PARTIALLY_APPROVED 40 PER_DAY_MAX',
    );
    expect(listed()).toEqual([
      'a 60 PARTIALLY_APPROVED',
      'low 5 DENIED',
      'a 60 APPROVED',
      'a 70 PENDING_APPROVAL',
    ]);
    memory.time.pass(DAY);
    expect(memory.ledger.emergencyRequest(idOf(waits))).toMatchObject({ state: 'EXPIRED' });
    await clean();
  });

  test('is listed newest first by agent, pool and state, page by page', async () => {
    await memory.must(createPool('q', '100'));
    await memory.must(createAgent('b', 'q', '10', { priority: 8 }));
    await memory.must(setEmergencyPolicy('', { approvalAbove: money('5') }));
    for (const [agent, amount] of [
      ['a', '6'],
      ['b', '1'],
      ['low', '2'],
      ['b', '7'],
      ['a', '3'],
    ] as const) {
      await memory.do(requestEmergency(agent, amount));
    }
    expect(listed({ agentId: 'a' })).toEqual(['a 3 APPROVED', 'a 6 PENDING_APPROVAL']);
    expect(listed({ poolId: 'q' })).toEqual(['b 7 PENDING_APPROVAL', 'b 1 APPROVED']);
    const pending = ['b 7 PENDING_APPROVAL', 'a 6 PENDING_APPROVAL'];
    expect(listed({ state: 'PENDING_APPROVAL' })).toEqual(pending);
    expect(listed({ state: 'PENDING_APPROVAL', poolId: 'p' })).toEqual(['a 6 PENDING_APPROVAL']);
    expect(listed({ state: 'DENIED', agentId: 'low' })).toEqual(['low 2 DENIED']);
    expect(listed({ agentId: 'nobody' })).toEqual(['AGENT_NOT_FOUND']);
    expect(listed({ poolId: 'none' })).toEqual(['POOL_NOT_FOUND']);
    expect(memory.ledger.emergencyPolicy('none')).toMatchObject({ reason: 'POOL_NOT_FOUND' });

    for (const agentId of ['', 'a']) {
      const filter = { agentId, poolId: '', state: undefined };
      const amounts: string[] = [];
      let after: string | undefined;
      do {
        const page = memory.ledger.listEmergencyRequests(filter, { after, size: 2 });
        if ('verdict' in page) throw new Error(page.reason);
        amounts.push(...page.items.map(({ amount }) => formatAmount(amount)));
        after = page.last;
      } while (after !== undefined);
      expect(amounts).toEqual(agentId === '' ? ['3', '7', '2', '1', '6'] : ['3', '6']);
    }
    memory.time.pass(DAY);
    expect(listed({ state: 'PENDING_APPROVAL' })).toEqual([]);
  });

  test('is bounded: the oldest denials go, and nothing else', async () => {
    await memory.must(setEmergencyPolicy('p', { approvalAbove: money('20') }));
    const paid = idOf(await memory.must(requestEmergency('a', '20')));
    const waits = idOf(await memory.must(requestEmergency('a', '30')));
    await memory.must(agentState('FREEZE_AGENT', 'a'));
    const denials = await Promise.all(
      Array.from({ length: DENIED_KEPT_MAX + 3 }, () => memory.do(requestEmergency('a', '1'))),
    );
    const kept = (id: string) => memory.ledger.emergencyRequest(id)?.state;
    const states = denials.map((denial) => kept(idOf(denial)));
    expect(states.slice(0, 3)).toEqual([undefined, undefined, undefined]);
    expect(states.slice(3).every((state) => state === 'DENIED')).toBe(true);
    expect([kept(paid), kept(waits)]).toEqual(['APPROVED', 'PENDING_APPROVAL']);
    const rows = [...memory.store.rows('emergency_requests', {})].length;
    expect(rows).toBe(DENIED_KEPT_MAX + 2);
    expect([...memory.store.rows('emergency_request_ids', {})]).toHaveLength(rows);
    await clean();
  });
});

/** What agents and operators do, by chance. Requests are approved and rejected by their place. */
type Step =
  | { readonly kind: 'COMMAND'; readonly command: Command }
  | {
      readonly kind: 'SETTLE';
      readonly approve: boolean;
      readonly at: number;
      readonly amount: bigint;
    }
  | { readonly kind: 'PASS'; readonly ms: number };

const commandStep = (command: Command): Step => ({ kind: 'COMMAND', command });

const agent = fc.constantFrom('a', 'low', 'b');
const pool = fc.constantFrom('p', 'q');
const amount = fc
  .integer({ min: 1, max: 400 })
  .map((cents) => formatAmount(BigInt(cents) * 10n ** 11n));
const optional = fc.option(amount.map(money), { nil: undefined });

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .tuple(agent, amount, fc.constantFrom('x', 'critical', 'non-critical'))
      .map(([id, much, why]) => commandStep(requestEmergency(id, much, why))),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('SETTLE' as const),
      approve: fc.boolean(),
      at: fc.nat(20),
      amount: fc.constantFrom(0n, money('1'), money('3.3')),
    }),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(
        fc.constantFrom('', 'p', 'q'),
        fc.record({
          enabled: fc.boolean(),
          perDayMax: optional,
          perRequestMax: optional,
          approvalAbove: optional,
          mint: fc.boolean(),
        }),
      )
      .map(([id, terms]) => commandStep(setEmergencyPolicy(id, terms))),
  },
  {
    weight: 3,
    arbitrary: fc
      .oneof(
        fc.tuple(agent, amount).map(([id, much]) => spend(id, much, { mode: 'FORCE' })),
        fc.tuple(agent, amount).map(([id, much]) => setBudget(id, much)),
        fc.tuple(pool, amount).map(([id, much]) => fundPool(id, `-${much}`)),
        fc.tuple(pool, amount).map(([id, much]) => fundPool(id, much)),
        fc.tuple(agent, pool).map(([id, to]) => moveAgent(id, to)),
        agent.map((id) => deleteAgent(id)),
        fc.tuple(agent, pool).map(([id, to]) => createAgent(id, to, '3', { priority: 8 })),
        pool.map((id) => updatePool(id, { minBalance: money('5') })),
      )
      .map(commandStep),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('PASS' as const),
      ms: fc.integer({ min: 1, max: DAY }),
    }),
  },
);

describe('whatever agents and operators do', () => {
  test('no money is made but by minting, no grant exceeds its request, and the ledger verifies', async () => {
    const property = fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      const ledger = await MemoryLedger.open();
      await ledger.must(createPool('p', '30'));
      await ledger.must(createPool('q', '20', { funding: 'ON_DEMAND' }));
      await ledger.must(createAgent('a', 'p', '10', { priority: 8 }));
      await ledger.must(createAgent('low', 'q', '10', { priority: 2 }));
      const ids: string[] = [];
      for (const one of steps) {
        if (one.kind === 'PASS') {
          ledger.time.pass(one.ms);
          continue;
        }
        if (one.kind === 'SETTLE') {
          const id = ids[one.at % Math.max(1, ids.length)] ?? 'none';
          const much = one.amount === 0n ? undefined : formatAmount(one.amount);
          await ledger.do(one.approve ? approveEmergency(id, much) : rejectEmergency(id));
          continue;
        }
        const before = ledger.ledger.pool('p')!;
        const answer = await ledger.do(one.command);
        if (one.command.method !== 'REQUEST_EMERGENCY' || answer.verdict === 'REJECTED') continue;
        const { approved, request } = answer.emergency!;
        expect(approved <= request.amount && approved >= 0n).toBe(true);
        if (request.poolId === 'p') {
          const after = ledger.ledger.pool('p')!;
          expect(after.funded).toBe(before.funded);
          expect(after.unallocated).toBe(before.unallocated - approved);
          const owedByOthers = after.debt - debtOf(answer.agent!);
          if (approved > 0n) expect(after.unallocated >= owedByOthers).toBe(true);
        }
        ids.push(request.id);
      }
      const report = await ledger.verify();
      expect(report.findings).toEqual([]);
      await ledger.ledger.close();
    });
    await fc.assert(property, runs('emergencies', 60));
  });
});
