/** What MetricsService and ViolationService promise, tried over the wire from many sides at once. */
import { createHash } from 'node:crypto';
import type { DescMessage, DescMethodUnary, MessageInitShape } from '@bufbuild/protobuf';
import type { Client } from '@grpc/grpc-js';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { BudgetAdminService } from '../../src/gen/safeguards/v1/budget_admin_service_pb.js';
import { BudgetService } from '../../src/gen/safeguards/v1/budget_service_pb.js';
import { SpendMode } from '../../src/gen/safeguards/v1/decision_pb.js';
import { LimitWindow } from '../../src/gen/safeguards/v1/limit_pb.js';
import { MonitorAction } from '../../src/gen/safeguards/v1/monitor_pb.js';
import { EntryKind } from '../../src/gen/safeguards/v1/entry_pb.js';
import { MetricsService } from '../../src/gen/safeguards/v1/metrics_service_pb.js';
import { ReviewFindingKind } from '../../src/gen/safeguards/v1/review_pb.js';
import { Severity } from '../../src/gen/safeguards/v1/severity_pb.js';
import { ViolationService } from '../../src/gen/safeguards/v1/violation_service_pb.js';
import { ViolationState, ViolationType } from '../../src/gen/safeguards/v1/violation_pb.js';
import { MemoryLedger } from '../fakes/memory-ledger.js';
import { money } from '../support/seed.js';
import { asAdmin, connect, drain, failing, serverStream, unary } from './support/grpc.js';
import { serve } from './support/harness.js';

const admin = BudgetAdminService.method;
const metrics = MetricsService.method;
const violations = ViolationService.method;

let memory: MemoryLedger;
let agents: Client;
let operators: Client;
let made = 0;

const operator = <I extends DescMessage, O extends DescMessage>(
  method: DescMethodUnary<I, O>,
  request: MessageInitShape<I>,
) => unary(operators, method, request, asAdmin());

const requestId = (): string => `r-${(made += 1)}`;

async function spend(agentId: string, amount: string, mode: SpendMode = SpendMode.STRICT) {
  return unary(agents, BudgetService.method.spend, {
    requestId: requestId(),
    agentId,
    amount,
    mode,
  });
}

beforeEach(async () => {
  memory = await MemoryLedger.open();
  onTestFinished(() => memory.ledger.close());
  const server = await serve({ ledger: memory.ledger });
  [agents, operators] = [connect(server.agent), connect(server.admin)];
  const pool = { poolId: 'p', name: 'P', initialBudget: '1000', minBalance: '100' };
  await operator(admin.createPool, pool);
  for (const agentId of ['a', 'b']) {
    await operator(admin.createAgent, {
      agentId,
      poolId: 'p',
      name: agentId,
      initialBudget: '100',
    });
  }
});

describe('the changes of a budget', () => {
  test('lead from one balance to the next, whatever made them, and notes are apart', async () => {
    await spend('a', '30');
    const held = await unary(agents, BudgetService.method.reserve, {
      requestId: requestId(),
      agentId: 'a',
      amount: '20',
    });
    const reservationId = held.reservation?.id ?? '';
    const commit = { requestId: requestId(), reservationId, amount: '5' };
    await unary(agents, BudgetService.method.commit, commit);
    await operator(admin.setBudget, { agentId: 'a', amount: '80' });
    await operator(admin.transferBudget, {
      source: { party: { case: 'agentId', value: 'a' } },
      destination: { party: { case: 'agentId', value: 'b' } },
      amount: '7',
    });
    const note = {
      agentId: 'a',
      oldBudget: '100',
      newBudget: '75.5',
      changeAmount: '-24.5',
      reason: 'usage',
    };
    await operator(metrics.recordBudgetChange, note);
    const wrong = { ...note, changeAmount: '24.5' };
    const refused = await failing(operators, metrics.recordBudgetChange, wrong, asAdmin());
    expect(refused.fields).toEqual(['change_amount']);

    const { changes } = await operator(metrics.listBudgetChanges, { agentId: 'a' });
    const oldestFirst = [...changes].reverse();
    expect(oldestFirst.map(({ external }) => external)).not.toContain(true);
    let balance = 0n;
    for (const { oldBudget, newBudget, changeAmount } of oldestFirst) {
      expect(money(oldBudget)).toBe(balance);
      balance += money(changeAmount);
      expect(money(newBudget)).toBe(balance);
    }
    const { budget } = await unary(agents, BudgetService.method.getBudget, { agentId: 'a' });
    expect(money(budget!.remaining)).toBe(balance);
    const kinds = [EntryKind.ANNOTATE];
    const notes = await operator(metrics.listBudgetChanges, { agentId: 'a', kinds });
    expect(notes.changes).toMatchObject([
      {
        external: true,
        line: 'Budget change for agent a (priority 5): 100 → 75.5 (-24.5). Reason: usage',
      },
    ]);
  });
});

