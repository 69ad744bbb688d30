/** Denied access as violations, and what a principal sees of lists and streams. */
import { beforeEach, describe, expect, test } from 'vitest';
import type { AgentScope } from '../../src/ledger/api.js';
import * as order from '../fakes/commands.js';
import { MemoryLedger } from '../fakes/memory-ledger.js';
import { EVERY, said } from '../fakes/violations.js';

const METHOD = '/safeguards.v1.BudgetService/Spend';
const PAGE = { after: undefined, size: 50 };

let memory: MemoryLedger;
beforeEach(async () => {
  memory = await MemoryLedger.open();
  await memory.must(order.createPool('p', '1000'));
  for (const id of ['a', 'b']) await memory.must(order.createAgent(id, 'p', '100'));
});

const deny = (agentId: string, principal = 'research') =>
  memory.ledger.reportDenied({ principal, method: METHOD, agentId });

function violations(admits?: AgentScope) {
  const page = memory.ledger.listViolations({ ...EVERY, admits }, PAGE);
  if ('verdict' in page) throw new Error(page.reason);
  return page.items;
}

describe('denied access', () => {
  test('is UNAUTHORIZED on the agent that was asked for, and says by whom', async () => {
    await deny('a');
    expect(violations()).toEqual([
      expect.objectContaining({
        type: 'UNAUTHORIZED',
        severity: 'HIGH',
        source: 'DETECTED',
        rule: { kind: 'ACCESS', id: 'research' },
        agentId: 'a',
        poolId: 'p',
        message: 'Principal research was denied access',
        details: [
          ['agent_id', 'a'],
          ['method', METHOD],
          ['principal', 'research'],
        ],
      }),
    ]);
  });

  test('is of no agent where there is none', async () => {
    await deny('');
    await deny('unknown', 'other');
    expect(violations().map(({ agentId, rule }) => [agentId, rule.id])).toEqual([
      ['', 'other'],
      ['', 'research'],
    ]);
  });

  test('of callers that nobody knows is one violation, of no principal', async () => {
    for (let at = 0; at < 20; at += 1) await deny('', '');
    expect(violations()).toEqual([
      expect.objectContaining({
        type: 'UNAUTHORIZED',
        rule: { kind: 'ACCESS', id: '' },
        agentId: '',
        message: 'A call without valid credentials was denied access',
        details: [['method', METHOD]],
      }),
    ]);
  });

  test('repeated is one violation for each principal and agent, without entries', async () => {
    const before = memory.ledger.info().headSequence;
    for (let at = 0; at < 20; at += 1) {
      await deny('a');
      await deny('b');
      await deny('a', 'other');
    }
    expect(violations()).toHaveLength(3);
    expect(
      [...memory.store.rows('violation_events', {})].map(([, event]) => said(event)),
    ).toHaveLength(3);
    expect(memory.ledger.info().headSequence).toBe(before);
  });

  test('is not a denial of the agent, which did not ask', async () => {
    await deny('a');
    expect(memory.ledger.agentMetrics('a')).toMatchObject({ denials: 0 });
  });
});

describe('who is confined to some agents', () => {
  const onlyA: AgentScope = (id) => id === 'a';

  test('lists the violations of those, and none of no agent', async () => {
    for (const id of ['a', 'b', '']) await deny(id);
    expect(violations(onlyA).map(({ agentId }) => agentId)).toEqual(['a']);
  });

  test('lists the reservations of those', async () => {
    for (const id of ['a', 'b']) await memory.must(order.reserve(id, '1'));
    const filter = { agentId: '', state: undefined, runId: '' };
    const page = memory.ledger.listReservations({ ...filter, admits: onlyA }, PAGE);
    if ('verdict' in page) throw new Error(page.reason);
    expect(page.items.map(({ agentId }) => agentId)).toEqual(['a']);
  });

  test('watches the events of those', async () => {
    for (const id of ['b', 'a', '']) await deny(id);
    const ending = new AbortController();
    const none: ReadonlySet<never> = new Set();
    const filter = {
      agentIds: none,
      poolId: '',
      types: none,
      minSeverity: 'INFO',
      kinds: none,
    } as const;
    const watch = { filter: { ...filter, admits: onlyA }, start: 'OLDEST', storeId: '' } as const;
    const messages = memory.ledger.watchViolations(watch, ending.signal);
    if ('verdict' in messages) throw new Error(messages.reason);
    const seen: string[] = [];
    for await (const message of messages) {
      if (message.kind === 'EVENT') seen.push(message.event.violation.agentId);
      if (message.kind === 'BOOKMARK' && message.live) break;
    }
    expect(seen).toEqual(['a']);
  });
});
