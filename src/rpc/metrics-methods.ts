import type { LedgerApi } from '../ledger/api.js';
import type { MetricsService } from '../gen/safeguards/v1/metrics_service_pb.js';
import { decodeListAgentMetrics, decodeListPoolMetrics } from './decode/metrics.js';
import { decodeId } from './decode/query.js';
import { encodeAgentMetrics, encodePoolMetrics, encodeSystemMetrics } from './encode/metrics.js';
import type { HandlersOf } from './method.js';
import { nextPageToken } from './paging.js';
import { isFailure } from './status.js';

type Handlers = HandlersOf<typeof MetricsService>;

/** What an agent may know of metrics: one agent's. */
export function agentMetricsMethods(ledger: LedgerApi) {
  return {
    getAgentMetrics: ({ agentId }) => {
      const id = decodeId('agent_id', agentId);
      if (typeof id !== 'string') return id;
      const view = ledger.agentMetrics(id);
      if (isFailure(view)) return view;
      return {
        $typeName: 'safeguards.v1.GetAgentMetricsResponse',
        metrics: encodeAgentMetrics(view),
      };
    },
  } satisfies Handlers;
}

/** How agents, pools and the whole store use money. */
export function metricsMethods(ledger: LedgerApi) {
  return {
    ...agentMetricsMethods(ledger),

    listAgentMetrics: async (request) => {
      const listing = decodeListAgentMetrics(request);
      if (isFailure(listing)) return listing;
      const page = await ledger.listAgentMetrics(listing.filter, listing.page);
      if (isFailure(page)) return page;
      return {
        $typeName: 'safeguards.v1.ListAgentMetricsResponse',
        metrics: page.items.map(encodeAgentMetrics),
        nextPageToken: nextPageToken(listing.identity, page.last),
      };
    },

    getPoolMetrics: ({ poolId }) => {
      const id = decodeId('pool_id', poolId);
      if (typeof id !== 'string') return id;
      const view = ledger.poolMetrics(id);
      if (isFailure(view)) return view;
      return {
        $typeName: 'safeguards.v1.GetPoolMetricsResponse',
        metrics: encodePoolMetrics(view),
      };
    },

    listPoolMetrics: async (request) => {
      const listing = decodeListPoolMetrics(request);
      if (isFailure(listing)) return listing;
      const page = await ledger.listPoolMetrics(listing.page);
      return {
        $typeName: 'safeguards.v1.ListPoolMetricsResponse',
        metrics: page.items.map(encodePoolMetrics),
        nextPageToken: nextPageToken(listing.identity, page.last),
      };
    },

    getSystemMetrics: () => ({
      $typeName: 'safeguards.v1.GetSystemMetricsResponse',
      metrics: encodeSystemMetrics(ledger.systemMetrics()),
    }),
  } satisfies Handlers;
}
