import { type Answer, reject } from '../../../src/domain/answer.js';
import type { Command } from '../../../src/domain/command.js';
import type { Caller, DeniedAccess, LedgerApi } from '../../../src/ledger/api.js';
import {
  FULL,
  T0,
  agent,
  agentMetrics,
  budgetChange,
  outcome,
  pool,
  poolMetrics,
  reviewView,
} from './rows.js';

/** A ledger in memory that records what it is asked and answers what the test says. */
export interface FakeLedger extends LedgerApi {
  readonly commands: Command[];
  readonly callers: Caller[];
  readonly denials: DeniedAccess[];
}

/** One agent, one pool; every command is approved. */
export function fakeLedger(over: Partial<LedgerApi> = {}): FakeLedger {
  const commands: Command[] = [];
  const callers: Caller[] = [];
  const denials: DeniedAccess[] = [];
  const record = (command: Command, caller: Caller): void => {
    commands.push(command);
    callers.push(caller);
  };
  const ledger: LedgerApi = {
    execute: async (command, caller): Promise<Answer> => {
      record(command, caller);
      return outcome({ amount: 'amount' in command ? (command.amount ?? 0n) : 0n });
    },
    executeBatch: async (items, _atomic, caller) => ({
      results: items.map((item) => {
        if ('verdict' in item) return item;
        record(item, caller);
        return outcome({ amount: item.amount });
      }),
      agents: [{ agent: agent(), pool: pool() }],
    }),
    agent: (id) => (id === 'agent-1' ? { agent: agent(), pool: pool() } : undefined),
    pool: (id) => (id === 'pool-1' ? pool() : undefined),
    serviceLevel: (id) => (id === 'agent-1' ? { agent: agent(), level: FULL } : undefined),
    serviceLevels: () => ({ sourceId: '', set: undefined }),
    reservation: () => undefined,
    listPools: () => ({ items: [pool()], last: undefined }),
    listAgents: () => ({ items: [{ agent: agent(), pool: pool() }], last: undefined }),
    listReservations: () => ({ items: [], last: undefined }),
    object: () => undefined,
    listObjects: () => ({ items: [], last: undefined }),
    scopeId: () => 'agent-1',
    limitStatus: () => ({ counted: 0n, windowStart: undefined, windowEnd: undefined }),
    emergencyPolicy: () => undefined,
    emergencyRequest: () => undefined,
    listEmergencyRequests: () => ({ items: [], last: undefined }),
    usageEntries: () => ({ items: [], last: undefined, retainedFrom: undefined }),
    usageBuckets: () => ({ items: [], last: undefined, retainedFrom: undefined }),
    budgetChanges: () => ({ items: [], last: undefined, retainedFrom: undefined }),
    recordBudgetChange: async (command, caller) => {
      record(command, caller);
      return { outcome: outcome({}), change: budgetChange({ external: true }) };
    },
    runReview: async (_request, _trigger, caller) => {
      callers.push(caller);
      return { outcome: outcome({ sequence: 17 }), view: reviewView() };
    },
    review: (id) =>
      id === '17' ? reviewView() : reject('REVIEW_NOT_FOUND', 'No such review is kept'),
    listReviews: () => ({ items: [reviewView().review], last: undefined }),
    agentMetrics: (id) =>
      id === 'agent-1' ? agentMetrics() : reject('AGENT_NOT_FOUND', 'No such agent exists'),
    listAgentMetrics: async () => ({ items: [agentMetrics()], last: undefined }),
    poolMetrics: (id) =>
      id === 'pool-1' ? poolMetrics() : reject('POOL_NOT_FOUND', 'No such pool exists'),
    listPoolMetrics: async () => ({ items: [poolMetrics()], last: undefined }),
    systemMetrics: () => ({
      pools: 1,
      activeAgents: 1,
      frozenAgents: 2,
      closedAgents: 3,
      openReservations: 1,
      units: [],
      spendsLastHour: 4,
      spendsLastDay: 5,
      headSequence: 12,
      entries: 12,
      time: T0,
      sizeBytes: 4_096,
    }),
    alert: () => undefined,
    listAlerts: () => ({ items: [], last: undefined }),
    channel: () => undefined,
    listChannels: () => ({ items: [], last: undefined }),
    delivery: () => undefined,
    listDeliveries: () => ({ items: [], last: undefined }),
    schedule: () => undefined,
    listSchedules: () => ({ items: [], last: undefined }),
    scheduleRun: () => undefined,
    scheduleRuns: () => ({ items: [], last: undefined }),
    async *exportEntries() {},
    async *watchBudgets() {},
    reportDenied: async (denied) => void denials.push(denied),
    violation: () => undefined,
    listViolations: () => ({ items: [], last: undefined }),
    violationCounts: () => [],
    async *watchViolations() {},
    now: () => T0,
    info: () => ({
      storeId: 'store-1',
      format: 1,
      oldestSequence: 1,
      headSequence: 12,
      headHash: new Uint8Array(32),
      time: T0,
      disk: { level: 'OK', freeBytes: 1_000_000 },
    }),
    verify: async () => ({
      clean: true,
      entries: 12,
      balances: 6,
      headSequence: 12,
      headHash: new Uint8Array(32),
      findings: [],
      elapsedMs: 1_500,
    }),
    backup: async (name) => ({
      name: name === '' ? 'made-up' : name,
      sizeBytes: 4_096,
      headSequence: 12,
      headHash: new Uint8Array(32),
    }),
    ...over,
  };
  return { ...ledger, commands, callers, denials };
}
