import type { DescMethod, DescService, MessageShape } from '@bufbuild/protobuf';
import { reject } from '../../domain/answer.js';
import type { Rejection } from '../../domain/answer.js';
import { emergencyRequestNotFound } from '../../domain/decide/emergency-approval.js';
import { violationNotFound } from '../../domain/decide/violations.js';
import { violationNumber } from '../../domain/violation.js';
import { BudgetAdminService } from '../../gen/safeguards/v1/budget_admin_service_pb.js';
import { BudgetService } from '../../gen/safeguards/v1/budget_service_pb.js';
import { MetricsService } from '../../gen/safeguards/v1/metrics_service_pb.js';
import { ViolationService } from '../../gen/safeguards/v1/violation_service_pb.js';
import type { LedgerApi } from '../../ledger/api.js';
import { isId } from '../decode/text.js';
import { refuseForeign } from './confined.js';
import type { Confined } from './confined.js';
import type { Role } from './principal.js';

/**
 * Judges a request of an agent principal before its shape is judged: undefined lets it pass. What a
 * request names only by the id of something else is looked up; lists and streams that pass are cut to
 * the principal's own agents by their handlers.
 */
export type Confine<I> = (
  request: I,
  confined: Confined,
  ledger: LedgerApi,
) => Rejection | undefined;

/** Who may call a method. */
export interface Access<I> {
  /** The least role of those that are no agents. */
  readonly least: Exclude<Role, 'agent'>;
  /** How an agent principal is kept to its own agents. Undefined: it may not call the method. */
  readonly agent?: Confine<I>;
}

/** A row for every method of a service: one that is missing does not compile. */
type Rows<S extends DescService> = {
  readonly [K in keyof S['method']]: Access<MessageShape<S['method'][K]['input']>>;
};

const VIEWER = { least: 'viewer' } as const;
const OPERATOR = { least: 'operator' } as const;
const ADMIN = { least: 'admin' } as const;

const BUDGET: Rows<typeof BudgetService> = {
  spend: { ...OPERATOR, agent: ofAgent },
  // Items for other agents are refused one by one, like everything else that is wrong with an item.
  batchSpend: { ...OPERATOR, agent: passes },
  spendStream: { ...OPERATOR, agent: passes },
  reserve: { ...OPERATOR, agent: ofAgent },
  commit: { ...OPERATOR, agent: ofReservation },
  release: { ...OPERATOR, agent: ofReservation },
  extendReservation: { ...OPERATOR, agent: ofReservation },
  getReservation: { ...VIEWER, agent: ofReservation },
  listReservations: { ...VIEWER, agent: ofAgent },
  getBudget: { ...VIEWER, agent: ofAgent },
  batchGetBudgets: { ...VIEWER, agent: ofAgents },
  watchBudgets: { ...VIEWER, agent: ofAgents },
  getServiceLevel: { ...VIEWER, agent: ofAgent },
  requestEmergencyAllocation: { ...OPERATOR, agent: ofAgent },
  getEmergencyRequest: { ...VIEWER, agent: ofEmergencyRequest },
};

const BUDGET_ADMIN: Rows<typeof BudgetAdminService> = {
  createPool: OPERATOR,
  getPool: VIEWER,
  listPools: VIEWER,
  updatePool: OPERATOR,
  fundPool: OPERATOR,
  deletePool: OPERATOR,
  freezePool: OPERATOR,
  unfreezePool: OPERATOR,
  createAgent: OPERATOR,
  getAgent: VIEWER,
  listAgents: VIEWER,
  updateAgent: OPERATOR,
  moveAgent: OPERATOR,
  deleteAgent: OPERATOR,
  freezeAgent: OPERATOR,
  unfreezeAgent: OPERATOR,
  setBudget: OPERATOR,
  adjustBudget: OPERATOR,
  transferBudget: OPERATOR,
  refundSpend: OPERATOR,
  allocateDynamic: OPERATOR,
  allocateByPriority: OPERATOR,
  rebalancePool: OPERATOR,
  createSpendingLimit: OPERATOR,
  getSpendingLimit: VIEWER,
  listSpendingLimits: VIEWER,
  updateSpendingLimit: OPERATOR,
  deleteSpendingLimit: OPERATOR,
  createBudgetMonitor: OPERATOR,
  getBudgetMonitor: VIEWER,
  listBudgetMonitors: VIEWER,
  updateBudgetMonitor: OPERATOR,
  deleteBudgetMonitor: OPERATOR,
  setEmergencyPolicy: OPERATOR,
  getEmergencyPolicy: VIEWER,
  listEmergencyRequests: VIEWER,
  approveEmergencyRequest: OPERATOR,
  rejectEmergencyRequest: OPERATOR,
  createBudgetAlert: OPERATOR,
  getBudgetAlert: VIEWER,
  listBudgetAlerts: VIEWER,
  updateBudgetAlert: OPERATOR,
  deleteBudgetAlert: OPERATOR,
  setServiceLevels: OPERATOR,
  getServiceLevels: VIEWER,
  createSchedule: OPERATOR,
  getSchedule: VIEWER,
  listSchedules: VIEWER,
  updateSchedule: OPERATOR,
  deleteSchedule: OPERATOR,
  runSchedule: OPERATOR,
  listScheduleRuns: VIEWER,
  createNotificationChannel: OPERATOR,
  getNotificationChannel: VIEWER,
  listNotificationChannels: VIEWER,
  updateNotificationChannel: OPERATOR,
  deleteNotificationChannel: OPERATOR,
  testNotificationChannel: OPERATOR,
  listDeliveries: VIEWER,
  retryDelivery: OPERATOR,
  getServerInfo: VIEWER,
  verifyLedger: OPERATOR,
  // What reaches beyond money: a copy of everything on this host's disk, and every object at once,
  // those that are not in the document taken away.
  backup: ADMIN,
  applyConfiguration: ADMIN,
};

