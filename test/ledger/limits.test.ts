/** Limits in the whole ledger: many callers, restarts, crashes. */
import { expect, test } from 'vitest';
import { createAgent, createPool, reserve, spend } from '../fakes/commands.js';
import { createLimit, createMonitor } from '../fakes/rule-commands.js';
import { DAY } from '../fakes/manual-time.js';
import { MemoryLedger } from '../fakes/memory-ledger.js';

const A = { kind: 'AGENT', id: 'a' } as const;
const DAILY = { kind: 'CALENDAR', unit: 'DAY', zone: 'UTC', weekStart: 1 } as const;

async function open(): Promise<MemoryLedger> {
  const memory = await MemoryLedger.open();
  await memory.must(createPool('p', '1000'));
  await memory.must(createAgent('a', 'p', '1000'));
  return memory;
}

test('200 callers at once across a limit: exactly as many pass as fit, one violation is told', async () => {
  const memory = await open();
  await memory.must(createLimit('day', '100', A, { window: DAILY }));
  const calls = Array.from({ length: 200 }, (_, at) =>
    memory.do(at % 2 === 0 ? spend('a', '1') : reserve('a', '1')),
  );
  const verdicts = (await Promise.all(calls)).map(({ verdict }) => verdict);
  expect(verdicts.filter((verdict) => verdict === 'APPROVED')).toHaveLength(100);
  expect(verdicts.filter((verdict) => verdict === 'DENIED')).toHaveLength(100);
  const events = [...memory.store.rows('violation_events', {})];
  expect(events.map(([, { kind }]) => kind)).toEqual(['OPENED']);
  await memory.ledger.close();
});

test('counters, limits and monitors are there after a restart and after a crash', async () => {
  let memory = await open();
  await memory.must(createLimit('day', '100', A, { window: DAILY }));
  await memory.must(createMonitor('cap', 'amount < 90', A));
  await memory.must(spend('a', '60'));
  memory = await memory.restart();
  expect(await memory.do(spend('a', '41'))).toMatchObject({ denial: { ruleId: 'day' } });
  await memory.must(spend('a', '30'));
  memory = await memory.crash();
  expect(await memory.do(spend('a', '11'))).toMatchObject({ denial: { ruleId: 'day' } });
  memory.time.pass(DAY);
  expect(await memory.do(spend('a', '90'))).toMatchObject({ denial: { ruleId: 'cap' } });
  await memory.must(spend('a', '89'));
  expect(await memory.ledger.verify()).toMatchObject({ clean: true, findings: [] });
  await memory.ledger.close();
});

test('an atomic batch that a limit undoes counts nothing, and its denial is told', async () => {
  const memory = await open();
  await memory.must(createLimit('day', '100', A, { window: DAILY }));
  await memory.must(spend('a', '10'));
  const undone = await memory.batch([spend('a', '50'), spend('a', '41')], true);
  expect(undone.results.map(({ verdict }) => verdict)).toEqual(['NOT_APPLIED', 'DENIED']);
  expect([...memory.store.rows('violation_events', {})]).toHaveLength(1);
  expect(await memory.verdict(spend('a', '91'))).toBe('SPENDING_LIMIT_EXCEEDED');
  await memory.must(spend('a', '90'));
  await memory.ledger.close();
});

test('a dry run counts nothing and tells nothing', async () => {
  const memory = await open();
  await memory.must(createLimit('day', '100', A, { window: DAILY }));
  await memory.must(spend('a', '40'));
  await memory.must(spend('a', '60', { dryRun: true }));
  expect(await memory.verdict(spend('a', '61', { dryRun: true }))).toBe('SPENDING_LIMIT_EXCEEDED');
  expect([...memory.store.rows('violation_events', {})]).toEqual([]);
  await memory.must(spend('a', '60'));
  expect(await memory.verdict(spend('a', '1'))).toBe('SPENDING_LIMIT_EXCEEDED');
  await memory.ledger.close();
});
