import type { Rejection } from '../domain/answer.js';
import { agentNotFound, poolNotFound } from '../domain/decide/checks.js';
import { policyKey, policyScope } from '../domain/emergency/policy.js';
import {
  requestAsOf,
  type EmergencyRequest,
  type EmergencyState,
} from '../domain/emergency/request.js';
import type { Uid } from '../domain/model.js';
import { sequenceKey } from '../domain/violation.js';
import type { EmergencyPolicyView, LedgerApi, Page, PageRequest } from './api.js';
import { collect, type ListSources } from './lists.js';

type EmergencyFilter = Parameters<LedgerApi['listEmergencyRequests']>[0];

/** The policy in force in a pool, or the server's when no pool is given. Undefined: there is none. */
export function emergencyPolicy(
  { reader, rows }: ListSources,
  poolId: string,
): EmergencyPolicyView | undefined | Rejection {
  const pool = poolId === '' ? undefined : rows.poolById(poolId);
  if (poolId !== '' && pool === undefined) return poolNotFound(poolId);
  const own = pool && reader.row('emergency_policies', policyKey(policyScope(pool.uid)));
  if (own !== undefined) return { policy: own, poolId };
  const policy = reader.row('emergency_policies', policyKey(policyScope(undefined)));
  return policy && { policy, poolId: '' };
}

/** A request by its id, EXPIRED when its time has passed. */
export function emergencyRequest(
  { reader, now }: ListSources,
  id: string,
): EmergencyRequest | undefined {
  const number = reader.row('emergency_request_ids', id)?.number;
  return number === undefined ? undefined : requestOf({ reader, now }, number);
}

/**
 * Requests, newest first. Those of an agent and those that wait are found by lists of their own, so that
 * neither walks over all.
 */
export function listEmergencyRequests(
  sources: ListSources,
  filter: EmergencyFilter,
  page: PageRequest,
): Page<EmergencyRequest> | Rejection {
  const { rows } = sources;
  const agent = filter.agentId === '' ? undefined : rows.agentById(filter.agentId);
  if (filter.agentId !== '' && agent === undefined) return agentNotFound(filter.agentId);
  const pool = filter.poolId === '' ? undefined : rows.poolById(filter.poolId);
  if (filter.poolId !== '' && pool === undefined) return poolNotFound(filter.poolId);
  return collect(
    numbersOf(sources, agent?.uid, filter.state, page.after),
    page.size,
    String,
    (number) => {
      const request = requestOf(sources, number);
      if (request === undefined) return undefined;
      if (filter.state !== undefined && request.state !== filter.state) return undefined;
      return pool === undefined || request.poolUid === pool.uid ? request : undefined;
    },
  );
}

function requestOf(
  { reader, now }: Pick<ListSources, 'reader' | 'now'>,
  number: number,
): EmergencyRequest | undefined {
  const row = reader.row('emergency_requests', sequenceKey(number));
  return row && requestAsOf(row, now());
}

/** The numbers of the requests that may be wanted, newest first, after that of the page before. */
function* numbersOf(
  { reader }: ListSources,
  agentUid: Uid | undefined,
  state: EmergencyState | undefined,
  after: string | undefined,
): Generator<number> {
  if (agentUid !== undefined) {
    const grants = reader.row('emergency_grants', sequenceKey(agentUid));
    if (grants === undefined) return;
    const numbers = [...grants.pending, ...grants.denied, ...grants.settled];
    const end = after === undefined ? Infinity : Number(after);
    yield* numbers.filter((number) => number < end).sort((a, b) => b - a);
    return;
  }
  const range =
    after === undefined ? { reverse: true } : { reverse: true, after: sequenceKey(Number(after)) };
  const collection = state === 'PENDING_APPROVAL' ? 'emergency_pending' : 'emergency_requests';
  for (const [, { number }] of reader.rows(collection, range)) yield number;
}