const METRICS: Rows<typeof MetricsService> = {
  getAgentMetrics: { ...VIEWER, agent: ofAgent },
  listAgentMetrics: VIEWER,
  getPoolMetrics: VIEWER,
  listPoolMetrics: VIEWER,
  getSystemMetrics: VIEWER,
  getUsageHistory: { ...VIEWER, agent: ofAgent },
  listBudgetChanges: VIEWER,
  recordBudgetChange: OPERATOR,
  runBudgetReview: OPERATOR,
  getBudgetReview: VIEWER,
  listBudgetReviews: VIEWER,
  exportLedger: VIEWER,
};

const VIOLATION: Rows<typeof ViolationService> = {
  reportViolation: { ...OPERATOR, agent: ofAgent },
  getViolation: { ...VIEWER, agent: ofViolation },
  listViolations: { ...VIEWER, agent: ofAgent },
  resolveViolation: OPERATOR,
  escalateViolation: OPERATOR,
  getViolationStats: VIEWER,
  watchViolations: { ...VIEWER, agent: ofAgents },
};

const MATRIX = new Map<string, Readonly<Record<string, Access<never>>>>([
  [BudgetService.typeName, BUDGET],
  [BudgetAdminService.typeName, BUDGET_ADMIN],
  [MetricsService.typeName, METRICS],
  [ViolationService.typeName, VIOLATION],
]);

/** Who may call a method; undefined for one of health or reflection, which every role may call. */
export function accessOf({ parent, localName }: DescMethod): Access<never> | undefined {
  return MATRIX.get(parent.typeName)?.[localName];
}

const RANKS = { agent: 0, viewer: 1, operator: 2, admin: 3 } as const satisfies Record<
  Role,
  number
>;

/** Whether a role may call a method. */
export function permits(role: Role, method: DescMethod): boolean {
  const access = accessOf(method);
  if (access === undefined) return true;
  return role === 'agent' ? access.agent !== undefined : RANKS[role] >= RANKS[access.least];
}

function passes(): undefined {
  return undefined;
}

function ofAgent({ agentId }: { readonly agentId: string }, confined: Confined) {
  return refuseForeign(confined, [agentId]);
}

function ofAgents({ agentIds }: { readonly agentIds: readonly string[] }, confined: Confined) {
  return refuseForeign(confined, agentIds);
}

// Below, what is another agent's and what is not there have one answer, so that nobody can look for
// what others have. What is no id is for the judgement of the shape.

function ofReservation(
  { reservationId: id }: { readonly reservationId: string },
  { admits, denied }: Confined,
  ledger: LedgerApi,
) {
  const owner = isId(id) ? ledger.reservation(id)?.agentId : undefined;
  if (!isId(id) || (owner !== undefined && admits(owner))) return undefined;
  if (owner !== undefined) denied(owner);
  return reject('RESERVATION_NOT_FOUND', 'No such reservation is known', { reservation_id: id });
}

function ofEmergencyRequest(
  { emergencyRequestId: id }: { readonly emergencyRequestId: string },
  { admits, denied }: Confined,
  ledger: LedgerApi,
) {
  const owner = isId(id) ? ledger.emergencyRequest(id)?.agentId : undefined;
  if (!isId(id) || (owner !== undefined && admits(owner))) return undefined;
  if (owner !== undefined) denied(owner);
  return emergencyRequestNotFound(id);
}

function ofViolation(
  { violationId }: { readonly violationId: string },
  { admits, denied }: Confined,
  ledger: LedgerApi,
) {
  const sequence = violationNumber(violationId);
  if (sequence === undefined) return undefined;
  const owner = ledger.violation(sequence)?.agentId;
  if (owner !== undefined && owner !== '' && admits(owner)) return undefined;
  if (owner !== undefined && owner !== '') denied(owner);
  return violationNotFound(sequence);
}
