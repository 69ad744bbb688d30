import { rejectFields } from '../domain/answer.js';
import type { LedgerApi } from '../ledger/api.js';
import type { ExportMessage } from '../ledger/export.js';
import {
  type ExportLedgerResponse,
  MetricsService,
} from '../gen/safeguards/v1/metrics_service_pb.js';
import { decodeExport, decodeUsage, usageKey } from './decode/metrics.js';
import { encodeEntry } from './encode/entry.js';
import { optionalTimestamp } from './encode/time.js';
import { encodeUsageBucket, encodeUsageEntry } from './encode/usage.js';
import { type HandlersOf, type MountedService, mountedService, StreamFailed } from './method.js';
import { agentMetricsMethods, metricsMethods } from './metrics-methods.js';
import { nextPageToken } from './paging.js';
import { reviewMethods } from './review-methods.js';
import { isFailure } from './status.js';
import { mapped } from './stream-map.js';

type Handlers = HandlersOf<typeof MetricsService>;

/** What an agent may know of usage: its metrics and history. */
export function agentMetricsService(ledger: LedgerApi): MountedService {
  return mountedService(MetricsService, {
    ...agentMetricsMethods(ledger),
    getUsageHistory: usageHistory(ledger),
  });
}

/** Metrics, usage and the ledger. */
export function metricsService(ledger: LedgerApi): MountedService {
  return mountedService(MetricsService, {
    ...metricsMethods(ledger),
    ...reviewMethods(ledger),
    getUsageHistory: usageHistory(ledger),

    exportLedger: (request, _caller, signal) => {
      const part = decodeExport(request);
      if (isFailure(part)) return part;
      const { headSequence } = ledger.info();
      if (part.after > headSequence) {
        const description = `Give at most the head, which is ${headSequence}`;
        return rejectFields([{ field: 'after_sequence', description }]);
      }
      const messages = ledger.exportEntries(part.after, part.through, signal);
      return isFailure(messages) ? messages : mapped(messages, encodeExported);
    },
  });
}

function usageHistory(ledger: LedgerApi): NonNullable<Handlers['getUsageHistory']> {
  return (request) => {
    const listing = decodeUsage(request, ledger.now());
    if (isFailure(listing)) return listing;
    const { agentId, granularity, range } = listing.filter;
    const entries =
      granularity === 'ENTRY' ? ledger.usageEntries(agentId, range, listing.page) : undefined;
    const buckets =
      granularity === 'ENTRY'
        ? undefined
        : ledger.usageBuckets(agentId, granularity, range, listing.page);
    if (entries !== undefined && isFailure(entries)) return entries;
    if (buckets !== undefined && isFailure(buckets)) return buckets;
    const page = entries ?? buckets;
    return {
      $typeName: 'safeguards.v1.GetUsageHistoryResponse',
      entries: entries?.items.map(encodeUsageEntry) ?? [],
      buckets: buckets?.items.map(encodeUsageBucket) ?? [],
      nextPageToken: nextPageToken(listing.identity, usageKey(range, page?.last)),
      retainedFromTime: optionalTimestamp(page?.retainedFrom),
    };
  };
}

function encodeExported(message: ExportMessage): ExportLedgerResponse {
  if (message.kind === 'ENDED') throw new StreamFailed(message.rejection);
  const { view, record, hash } = message.exported;
  return {
    $typeName: 'safeguards.v1.ExportLedgerResponse',
    entry: encodeEntry(view),
    record,
    hash,
  };
}
