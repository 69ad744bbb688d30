import type { Rejection } from '../../domain/answer.js';
import type { ReservationState } from '../../domain/model.js';
import type { PageRequest, WatchSelection } from '../../ledger/api.js';
import type {
  BatchGetBudgetsRequest,
  ListReservationsRequest,
  WatchBudgetsRequest,
} from '../../gen/safeguards/v1/budget_service_pb.js';
import type {
  BackupRequest,
  ListAgentsRequest,
  ListPoolsRequest,
} from '../../gen/safeguards/v1/budget_admin_service_pb.js';
import { pageStart } from '../paging.js';
import type { Filter } from '../paging.js';
import { isFailure } from '../status.js';
import { formOf, judged, refuseField } from './form.js';
import type { Form } from './form.js';
import { enumOf, pageSizeOf } from './number.js';
import { backupNameOf, optionalId, requiredId, runIdOf } from './text.js';
import { MIN_INTERVAL, durationMs } from './time.js';

const BATCH_GET_MAX = 1_000;

const STATES: readonly (ReservationState | 'ANY')[] = [
  'ANY',
  'OPEN',
  'COMMITTED',
  'RELEASED',
  'EXPIRED',
];

/** A list as it was asked for: its filter's identity for page tokens, and the page. */
export interface Listing<F> {
  readonly filter: F;
  readonly identity: Filter;
  readonly page: PageRequest;
}

/** What every list request has. */
interface Paged {
  readonly pageSize: number;
  readonly pageToken: string;
}

/** Reads the page of a list whose filter is read already. */
export function listingOf<F>(
  form: Form,
  filter: F,
  identity: Filter,
  { pageSize, pageToken }: Paged,
): Listing<F> | Rejection {
  const size = pageSizeOf(form, pageSize);
  const wellFormed = judged(form, filter);
  if (form.violations.length > 0) return wellFormed as Rejection;
  const after = pageStart(identity, pageToken);
  if (typeof after === 'object') return after;
  return { filter, identity, page: { after, size } };
}

/** Reads which pools are listed: all. */
export function decodeListPools(request: ListPoolsRequest): Listing<undefined> | Rejection {
  return listingOf(formOf(), undefined, ['ListPools'], request);
}

/** Reads which agents are listed. */
export function decodeListAgents(
  request: ListAgentsRequest,
): Listing<{ readonly poolId: string; readonly showClosed: boolean }> | Rejection {
  const form = formOf();
  const { poolId, showClosed } = request;
  optionalId(form, 'pool_id', poolId);
  return listingOf(form, { poolId, showClosed }, ['ListAgents', poolId, showClosed], request);
}

/** Which reservations are listed. */
export interface ReservationFilter {
  readonly agentId: string;
  readonly state: ReservationState | undefined;
  readonly runId: string;
}

/** Reads which reservations are listed. */
export function decodeListReservations(
  request: ListReservationsRequest,
): Listing<ReservationFilter> | Rejection {
  const form = formOf();
  const { agentId, runId } = request;
  optionalId(form, 'agent_id', agentId);
  runIdOf(form, runId);
  const state = enumOf(form, 'state', request.state, STATES, 'ANY');
  const filter = { agentId, state: state === 'ANY' ? undefined : state, runId };
  return listingOf(form, filter, ['ListReservations', agentId, state, runId], request);
}

/** Reads one required id. */
export function decodeId(field: string, value: string): string | Rejection {
  const form = formOf();
  return judged(form, requiredId(form, field, value));
}

/** Reads whose budgets are read: each once, in the order given. */
export function decodeBatchGet({
  agentIds,
}: BatchGetBudgetsRequest): readonly string[] | Rejection {
  return idsOf(formOf(), agentIds, BATCH_GET_MAX);
}

/** A watch as it was asked for. */
export interface Watch {
  readonly selection: WatchSelection;
  readonly minIntervalMs: number;
}

/** Reads whose budgets are watched. */
export function decodeWatch(
  request: WatchBudgetsRequest,
  { watchedAgentsMax }: { readonly watchedAgentsMax: number },
): Watch | Rejection {
  const form = formOf();
  const { agentIds, poolId } = request;
  const minIntervalMs = durationMs(form, 'min_interval', request.minInterval, MIN_INTERVAL);
  if (poolId !== '') {
    optionalId(form, 'pool_id', poolId);
    if (agentIds.length > 0) refuseField(form, 'agent_ids', 'Give either agents or a pool');
    return judged(form, { selection: { kind: 'POOL', poolId }, minIntervalMs });
  }
  const ids = idsOf(form, agentIds, watchedAgentsMax);
  if (isFailure(ids)) return ids;
  return { selection: { kind: 'AGENTS', agentIds: ids }, minIntervalMs };
}

function idsOf(form: Form, ids: readonly string[], max: number): readonly string[] | Rejection {
  if (ids.length === 0 || ids.length > max) {
    refuseField(form, 'agent_ids', `Give 1 to ${max} ids`);
  } else {
    for (const [at, id] of ids.entries()) requiredId(form, `agent_ids[${at}]`, id);
  }
  return judged(form, [...new Set(ids)]);
}

/** Reads the name of a backup; empty: made by the server. */
export function decodeBackup({ name }: BackupRequest): string | Rejection {
  const form = formOf();
  return judged(form, backupNameOf(form, name));
}
