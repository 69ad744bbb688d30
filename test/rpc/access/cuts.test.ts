import { describe, expect, test } from 'vitest';
import { BudgetService } from '../../../src/gen/safeguards/v1/budget_service_pb.js';
import { ErrorReason } from '../../../src/gen/safeguards/v1/error_reason_pb.js';
import { ViolationService } from '../../../src/gen/safeguards/v1/violation_service_pb.js';
import type { AgentScope, BudgetEvent } from '../../../src/ledger/api.js';
import type { Asks } from '../../../src/rpc/access/guard.js';
import { bidi, connect, drain, failing, headers, serverStream, unary } from '../support/grpc.js';
import { serve } from '../support/harness.js';
import { PRINCIPALS, ledgerOfTwo, principal, tokenOf } from '../support/principals.js';
import { FULL, T0, agent, pool } from '../support/rows.js';

const asks = { agent: 'PRINCIPALS', admin: 'PRINCIPALS' } satisfies Record<string, Asks>;
const asAgent = () => headers({ authorization: `Bearer ${tokenOf('agent')}` });
const serving = (ledger = ledgerOfTwo()) => serve({ ledger, asks, credentials: PRINCIPALS });

const OWN = { requestId: 'r-1', agentId: 'team-a/one', amount: '1' };
const OTHER = { requestId: 'r-2', agentId: 'team-b/two', amount: '1' };

/** What a scope lets through of two agents and of none. */
const letsThrough = (admits: AgentScope | undefined) =>
  ['team-a/one', 'team-b/two', ''].filter((id) => admits?.(id) !== false);

describe('an agent principal', () => {
  test('has the items of a batch that are another’s refused one by one', async () => {
    const ledger = ledgerOfTwo();
    const { agent: address } = await serving(ledger);
    const { results } = await unary(
      connect(address),
      BudgetService.method.batchSpend,
      { items: [OWN, OTHER, { ...OTHER, amount: 'malformed' }] },
      asAgent(),
    );
    expect(results.map(({ requestId, result }) => [requestId, result.case])).toEqual([
      ['r-1', 'outcome'],
      ['r-2', 'error'],
      ['r-2', 'error'],
    ]);
    expect(results.slice(1).map(({ result }) => result.value)).toEqual([
      expect.objectContaining({ reason: ErrorReason.NOT_PERMITTED }),
      expect.objectContaining({ reason: ErrorReason.NOT_PERMITTED }),
    ]);
    expect(ledger.commands).toEqual([expect.objectContaining({ agentId: 'team-a/one' })]);
    expect(ledger.callers).toEqual([expect.objectContaining({ principal: 'the-agent' })]);
  });

  test('has the items of a stream that are another’s refused, and the stream goes on', async () => {
    const ledger = ledgerOfTwo();
    const { agent: address } = await serving(ledger);
    const stream = bidi(connect(address), BudgetService.method.spendStream, asAgent());
    const read = drain(stream);
    stream.write({ item: OTHER });
    stream.write({ item: OWN });
    stream.end();
    const { messages, failure } = await read;
    expect(failure).toBeUndefined();
    expect(messages.map(({ result }) => result?.result.case)).toEqual(['error', 'outcome']);
    expect(ledger.commands).toEqual([expect.objectContaining({ agentId: 'team-a/one' })]);
  });

  test('lists its own reservations and violations only', async () => {
    const scopes: (AgentScope | undefined)[] = [];
    const ledger = ledgerOfTwo({
      listReservations: ({ admits }) => {
        scopes.push(admits);
        return { items: [], last: undefined };
      },
      listViolations: ({ admits }) => {
        scopes.push(admits);
        return { items: [], last: undefined };
      },
      async *watchViolations({ filter: { admits } }) {
        scopes.push(admits);
        yield { kind: 'BOOKMARK', sequence: 1, storeId: 's', live: true };
      },
    });
    const { agent: address } = await serving(ledger);
    const client = connect(address);
    await unary(client, BudgetService.method.listReservations, {}, asAgent());
    await unary(client, ViolationService.method.listViolations, {}, asAgent());
    await drain(serverStream(client, ViolationService.method.watchViolations, {}, asAgent()));
    expect(scopes.map(letsThrough)).toEqual([['team-a/one'], ['team-a/one'], ['team-a/one']]);
  });

  test('watches of a pool its own agents only', async () => {
    const budget = (id: string): BudgetEvent => ({
      kind: 'BUDGET',
      agent: agent({ id }),
      pool: pool(),
      level: FULL,
    });
    const ledger = ledgerOfTwo({
      async *watchBudgets() {
        yield budget('team-a/one');
        yield budget('team-b/two');
        yield { kind: 'SNAPSHOT_COMPLETE', sequence: 7, agentCount: 2, time: T0 };
        yield { kind: 'LEFT', agentId: 'team-b/two' };
        yield { kind: 'LEFT', agentId: 'team-a/one' };
      },
    });
    const { agent: address } = await serving(ledger);
    const watch = { poolId: 'pool-1' };
    const stream = serverStream(
      connect(address),
      BudgetService.method.watchBudgets,
      watch,
      asAgent(),
    );
    const { messages } = await drain(stream);
    expect(
      JSON.stringify(messages, (_key, value: unknown) =>
        typeof value === 'bigint' ? String(value) : value,
      ),
    ).not.toContain('team-b');
    expect(messages.map(({ event }) => event.case)).toEqual([
      'budget',
      'snapshotComplete',
      'agentLeft',
    ]);
    expect(messages[1]?.event.value).toMatchObject({ agentCount: 1 });
  });

  test('gets one answer for a reservation of another and for none', async () => {
    const { agent: address } = await serving();
    const of = async (reservationId: string) => {
      const request = { requestId: 'r', reservationId, amount: 'malformed' };
      const failure = await failing(
        connect(address),
        BudgetService.method.commit,
        request,
        asAgent(),
      );
      return { ...failure, metadata: Object.keys(failure.metadata) };
    };
    expect(await of('hold-of-two')).toEqual(await of('hold-of-nobody'));
    expect((await of('no id')).reason).toBe('INVALID_REQUEST');
  });
});

