/**
 * Two hundred callers at once, over the wire, run into a spending limit, a threshold of an alert and the
 * border of a level of service together: each is passed exactly once, to the last digit.
 */
import type { Client, ClientReadableStream } from '@grpc/grpc-js';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { BudgetAdminService } from '../../src/gen/safeguards/v1/budget_admin_service_pb.js';
import { BudgetService } from '../../src/gen/safeguards/v1/budget_service_pb.js';
import type { WatchBudgetsResponse } from '../../src/gen/safeguards/v1/budget_service_pb.js';
import { AlertCondition } from '../../src/gen/safeguards/v1/alert_pb.js';
import { Decision, DenialReason } from '../../src/gen/safeguards/v1/decision_pb.js';
import { LimitWindow } from '../../src/gen/safeguards/v1/limit_pb.js';
import { MemoryLedger } from '../fakes/memory-ledger.js';
import { asAdmin, connect, drain, serverStream, unary } from './support/grpc.js';
import { serve } from './support/harness.js';

const CALLERS = 200;
const CONNECTIONS = 20;

const { spend, reserve, commit, getBudget, watchBudgets } = BudgetService.method;
const admin = BudgetAdminService.method;

interface Answer {
  readonly decision: Decision;
  readonly sequence: bigint;
  readonly level: string | undefined;
  readonly reason: DenialReason | undefined;
  readonly reservationId: string;
}

let memory: MemoryLedger;
let clients: readonly Client[];
let operators: Client;

beforeEach(async () => {
  memory = await MemoryLedger.open();
  onTestFinished(() => memory.ledger.close());
  const server = await serve({ ledger: memory.ledger });
  clients = Array.from({ length: CONNECTIONS }, () => connect(server.agent));
  operators = connect(server.admin);
});

interface Rules {
  /** What the limit lets through in all. */
  readonly limit: string;
  /** The percentage at which the alert speaks. */
  readonly alertAt: string;
  /** The percentage below which the level is another. */
  readonly levelBelow: string;
}

/** An agent of 100 with the rules on it. */
async function prepare({ limit, alertAt, levelBelow }: Rules): Promise<void> {
  const pool = { poolId: 'p', name: 'P', initialBudget: '1000' };
  await unary(operators, admin.createPool, pool, asAdmin());
  const agent = { agentId: 'a', poolId: 'p', name: 'A', initialBudget: '100' };
  await unary(operators, admin.createAgent, agent, asAdmin());
  const subject = { case: 'agentId', value: 'a' } as const;
  const lifetime = { limitId: 'l', name: 'L', scope: subject, window: LimitWindow.LIFETIME };
  await unary(operators, admin.createSpendingLimit, { ...lifetime, value: limit }, asAdmin());
  const low = { alertId: 'low', subject, thresholds: [{ value: alertAt }] };
  await unary(operators, admin.createBudgetAlert, low, asAdmin());
  const degraded = {
    alertId: 'degraded',
    subject,
    condition: AlertCondition.SERVICE_LEVEL_AT_OR_BELOW,
    thresholds: [{ value: 'lean' }],
  };
  await unary(operators, admin.createBudgetAlert, degraded, asAdmin());
  const levels = [
    { name: 'full', minPercent: levelBelow },
    { name: 'lean', minPercent: '0' },
  ];
  await unary(operators, admin.setServiceLevels, { scope: subject, levels }, asAdmin());
}

/** All callers at once, each over one of the connections. */
async function together(call: (client: Client, at: number) => Promise<Answer>) {
  return Promise.all(
    Array.from({ length: CALLERS }, (_, at) => call(clients[at % CONNECTIONS]!, at)),
  );
}

const spending = async (client: Client, at: number): Promise<Answer> => {
  const answer = await unary(client, spend, { requestId: `s-${at}`, agentId: 'a', amount: '1' });
  const { decision, sequence, serviceLevel, denial } = answer;
  return {
    decision,
    sequence,
    level: serviceLevel?.name,
    reason: denial?.reason,
    reservationId: '',
  };
};

const holding = async (client: Client, at: number): Promise<Answer> => {
  const answer = await unary(client, reserve, { requestId: `h-${at}`, agentId: 'a', amount: '1' });
  const { decision, sequence, serviceLevel, denial, reservation } = answer;
  const reservationId = reservation?.id ?? '';
  return { decision, sequence, level: serviceLevel?.name, reason: denial?.reason, reservationId };
};

