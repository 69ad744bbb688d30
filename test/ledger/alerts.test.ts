/** Alerts in groups, batches and restarts. */
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import type { ViolationEvent } from '../../src/domain/violation.js';
import { MemoryLedger, type Over } from '../fakes/memory-ledger.js';
import { adjustBudget, createAgent, createPool, freshId, spend } from '../fakes/commands.js';
import { createAlert, deleteAlert, thresholds, updateAlert } from '../fakes/rule-commands.js';
import { HOUR, MINUTE } from '../fakes/manual-time.js';
import { numberKey } from '../../src/store/keys.js';
import { flipBit } from '../store/support/tampering.js';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  onTestFinished(() => {
    vi.useRealTimers();
  });
});

/** A ledger with a pool `p`, an agent `a` of 100 and a low budget alert on every agent. */
async function watched(over: Over = {}): Promise<MemoryLedger> {
  const memory = await MemoryLedger.open(over);
  await memory.must(createPool('p', '1000000'));
  await memory.must(createAgent('a', 'p', '100'));
  await memory.must(createAlert('low', 'EVERY_AGENT'));
  return memory;
}

function events(memory: MemoryLedger): readonly ViolationEvent[] {
  return [...memory.store.rows('violation_events', {})]
    .map(([, event]) => event)
    .filter(({ violation }) => violation.type === 'LOW_BUDGET');
}

function told(memory: MemoryLedger): readonly string[] {
  return events(memory).map(({ kind, violation }) => `${kind} ${violation.agentId}`);
}

/** A minute passes: what the sidecar does by itself is done. */
async function minutePasses(memory: MemoryLedger): Promise<void> {
  memory.time.pass(MINUTE);
  vi.advanceTimersByTime(MINUTE);
  // Each step waits for the one before it.
  for (let step = 0; step < 20; step += 1) await memory.turn();
}

test.each([1, 7, 1_024])(
  '200 callers across a threshold open exactly one violation, in groups of %i',
  async (groupCommandsMax) => {
    const memory = await watched({ groupCommandsMax });
    const spends = Array.from({ length: 200 }, () => memory.must(spend('a', '0.49')));
    await Promise.all(spends);
    expect(told(memory)).toEqual(['OPENED a']);
    const [{ violation }] = events(memory) as [ViolationEvent];
    // 174 spends leave 14.74, in the entry of the very spend that crossed.
    expect(Object.fromEntries(violation.details)).toMatchObject({ current_budget: '14.74' });
    const crossing = memory.store.entry(violation.entrySequence)?.entry;
    expect(crossing).toMatchObject({ kind: 'SPEND' });
    expect(crossing?.accounts[0]?.remaining).toBe(14_740_000_000_000n);
  },
);

test('within one group: down, up and down again are three events', async () => {
  const memory = await watched();
  await Promise.all([
    memory.must(spend('a', '90')),
    memory.must(adjustBudget('a', '50')),
    memory.must(spend('a', '50')),
  ]);
  expect(told(memory)).toEqual(['OPENED a', 'RECOVERED a', 'OPENED a']);
});

test('a batch that is undone tells nothing, and leaves the threshold armed', async () => {
  const memory = await watched();
  const undone = await memory.batch([spend('a', '90'), spend('a', '90')], true);
  expect(undone.results.map(({ verdict }) => verdict)).toEqual(['NOT_APPLIED', 'DENIED']);
  expect(told(memory)).toEqual([]);
  const done = await memory.batch([spend('a', '80'), spend('a', '10')], true);
  expect(done.results.map(({ verdict }) => verdict)).toEqual(['APPROVED', 'APPROVED']);
  expect(told(memory)).toEqual(['OPENED a']);
});

test('a dry run and a replay tell nothing', async () => {
  const memory = await watched();
  await memory.do(spend('a', '90', { dryRun: true }));
  expect(told(memory)).toEqual([]);
  const command = spend('a', '90');
  await memory.must(command);
  await memory.must(command);
  expect(told(memory)).toEqual(['OPENED a']);
});

describe('across a restart', () => {
  test.each(['restart', 'crash'] as const)('%s: what has fired stays so', async (how) => {
    const first = await watched();
    await first.must(spend('a', '90'));
    const second = await first[how]();
    await second.must(spend('a', '1'));
    expect(told(second)).toEqual(['OPENED a']);
    const third = await second[how]();
    await third.must(adjustBudget('a', '50'));
    expect(told(third)).toEqual(['OPENED a', 'RECOVERED a']);
    expect((await third.verify()).clean).toBe(true);
  });

  test('a request is answered again, with the alert as it is now', async () => {
    const first = await watched();
    const requestId = freshId();
    const command = createAlert('', 'AGENT a', { requestId });
    const made = await first.must(command);
    const key = made.object!.key;
    await first.must(updateAlert(key, { message: 'later' }));
    const second = await first.restart();
    const again = await second.must(command);
    expect(again).toMatchObject({ replayed: true, object: made.object, sequence: made.sequence });
    expect(second.ledger.alert(key)).toMatchObject({ message: 'later', revision: 2 });
    expect(await second.verdict({ ...command, message: 'other' })).toBe('REQUEST_ID_REUSED');
    await second.must(deleteAlert(key));
    expect(second.ledger.alert(key)).toBeUndefined();
    expect((await second.must(command)).object).toEqual(made.object);
  });
});

