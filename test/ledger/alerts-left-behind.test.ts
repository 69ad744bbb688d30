/** Alerts that an agent leaves behind, by a move or since its levels of service are others. */
import { expect, test } from 'vitest';
import * as order from '../fakes/commands.js';
import { MemoryLedger } from '../fakes/memory-ledger.js';
import { createAlert, createLimit, onLevels, thresholds } from '../fakes/rule-commands.js';

test('an alert on a limit ends for an agent that leaves the pool of the limit', async () => {
  const memory = await MemoryLedger.open();
  for (const id of ['p', 'q']) await memory.must(order.createPool(id, '1000'));
  await memory.must(order.createAgent('a', 'p', '100'));
  await memory.must(
    createLimit(
      'l',
      '10',
      { kind: 'EACH_AGENT_OF_POOL', id: 'p' },
      { window: { kind: 'LIFETIME' } },
    ),
  );
  await memory.must(
    createAlert('al', 'LIMIT l', {
      condition: 'USED_AT_LEAST_PERCENT',
      thresholds: thresholds('80'),
    }),
  );
  await memory.must(order.spend('a', '9'));
  await memory.must(order.moveAgent('a', 'q'));
  const rows = [...memory.store.rows('violations', {})].map(([, row]) => row);
  expect(rows.map(({ state }) => state)).toEqual(['RESOLVED']);
});

async function fired(): Promise<MemoryLedger> {
  const memory = await MemoryLedger.open();
  for (const id of ['p', 'q']) await memory.must(order.createPool(id, '1000'));
  await memory.must(order.createAgent('a', 'p', '100'));
  await memory.must(order.setServiceLevels('pool p', 'full=50 reduced=0'));
  await memory.must(createAlert('al', 'EVERY_AGENT', onLevels('reduced')));
  await memory.must(order.spend('a', '60'));
  expect(states(memory)).toEqual(['OPEN']);
  return memory;
}

function states(memory: MemoryLedger): readonly string[] {
  return [...memory.store.rows('violations', {})].map(([, { state }]) => state);
}

test('a level that became the highest has not stayed passed', async () => {
  const memory = await fired();
  await memory.must(order.setServiceLevels('pool p', 'reduced=20 minimal=0'));
  await memory.must(order.spend('a', '1'));
  await memory.must(order.adjustBudget('a', '100'));
  expect(states(memory)).toEqual(['RECOVERED']);
});

test('nor has one of the pool that the agent moved to', async () => {
  const memory = await fired();
  await memory.must(order.setServiceLevels('pool q', 'reduced=20 minimal=0'));
  await memory.must(order.moveAgent('a', 'q'));
  await memory.must(order.adjustBudget('a', '100'));
  expect(states(memory)).toEqual(['RECOVERED']);
});