/** The levels that a watcher was shown, without repetitions, until the agent has so much left. */
async function watched(
  stream: ClientReadableStream<WatchBudgetsResponse>,
  until: string,
): Promise<readonly string[]> {
  const levels: string[] = [];
  let available = '';
  stream.on('data', ({ event, serviceLevel }: WatchBudgetsResponse) => {
    if (event.case !== 'budget') return;
    available = event.value.available;
    if (serviceLevel !== undefined && levels.at(-1) !== serviceLevel.name) {
      levels.push(serviceLevel.name);
    }
  });
  const read = drain(stream);
  await expect.poll(() => available, { timeout: 15_000 }).toBe(until);
  stream.cancel();
  await read;
  return levels;
}

/** How often each rule spoke. */
function told(): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const [, { kind, violation }] of memory.store.rows('violation_events', {})) {
    const name = `${kind} ${violation.rule.kind} ${violation.rule.id}`;
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}

const approvedOf = (answers: readonly Answer[]): readonly Answer[] =>
  answers
    .filter(({ decision }) => decision === Decision.APPROVED)
    .sort((a, b) => Number(a.sequence - b.sequence));

/** How often the level differs from the one of the entry before. */
function changesOf(approved: readonly Answer[]): number {
  return approved.filter(({ level }, at) => at > 0 && level !== approved[at - 1]!.level).length;
}

const cases = [
  {
    name: 'the money runs out first',
    rules: { limit: '150', alertAt: '30', levelBelow: '30' },
    approvals: 100,
    reason: DenialReason.INSUFFICIENT_BUDGET,
    denied: 'OPENED BUDGET a',
  },
  {
    name: 'the limit is reached first',
    rules: { limit: '60', alertAt: '55', levelBelow: '60' },
    approvals: 60,
    reason: DenialReason.SPENDING_LIMIT_EXCEEDED,
    denied: 'OPENED LIMIT l',
  },
  {
    name: 'limit, alert, level and money end with the same spend',
    rules: { limit: '100', alertAt: '0', levelBelow: '1' },
    approvals: 100,
    reason: DenialReason.SPENDING_LIMIT_EXCEEDED,
    denied: 'OPENED LIMIT l',
  },
] as const;

describe.each([
  ['spends', spending],
  ['holds', holding],
] as const)('%s of 1 by 200 callers of an agent of 100', (how, call) => {
  test.each(cases)('when $name', async ({ rules, approvals, reason, denied }) => {
    await prepare(rules);
    const stream = serverStream(clients[0]!, watchBudgets, { agentIds: ['a'] });
    const shown = watched(stream, String(100 - approvals));
    const answers = await together(call);

    const approved = approvedOf(answers);
    expect(approved).toHaveLength(approvals);
    expect(new Set(approved.map(({ sequence }) => sequence)).size).toBe(approvals);
    const refused = answers.filter(({ decision }) => decision === Decision.DENIED);
    expect(refused).toHaveLength(CALLERS - approvals);
    expect(new Set(refused.map((answer) => answer.reason))).toEqual(new Set([reason]));
    // Whoever is denied is shown the level as it is then: the last one.
    expect(new Set(refused.map(({ level }) => level))).toEqual(new Set(['lean']));
    expect([approved[0]?.level, approved.at(-1)?.level]).toEqual(['full', 'lean']);
    expect(changesOf(approved)).toBe(1);
    expect(await shown).toEqual(['full', 'lean']);
    const once = { 'OPENED ALERT low': 1, 'OPENED ALERT degraded': 1, [denied]: 1 };
    expect(told()).toEqual(once);

    if (how === 'holds') {
      await together(async (client, at) => {
        const { reservationId } = answers[at]!;
        if (reservationId !== '') {
          await unary(client, commit, { requestId: `c-${at}`, reservationId });
        }
        return answers[at]!;
      });
      expect(told()).toEqual(once);
    }
    const { budget } = await unary(clients[0]!, getBudget, { agentId: 'a' });
    expect(budget).toMatchObject({
      spent: String(approvals),
      reserved: '0',
      remaining: String(100 - approvals),
    });
    expect(await memory.verify()).toMatchObject({ clean: true });
  });
});