describe('when the credentials change', () => {
  const others = PRINCIPALS.filter((known) => known.principal.role !== 'agent');

  test('the next call is judged by the new ones', async () => {
    const server = await serving();
    const client = connect(server.agent);
    const call = () => unary(client, BudgetService.method.spend, OWN, asAgent());
    await expect(call()).resolves.toMatchObject({ grantedAmount: '1' });
    server.setCredentials(others);
    await expect(call()).rejects.toMatchObject({ reason: 'CREDENTIALS_INVALID' });
    server.setCredentials(PRINCIPALS);
    await expect(call()).resolves.toMatchObject({ grantedAmount: '1' });
  });

  test('streams of those who are gone, or may do less, end; others go on', async () => {
    const server = await serving(
      ledgerOfTwo({
        async *watchBudgets(_selection, _ms, signal) {
          yield { kind: 'BUDGET', agent: agent({ id: 'team-a/one' }), pool: pool(), level: FULL };
          await new Promise((resolve) => signal.addEventListener('abort', resolve));
        },
      }),
    );
    const watching = async (token: string) => {
      const metadata = headers({ authorization: `Bearer ${token}` });
      const request = { agentIds: ['team-a/one'] };
      const { watchBudgets } = BudgetService.method;
      const stream = serverStream(connect(server.agent), watchBudgets, request, metadata);
      const ended = drain(stream);
      await new Promise((resolve) => stream.once('data', resolve));
      return { stream, ended };
    };
    const confined = await watching(tokenOf('agent'));
    const viewer = await watching(tokenOf('viewer'));
    let viewerEnded = false;
    void viewer.ended.then(() => (viewerEnded = true));
    const spends = bidi(connect(server.agent), BudgetService.method.spendStream, asAgent());
    const answered = new Promise((resolve) => spends.once('data', resolve));
    const spent = drain(spends);
    spends.write({ item: OWN });
    await answered;
    const less = { name: 'the-agent', role: 'agent', agents: ['team-a/two'] } as const;
    server.setCredentials([...others, principal('agent', { principal: less })]);
    expect((await confined.ended).failure).toMatchObject({ reason: 'CREDENTIALS_INVALID' });
    expect((await spent).failure).toMatchObject({ reason: 'CREDENTIALS_INVALID' });
    expect(viewerEnded).toBe(false);
    viewer.stream.cancel();
    await viewer.ended;
  });
});
