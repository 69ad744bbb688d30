/** How often an agent was denied, as its metrics tell. */
import { beforeEach, expect, test } from 'vitest';
import { sequenceKey } from '../../src/domain/violation.js';
import { textKey } from '../../src/store/keys.js';
import { createAgent, createPool, reserve, spend } from '../fakes/commands.js';
import { MINUTE, SECOND, T0 } from '../fakes/manual-time.js';
import { MemoryLedger } from '../fakes/memory-ledger.js';
import { flipBit } from '../store/support/tampering.js';

let memory: MemoryLedger;
beforeEach(async () => {
  memory = await MemoryLedger.open();
  await memory.must(createPool('p', '1000'));
  await memory.must(createAgent('a', 'p', '10'));
  await memory.must(createAgent('b', 'p', '10'));
});

function denialsOf(id: string): readonly [count: number, last: number | undefined] {
  const view = memory.ledger.agentMetrics(id);
  if ('verdict' in view) throw new Error(view.reason);
  const { denials, lastDenialTime } = view;
  return [denials, lastDenialTime === undefined ? undefined : lastDenialTime - T0];
}

test('who was never denied has none', async () => {
  await memory.must(spend('a', '1'));
  expect(denialsOf('a')).toEqual([0, undefined]);
});

test('spends, holds and items of batches count, rehearsals and refusals do not', async () => {
  await memory.do(spend('a', '11'));
  memory.time.pass(SECOND);
  await memory.do(reserve('a', '11'));
  memory.time.pass(SECOND);
  await memory.batch([spend('a', '11'), spend('a', '1'), spend('a', '12')]);
  memory.time.pass(SECOND);
  await memory.do(spend('a', '11', { dryRun: true }));
  await memory.do(spend('a', '0.0000001'));
  expect(denialsOf('a')).toEqual([4, 2 * SECOND]);
  expect(denialsOf('b')).toEqual([0, undefined]);
  const page = { after: undefined, size: 10 };
  const list = await memory.ledger.listAgentMetrics({ poolId: '', onlyHighUsage: false }, page);
  if ('verdict' in list) throw new Error(list.reason);
  expect(list.items.map(({ agent, denials }) => [agent.id, denials])).toEqual([
    ['a', 4],
    ['b', 0],
  ]);
});

test('none is counted twice or not at all, written or not, also after restarts', async () => {
  await memory.do(spend('a', '11'));
  expect(denialsOf('a')).toEqual([1, 0]);
  for (let stops = 1; stops <= 3; stops += 1) {
    memory = await memory.restart();
    expect(denialsOf('a')[0]).toBe(2 * stops - 1);
    memory.time.pass(MINUTE);
    await memory.do(spend('a', '11'));
    await memory.do(spend('a', '11'));
    expect(denialsOf('a')).toEqual([2 * stops + 1, stops * MINUTE]);
  }
});

test('the count never falls, not even while it is being written', async () => {
  await memory.do(spend('a', '11'));
  memory = await memory.restart();
  await memory.do(spend('a', '11'));
  memory.kv.hold();
  const closed = memory.ledger.close();
  // The transaction that writes the count ran and is not durable yet.
  for (let turn = 0; turn < 5; turn += 1) await new Promise(setImmediate);
  expect(denialsOf('a')[0]).toBe(2);
  memory.kv.flush();
  await Promise.race([closed, new Promise(setImmediate)]);
  expect(denialsOf('a')[0]).toBe(2);
});

test('a count that is damaged does not keep a ledger from closing', async () => {
  await memory.do(spend('a', '11'));
  const { uid } = memory.ledger.agent('a')!.agent;
  await memory.ledger.close();
  flipBit(memory.disk, 'denials', textKey(sequenceKey(uid)));
  memory = await MemoryLedger.open({}, memory.time.restart(), memory.disk);
  await memory.do(spend('a', '11'));
  await memory.do(spend('b', '11'));
  await memory.ledger.close();
  expect(memory.failures).toEqual([expect.stringMatching(/^denials: .*; a chore/)]);
});
