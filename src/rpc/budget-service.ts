import { percentOf } from '../domain/amount.js';
import { reject } from '../domain/answer.js';
import { emergencyRequestNotFound } from '../domain/decide/emergency-approval.js';
import type { Rejection } from '../domain/answer.js';
import { remainingOf } from '../domain/budget.js';
import type { AgentWithPool, BatchItem, LedgerApi } from '../ledger/api.js';
import { BudgetService } from '../gen/safeguards/v1/budget_service_pb.js';
import type { BatchSpendRequest } from '../gen/safeguards/v1/budget_service_pb.js';
import type { Confined } from './access/confined.js';
import { ownItem } from './access/own-item.js';
import { commandMethod } from './command-method.js';
import { cutBudgets } from './cut-budgets.js';
import { decodeEmergencyRequest } from './decode/emergency.js';
import { decodeCommit, decodeExtend, decodeRelease } from './decode/hold.js';
import { decodeBatchGet, decodeId, decodeListReservations, decodeWatch } from './decode/query.js';
import { decodeBatch, decodeReserve, decodeSpend } from './decode/spend.js';
import { encodeBudget } from './encode/budget.js';
import { encodeEmergencyAllocation, encodeEmergencyRequest } from './encode/emergency.js';
import { encodeCommit, encodeExtend, encodeRelease, encodeReserve } from './encode/hold.js';
import { encodeReservation } from './encode/reservation.js';
import { encodeServiceLevel } from './encode/service-level.js';
import { encodeBatch, encodeSpend } from './encode/spend.js';
import { encodeBudgetEvent } from './encode/watch.js';
import { ERROR_DETAIL_BYTES_MAX } from './limits.js';
import type { RpcLimits } from './limits.js';
import { mountedService } from './method.js';
import type { MountedService } from './method.js';
import { nextPageToken } from './paging.js';
import { spendStream } from './spend-stream.js';
import { isFailure } from './status.js';
import { mapped } from './stream-map.js';

/** What an agent calls. */
export function budgetService(ledger: LedgerApi, limits: RpcLimits): MountedService {
  return mountedService(BudgetService, {
    spend: commandMethod(ledger, (request) => decodeSpend(request, limits), encodeSpend),
    reserve: commandMethod(ledger, decodeReserve, encodeReserve),
    commit: commandMethod(ledger, decodeCommit, encodeCommit),
    release: commandMethod(ledger, decodeRelease, encodeRelease),
    extendReservation: commandMethod(ledger, decodeExtend, encodeExtend),
    spendStream: spendStream(ledger, limits),

    batchSpend: (request, caller) => {
      const items = itemsOf(request, limits, caller.confined);
      if (isFailure(items)) return items;
      return ledger
        .executeBatch(items, request.atomic, caller)
        .then((answer) => (isFailure(answer) ? answer : encodeBatch(items, answer)));
    },

    getReservation: (request) => {
      const id = decodeId('reservation_id', request.reservationId);
      if (typeof id !== 'string') return id;
      const view = ledger.reservation(id);
      if (view === undefined) {
        return reject('RESERVATION_NOT_FOUND', 'No such reservation is known', {
          reservation_id: id,
        });
      }
      return {
        $typeName: 'safeguards.v1.GetReservationResponse',
        reservation: encodeReservation(view.reservation, view.agentId),
      };
    },

    listReservations: (request, { confined }) => {
      const listing = decodeListReservations(request);
      if (isFailure(listing)) return listing;
      const filter = { ...listing.filter, admits: confined?.admits };
      const page = ledger.listReservations(filter, listing.page);
      if (isFailure(page)) return page;
      return {
        $typeName: 'safeguards.v1.ListReservationsResponse',
        reservations: page.items.map((view) => encodeReservation(view.reservation, view.agentId)),
        nextPageToken: nextPageToken(listing.identity, page.last),
      };
    },

    getBudget: ({ agentId }) => {
      const found = agentOf(ledger, agentId);
      if (isFailure(found)) return found;
      return {
        $typeName: 'safeguards.v1.GetBudgetResponse',
        budget: encodeBudget(found.agent, found.pool),
      };
    },

    batchGetBudgets: (request) => {
      const ids = decodeBatchGet(request);
      if (isFailure(ids)) return ids;
      const found = ids.map((id) => ledger.agent(id));
      const unknown = ids.filter((_id, at) => found[at] === undefined);
      if (unknown.length > 0) return rejectUnknown(unknown);
      return {
        $typeName: 'safeguards.v1.BatchGetBudgetsResponse',
        budgets: found.flatMap((view) =>
          view === undefined ? [] : [encodeBudget(view.agent, view.pool)],
        ),
      };
    },

    getServiceLevel: ({ agentId }) => {
      const id = decodeId('agent_id', agentId);
      if (typeof id !== 'string') return id;
      const found = ledger.serviceLevel(id);
      if (found === undefined) return unknownAgent(id);
      const { agent, level } = found;
      const percent = percentOf(remainingOf(agent), agent.baseline);
      return {
        $typeName: 'safeguards.v1.GetServiceLevelResponse',
        serviceLevel: encodeServiceLevel(level, percent),
      };
    },

    watchBudgets: (request, { confined }, signal) => {
      const watch = decodeWatch(request, limits);
      if (isFailure(watch)) return watch;
      const events = ledger.watchBudgets(watch.selection, watch.minIntervalMs, signal);
      if (isFailure(events)) return events;
      const own = confined === undefined ? events : cutBudgets(events, confined.admits);
      return mapped(own, encodeBudgetEvent);
    },

    requestEmergencyAllocation: commandMethod(
      ledger,
      decodeEmergencyRequest,
      encodeEmergencyAllocation,
    ),

    getEmergencyRequest: ({ emergencyRequestId }) => {
      const id = decodeId('emergency_request_id', emergencyRequestId);
      if (typeof id !== 'string') return id;
      const request = ledger.emergencyRequest(id);
      if (request === undefined) return emergencyRequestNotFound(id);
      return {
        $typeName: 'safeguards.v1.GetEmergencyRequestResponse',
        emergencyRequest: encodeEmergencyRequest(request),
      };
    },
  });
}

/** Apart from who waits for the answer, whose closure would keep the request as long. */
function itemsOf(
  request: BatchSpendRequest,
  limits: RpcLimits,
  confined: Confined | undefined,
): readonly BatchItem[] | Rejection {
  const items = decodeBatch(request, limits);
  if (isFailure(items) || confined === undefined) return items;
  return items.map((item, at) => ownItem(request.items[at], item, confined));
}

/** An agent by its id, closed or not, and its pool. */
export function agentOf(ledger: LedgerApi, agentId: string): AgentWithPool | Rejection {
  const id = decodeId('agent_id', agentId);
  if (typeof id !== 'string') return id;
  return ledger.agent(id) ?? unknownAgent(id);
}

function unknownAgent(id: string): Rejection {
  return reject('AGENT_NOT_FOUND', 'No such agent exists', { agent_id: id });
}

/** Names the unknown agents, as many as an error can carry. */
function rejectUnknown(ids: readonly string[]): Rejection {
  let bytes = 0;
  const named = ids.filter((id) => (bytes += id.length + 1) <= ERROR_DETAIL_BYTES_MAX);
  const omitted = ids.length - named.length;
  return reject('AGENT_NOT_FOUND', 'Some of the agents do not exist', {
    agent_ids: named.join(' '),
    ...(omitted > 0 && { agent_ids_omitted: String(omitted) }),
  });
}
