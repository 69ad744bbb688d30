import { describe, expect, test } from 'vitest';
import { BudgetAdminService } from '../../../src/gen/safeguards/v1/budget_admin_service_pb.js';
import { BudgetService } from '../../../src/gen/safeguards/v1/budget_service_pb.js';
import { DENIALS_TOLD_MAX, DENIED_CALLERS_MAX, startAudit } from '../../../src/rpc/access/audit.js';
import type { LogFields } from '../../../src/rpc/log.js';
import { fakeLedger } from '../support/fake-ledger.js';
import { connect, failing, headers } from '../support/grpc.js';
import { serve } from '../support/harness.js';
import { PRINCIPALS, ledgerOfTwo, tokenOf } from '../support/principals.js';

const DENIAL = {
  trust: 'agent',
  method: '/safeguards.v1.BudgetService/Spend',
  reason: 'NOT_PERMITTED',
  principal: 'the-agent',
  peer: '127.0.0.1',
  agentId: 'team-b/two',
} as const;

function auditing() {
  const lines: [string, LogFields][] = [];
  const line = (fields: LogFields, message: string) => void lines.push([message, fields]);
  const ledger = fakeLedger();
  const audit = startAudit(ledger, { info: line, warn: line, error: line });
  return { audit, lines, ledger };
}

describe('denied access', () => {
  test('is a line in the log and a violation, of nobody where the credentials are wrong', async () => {
    const ledger = ledgerOfTwo();
    const asks = { agent: 'PRINCIPALS', admin: 'PRINCIPALS' } as const;
    const server = await serve({ ledger, asks, credentials: PRINCIPALS });
    const token = (role: 'agent' | 'viewer') =>
      headers({ authorization: `Bearer ${tokenOf(role)}` });
    const client = connect(server.agent);
    const foreign = { requestId: 'r', agentId: 'team-b/two', amount: '1' };
    await failing(client, BudgetService.method.spend, foreign, token('agent'));
    await failing(
      client,
      BudgetService.method.getReservation,
      { reservationId: 'hold-of-two' },
      token('agent'),
    );
    await failing(connect(server.admin), BudgetAdminService.method.createPool, {}, token('viewer'));
    await failing(
      client,
      BudgetService.method.spend,
      foreign,
      headers({ authorization: 'Bearer no' }),
    );
    const method = (name: string) => `/safeguards.v1.${name}`;
    expect(ledger.denials).toEqual([
      { principal: 'the-agent', method: method('BudgetService/Spend'), agentId: 'team-b/two' },
      {
        principal: 'the-agent',
        method: method('BudgetService/GetReservation'),
        agentId: 'team-b/two',
      },
      { principal: 'the-viewer', method: method('BudgetAdminService/CreatePool'), agentId: '' },
      // Nobody knows who that was: neither its token nor the agent that it named is kept.
      { principal: '', method: method('BudgetService/Spend'), agentId: '' },
    ]);
    const told = server.lines.filter(({ message }) => message === 'Access denied');
    expect(told.map(({ fields }) => fields)).toEqual([
      { audit: true, ...DENIAL },
      { audit: true, ...DENIAL, method: method('BudgetService/GetReservation') },
      {
        ...{ audit: true, trust: 'admin', method: method('BudgetAdminService/CreatePool') },
        ...{ reason: 'NOT_PERMITTED', principal: 'the-viewer', peer: '127.0.0.1', agentId: '' },
      },
      { audit: true, ...DENIAL, reason: 'CREDENTIALS_INVALID', principal: '', agentId: '' },
    ]);
    expect(JSON.stringify(server.lines)).not.toContain('Bearer');
  });

  test('of a flood is told a few times, then counted', () => {
    const { audit, lines, ledger } = auditing();
    for (let at = 0; at < 10_000; at += 1) audit.denied(DENIAL);
    expect(lines).toHaveLength(DENIALS_TOLD_MAX);
    expect(ledger.denials).toHaveLength(DENIALS_TOLD_MAX);
    audit.turn();
    expect(lines.at(-1)).toEqual([
      'Access denied more often',
      { audit: true, caller: 'the-agent', leftOut: 10_000 - DENIALS_TOLD_MAX },
    ]);
    audit.denied(DENIAL);
    expect(ledger.denials).toHaveLength(DENIALS_TOLD_MAX + 1);
    audit.close();
  });

  test('by many is bounded too', () => {
    const { audit, lines } = auditing();
    for (let at = 0; at < 5 * DENIED_CALLERS_MAX; at += 1) {
      audit.denied({ ...DENIAL, principal: '', peer: `10.0.0.${at}` });
    }
    expect(lines).toHaveLength(DENIED_CALLERS_MAX + DENIALS_TOLD_MAX);
    audit.close();
    expect(lines.at(-1)?.[1]).toMatchObject({ caller: 'others' });
  });
});
