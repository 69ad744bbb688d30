import type { Rejection } from '../../domain/answer.js';
import { ENTRY_KINDS } from '../../domain/entry.js';
import type { EntryKind } from '../../domain/entry.js';
import type { Instant } from '../../domain/model.js';
import type { TimeRange } from '../../ledger/api.js';
import type { AgentMetricsFilter } from '../../ledger/metrics-views.js';
import type {
  ExportLedgerRequest,
  GetUsageHistoryRequest,
  ListAgentMetricsRequest,
  ListBudgetChangesRequest,
  ListPoolMetricsRequest,
} from '../../gen/safeguards/v1/metrics_service_pb.js';
import { isFailure } from '../status.js';
import { formOf, judged, refuseField } from './form.js';
import type { Form } from './form.js';
import { enumOf, sequenceOf } from './number.js';
import { listingOf } from './query.js';
import type { Listing } from './query.js';
import { optionalId, requiredId } from './text.js';
import { instantOf } from './time.js';

const DAY_MS = 86_400_000;

type Granularity = 'ENTRY' | 'MINUTE' | 'HOUR' | 'DAY';
const GRANULARITIES: readonly Granularity[] = ['ENTRY', 'ENTRY', 'MINUTE', 'HOUR', 'DAY'];

type KindFilter = EntryKind | 'ANY';
const KINDS: readonly KindFilter[] = (() => {
  const table: KindFilter[] = ['ANY'];
  for (const kind of Object.keys(ENTRY_KINDS) as EntryKind[]) table[ENTRY_KINDS[kind]] = kind;
  return table;
})();

/** Whose usage is read, when and how finely. */
export interface UsageFilter {
  readonly agentId: string;
  readonly granularity: Granularity;
  readonly range: TimeRange;
}

/**
 * Reads whose usage is read. The defaults depend on the moment, so the first page's range travels
 * in the page token: the later pages are of the same range.
 */
export function decodeUsage(
  request: GetUsageHistoryRequest,
  now: Instant,
): Listing<UsageFilter> | Rejection {
  const form = formOf();
  const agentId = requiredId(form, 'agent_id', request.agentId);
  const granularity = enumOf(form, 'granularity', request.granularity, GRANULARITIES, 'ENTRY');
  const given = givenRange(form, request);
  // What happened in this very millisecond belongs to a range that ends now.
  const end = given.end ?? now + 1;
  const start = given.start ?? Math.max(0, end - DAY_MS);
  ordered(form, start, end);
  const identity = ['GetUsageHistory', agentId, granularity, given.start, given.end] as const;
  const listing = listingOf(form, undefined, identity, request);
  if (isFailure(listing)) return listing;
  const { after, size } = listing.page;
  const [head = '', ...rest] = after?.split(' ') ?? [];
  const [from, to] = head.split('-').map(Number);
  const filter =
    after === undefined || from === undefined || to === undefined
      ? { agentId, granularity, range: { start, end } }
      : { agentId, granularity, range: { start: from, end: to } };
  return {
    filter,
    identity,
    page: { after: after === undefined ? undefined : rest.join(' '), size },
  };
}

/** The key that a usage page's token carries. */
export function usageKey({ start, end }: TimeRange, last: string | undefined): string | undefined {
  return last === undefined ? undefined : `${start}-${end} ${last}`;
}

/** Whose changes are listed, which and when. */
export interface ChangeFilter {
  readonly agentId: string;
  /** Empty: all. */
  readonly kinds: readonly EntryKind[];
  readonly range: TimeRange;
}

/** Reads which changes are listed. */
export function decodeBudgetChanges(
  request: ListBudgetChangesRequest,
): Listing<ChangeFilter> | Rejection {
  const form = formOf();
  const agentId = requiredId(form, 'agent_id', request.agentId);
  const named = request.kinds.map((kind, at) => enumOf(form, `kinds[${at}]`, kind, KINDS, 'ANY'));
  const kinds = named.includes('ANY') ? [] : ([...new Set(named)].sort() as EntryKind[]);
  const given = givenRange(form, request);
  const range = { start: given.start ?? 0, end: given.end ?? Number.MAX_SAFE_INTEGER };
  ordered(form, range.start, range.end);
  const identity = ['ListBudgetChanges', agentId, kinds, given.start, given.end] as const;
  return listingOf(form, { agentId, kinds, range }, identity, request);
}

/** Reads which agents' metrics are listed. */
export function decodeListAgentMetrics(
  request: ListAgentMetricsRequest,
): Listing<AgentMetricsFilter> | Rejection {
  const form = formOf();
  const { poolId, onlyHighUsage } = request;
  optionalId(form, 'pool_id', poolId);
  const identity = ['ListAgentMetrics', poolId, onlyHighUsage] as const;
  return listingOf(form, { poolId, onlyHighUsage }, identity, request);
}

/** Reads which pools' metrics are listed: all. */
export function decodeListPoolMetrics(
  request: ListPoolMetricsRequest,
): Listing<undefined> | Rejection {
  return listingOf(formOf(), undefined, ['ListPoolMetrics'], request);
}

/** Which part of the ledger is exported. */
export interface Export {
  readonly after: number;
  /** 0: to the head. */
  readonly through: number;
}

/** Reads which part of the ledger is exported. */
export function decodeExport(request: ExportLedgerRequest): Export | Rejection {
  const form = formOf();
  const after = sequenceOf(form, 'after_sequence', request.afterSequence);
  const through = sequenceOf(form, 'through_sequence', request.throughSequence);
  if (through !== 0 && through < after) {
    refuseField(form, 'through_sequence', 'Give a sequence that is not before after_sequence');
  }
  return judged(form, { after, through });
}

function givenRange(
  form: Form,
  request: Pick<GetUsageHistoryRequest, 'startTime' | 'endTime'>,
): { readonly start: Instant | undefined; readonly end: Instant | undefined } {
  return {
    start: instantOf(form, 'start_time', request.startTime),
    end: instantOf(form, 'end_time', request.endTime),
  };
}

function ordered(form: Form, start: Instant, end: Instant): void {
  if (start > end) refuseField(form, 'start_time', 'Give a start that is not after the end');
}