describe('the exported ledger', () => {
  test('has no gap, and each entry the hash of the one before', async () => {
    for (const amount of ['1', '2.5', '3']) await spend('a', amount);
    const { messages, failure } = await drain(
      serverStream(operators, metrics.exportLedger, {}, asAdmin()),
    );
    expect(failure).toBeUndefined();
    expect(messages.map(({ entry }) => Number(entry?.sequence))).toEqual(
      messages.map((_, at) => at + 1),
    );
    const info = await operator(admin.getServerInfo, {});
    for (const [at, { record, hash }] of messages.entries()) {
      const before = messages[at - 1]?.hash;
      if (before === undefined) continue;
      const expected = createHash('sha256').update(before).update(record).digest();
      expect(Buffer.from(hash)).toEqual(expected);
    }
    expect(messages.at(-1)?.hash).toEqual(info.headHash);
    const part = { afterSequence: 2n, throughSequence: 4n };
    const some = await drain(serverStream(operators, metrics.exportLedger, part, asAdmin()));
    expect(some.messages.map(({ entry }) => entry?.sequence)).toEqual([3n, 4n]);
  });
});

describe('a review', () => {
  const thresholds = [
    ['9.999999999', ReviewFindingKind.AGENT_DEPLETED],
    ['10', undefined],
    ['90', undefined],
    ['90.000000001', ReviewFindingKind.AGENT_UNDERUSED],
  ] as const;
  test.each(thresholds)('of an agent with %s of 100 finds %s', async (left, kind) => {
    await operator(admin.adjustBudget, { agentId: 'b', delta: '-50' });
    await spend('a', formatted(money('100') - money(left)));
    const { findings } = await operator(metrics.runBudgetReview, { poolId: 'p' });
    const own = findings.filter(({ agentId }) => agentId === 'a');
    expect(own.map((finding) => finding.kind)).toEqual(kind === undefined ? [] : [kind]);
  });
});