test('entries without accounts verify', async () => {
  const memory = await watched();
  await memory.must(updateAlert('low', { message: 'x' }));
  await memory.must(deleteAlert('low'));
  const report = await memory.verify();
  expect(report).toMatchObject({ clean: true, findings: [], entries: memory.head });
});

test('alerts are listed by id, of an agent or of a pool', async () => {
  const memory = await watched();
  await memory.must(createPool('q', '10'));
  await memory.must(createAlert('1-own', 'AGENT a'));
  await memory.must(createAlert('2-each', 'EACH_AGENT_OF_POOL p'));
  await memory.must(createAlert('3-pool', 'POOL p'));
  await memory.must(createAlert('4-other', 'POOL q'));
  const list = (agentId: string, poolId: string, after?: string, size = 10) => {
    const page = memory.ledger.listAlerts({ agentId, poolId }, { after, size });
    return 'verdict' in page ? page.reason : [page.items.map(({ id }) => id), page.last];
  };
  expect(list('', '')).toEqual([['1-own', '2-each', '3-pool', '4-other', 'low'], undefined]);
  expect(list('', '', undefined, 2)).toEqual([['1-own', '2-each'], '2-each']);
  expect(list('', '', '2-each', 2)).toEqual([['3-pool', '4-other'], '4-other']);
  expect(list('a', '')).toEqual([['1-own', '2-each', 'low'], undefined]);
  expect(list('', 'p')).toEqual([['2-each', '3-pool'], undefined]);
  expect(list('nobody', '')).toBe('AGENT_NOT_FOUND');
  expect(list('', 'nowhere')).toBe('POOL_NOT_FOUND');
});

describe('every minute', () => {
  const soon = { condition: 'EXHAUSTION_WITHIN', thresholds: thresholds('3600') } as const;

  test.each(['EVERY_AGENT', 'EACH_AGENT_OF_POOL p', 'AGENT a', 'POOL p'])(
    '%s: a burn that has passed arms the alert again, by time alone',
    async (subject) => {
      const memory = await MemoryLedger.open();
      await memory.must(createPool('p', '100'));
      await memory.must(createAgent('a', 'p', '100'));
      await memory.must(createAlert('soon', subject, soon));
      await memory.must(spend('a', '49'));
      await memory.must(spend('a', '1'));
      expect(events(memory).map(({ kind }) => kind)).toEqual(['OPENED']);
      await minutePasses(memory);
      expect(events(memory)).toHaveLength(1);
      memory.time.pass(HOUR);
      await minutePasses(memory);
      expect(events(memory).map(({ kind }) => kind)).toEqual(['OPENED', 'RECOVERED']);
    },
  );

  test('an alert that is younger than the burn is judged within a minute', async () => {
    const memory = await MemoryLedger.open();
    await memory.must(createPool('p', '100'));
    await memory.must(createAgent('a', 'p', '100'));
    await memory.must(spend('a', '60'));
    await memory.must(createAlert('soon', 'EVERY_AGENT', soon));
    expect(told(memory)).toEqual([]);
    await minutePasses(memory);
    expect(told(memory)).toEqual(['OPENED a']);
  });

  test('a round visits every agent, in steps', async () => {
    const memory = await MemoryLedger.open();
    await memory.must(createPool('p', '100000'));
    const ids = Array.from({ length: 450 }, (_, at) => `agent-${String(at).padStart(3, '0')}`);
    await Promise.all(
      ids.map(async (id) => {
        await memory.must(createAgent(id, 'p', '100'));
        await memory.must(spend(id, '60'));
      }),
    );
    await memory.must(createAlert('soon', 'EVERY_AGENT', soon));
    await minutePasses(memory);
    expect(told(memory)).toEqual(ids.map((id) => `OPENED ${id}`));
    expect(memory.failures).toEqual([]);
  });
});

test('an agent whose row is damaged is told of once, and the others are served', async () => {
  const over = { agentCacheRows: 1 };
  const first = await MemoryLedger.open(over);
  await first.must(createPool('p', '1000'));
  const { agent } = await first.must(createAgent('a', 'p', '100'));
  await first.must(createAgent('b', 'p', '100'));
  const soon = { condition: 'EXHAUSTION_WITHIN', thresholds: thresholds('3600') } as const;
  await first.must(createAlert('soon', 'EVERY_AGENT', soon));
  await first.ledger.close();
  flipBit(first.disk, 'agents', numberKey(agent!.uid));
  const memory = await MemoryLedger.open(over, first.time.restart(), first.disk);
  for (let round = 0; round < 3; round += 1) await minutePasses(memory);
  await memory.must(spend('b', '1'));
  await memory.ledger.close();
  expect(memory.failures).toEqual([expect.stringMatching(/^agents: .*; a chore/)]);
});

test('an alert that had opened thousands ends at once, and its violations soon', async () => {
  const memory = await watched({ groupCommandsMax: 1_024 });
  const ids = Array.from({ length: 1_500 }, (_, at) => `agent-${at}`);
  await Promise.all(
    ids.map(async (id) => {
      await memory.must(createAgent(id, 'p', '100'));
      await memory.must(spend(id, '90'));
    }),
  );
  expect(events(memory)).toHaveLength(1_500);
  await memory.must(deleteAlert('low'));
  const resolved = (): number => events(memory).filter(({ kind }) => kind === 'RESOLVED').length;
  expect(resolved()).toBe(1_000);
  await minutePasses(memory);
  expect(resolved()).toBe(1_500);
  expect([...memory.store.rows('alert_states', {})]).toEqual([]);
  expect([...memory.store.rows('ended_alerts', {})]).toEqual([]);
});
