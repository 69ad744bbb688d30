import type { LedgerApi } from '../ledger/api.js';
import { BudgetAdminService } from '../gen/safeguards/v1/budget_admin_service_pb.js';
import { confineAgents } from './access/confine.js';
import { agentMethods } from './agent-methods.js';
import { alertMethods } from './alert-methods.js';
import { allocationMethods } from './allocation-methods.js';
import { budgetService } from './budget-service.js';
import { channelMethods, type NotificationOptions } from './channel-methods.js';
import { emergencyMethods } from './emergency-methods.js';
import { healthService } from './health.js';
import type { ServingState } from './health.js';
import type { RpcLimits } from './limits.js';
import { levelMethods } from './level-methods.js';
import type { Log } from './log.js';
import { mountedService } from './method.js';
import type { MountedService } from './method.js';
import { agentMetricsService, metricsService } from './metrics-service.js';
import { limitMethods } from './limit-methods.js';
import { monitorMethods } from './monitor-methods.js';
import { moneyMethods } from './money-methods.js';
import { poolMethods } from './pool-methods.js';
import { reflectionServices } from './reflection.js';
import { scheduleMethods } from './schedule-methods.js';
import { serverMethods } from './server-methods.js';
import type { ServerFacts } from './server-methods.js';
import { agentViolationService, violationService } from './violation-service.js';

/** What the services are made of. */
export interface PlaneOptions extends ServerFacts {
  readonly ledger: LedgerApi;
  readonly limits: RpcLimits;
  readonly notifications: NotificationOptions;
  readonly log: Log;
}

/**
 * Everything that an agent's listener serves. The operator's services are not refused there: they
 * do not exist.
 */
export function agentPlane(
  options: PlaneOptions,
  serving: ServingState,
): readonly MountedService[] {
  const { ledger, limits } = options;
  const services = [
    budgetService(ledger, limits),
    agentMetricsService(ledger),
    agentViolationService(ledger),
  ];
  return withCommons(confineAgents(services, ledger), serving);
}

/** Everything that an operator's listener serves: everything. */
export function adminPlane(
  options: PlaneOptions,
  serving: ServingState,
): readonly MountedService[] {
  const { ledger, limits } = options;
  const admin = mountedService(BudgetAdminService, {
    ...poolMethods(ledger),
    ...agentMethods(ledger),
    ...moneyMethods(ledger),
    ...allocationMethods(ledger),
    ...limitMethods(ledger),
    ...monitorMethods(ledger),
    ...emergencyMethods(ledger),
    ...alertMethods(ledger),
    ...levelMethods(ledger),
    ...scheduleMethods(ledger),
    ...channelMethods(ledger, options.notifications, options.log),
    ...serverMethods(ledger, options, options.log),
  });
  const services = [
    budgetService(ledger, limits),
    admin,
    metricsService(ledger),
    violationService(ledger),
  ];
  return withCommons(confineAgents(services, ledger), serving);
}

/** Adds health and the reflection of exactly what is there. */
function withCommons(services: readonly MountedService[], serving: ServingState) {
  const mounted = [...services, healthService(serving, services)];
  return [...mounted, ...reflectionServices(mounted)];
}