describe('violations', () => {
  /** Something of every kind that the sidecar detects, and some that are reported. */
  async function mixed(): Promise<void> {
    const scope = { case: 'agentId', value: 'b' } as const;
    const limit = { limitId: 'l', name: 'L', scope, value: '40', severity: Severity.HIGH };
    await operator(admin.createSpendingLimit, limit);
    const rate = {
      limitId: 'r',
      name: 'R',
      scope,
      metric: 'requests',
      window: LimitWindow.HOUR,
      value: '2',
    };
    await operator(admin.createSpendingLimit, rate);
    const monitor = {
      monitorId: 'm',
      name: 'M',
      scope,
      expression: 'amount < 30',
      action: MonitorAction.REPORT,
    };
    await operator(admin.createBudgetMonitor, monitor);
    const everyAgent = { case: 'everyAgent', value: true } as const;
    await operator(admin.createBudgetAlert, { alertId: 'low', subject: everyAgent });
    for (let times = 0; times < 3; times += 1) await spend('a', '101');
    await spend('a', '90');
    await spend('a', '5', SpendMode.FORCE);
    await spend('a', '50', SpendMode.FORCE);
    await spend('b', '41');
    await spend('b', '35');
    await spend('b', '1');
    await spend('b', '1');
    const growth = { agentId: 'c', poolId: 'p', name: 'C', initialBudget: '700' };
    await failing(operators, admin.createAgent, growth, asAdmin());
    const report = {
      agentId: 'b',
      type: ViolationType.CUSTOM,
      severity: Severity.INFO,
      message: 'm',
    };
    for (let times = 0; times < 2; times += 1) {
      await unary(agents, violations.reportViolation, { ...report, requestId: requestId() });
    }
  }

  const all = async (filter: MessageInitShape<typeof violations.listViolations.input> = {}) =>
    (await unary(agents, violations.listViolations, { pageSize: 1_000, ...filter })).violations;

  test('are of the type and severity that their cause says, once each', async () => {
    await mixed();
    const found = (await all()).map(({ type, severity, ruleId }) =>
      [type, severity, ruleId].join(' '),
    );
    const of = (type: ViolationType, severity: Severity, rule: string) =>
      [type, severity, rule].join(' ');
    expect([...found].sort()).toEqual(
      [
        of(ViolationType.OVERSPEND, Severity.MEDIUM, 'a'),
        of(ViolationType.OVERSPEND, Severity.HIGH, 'a'),
        of(ViolationType.LOW_BUDGET, Severity.MEDIUM, 'low'),
        of(ViolationType.BUDGET_LIMIT_EXCEEDED, Severity.HIGH, 'l'),
        of(ViolationType.RATE_LIMIT, Severity.MEDIUM, 'r'),
        of(ViolationType.POLICY_BREACH, Severity.MEDIUM, 'm'),
        of(ViolationType.POOL_BREACH, Severity.CRITICAL, 'p'),
        of(ViolationType.CUSTOM, Severity.INFO, 'b'),
        of(ViolationType.CUSTOM, Severity.INFO, 'b'),
      ].sort(),
    );
  });

  test('are counted as they are listed, by every filter', async () => {
    await mixed();
    const [first, second] = await all({ type: ViolationType.CUSTOM });
    await operator(violations.resolveViolation, { violationId: first!.id });
    const resolving = { violationId: first!.id };
    expect(
      await failing(operators, violations.resolveViolation, resolving, asAdmin()),
    ).toMatchObject({ reason: 'VIOLATION_ALREADY_RESOLVED' });
    const worse = { violationId: second!.id, severity: Severity.CRITICAL };
    await operator(violations.escalateViolation, worse);
    for (const agentId of ['', 'a', 'b']) {
      const listed = await all({ agentId });
      const open = listed.filter(({ state }) => state === ViolationState.OPEN);
      expect(await all({ agentId, state: ViolationState.OPEN })).toEqual(open);
      const stats = await operator(violations.getViolationStats, { agentId });
      expect([Number(stats.totalCount), Number(stats.openCount)]).toEqual([
        listed.length,
        open.length,
      ]);
      for (const { type, totalCount, openCount } of stats.types) {
        expect(await all({ agentId, type })).toHaveLength(Number(totalCount));
        expect(open.filter((each) => each.type === type)).toHaveLength(Number(openCount));
      }
      for (const { severity, totalCount } of stats.severities) {
        const such = listed.filter((each) => each.severity === severity);
        expect(such).toHaveLength(Number(totalCount));
        const atLeast = listed.filter((each) => each.severity >= severity);
        expect(await all({ agentId, minSeverity: severity })).toEqual(atLeast);
      }
    }
  });
});

function formatted(steps: bigint): string {
  const text = String(steps).padStart(13, '0');
  return `${text.slice(0, -12)}.${text.slice(-12)}`.replace(/\.?0+$/, '');
}
