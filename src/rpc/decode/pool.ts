import type { Rejection } from '../../domain/answer.js';
import type {
  AdminFields,
  CreatePoolCommand,
  FundPoolCommand,
  PoolPatch,
  PoolStateCommand,
  UpdatePoolCommand,
} from '../../domain/command.js';
import type { PoolFunding } from '../../domain/model.js';
import type {
  CreatePoolRequest,
  DeletePoolRequest,
  FreezePoolRequest,
  FundPoolRequest,
  UnfreezePoolRequest,
  UpdatePoolRequest,
} from '../../gen/safeguards/v1/budget_admin_service_pb.js';
import type { Pool } from '../../gen/safeguards/v1/pool_pb.js';
import { deltaOf, optionalAmount, requiredAmount } from './amount.js';
import { formOf, judged, partOf, refuseField } from './form.js';
import type { Form } from './form.js';
import { maskOf } from './mask.js';
import { enumOf, priorityOf, revisionOf, scaleOf } from './number.js';
import { ADMIN_METADATA, metadataOf } from './pairs.js';
import { nameOf, optionalId, reasonOf, requestIdOf, requiredId, unitOf } from './text.js';

const DEFAULT_UNIT = 'USD';
const FUNDINGS: readonly PoolFunding[] = ['FIXED', 'FIXED', 'ON_DEMAND'];
const GIVEN_FUNDINGS: readonly (PoolFunding | undefined)[] = [undefined, 'FIXED', 'ON_DEMAND'];

/** The fields of a pool that an update may name. */
export const POOL_FIELDS = ['name', 'priority', 'min_balance', 'funding', 'metadata'] as const;

/** Reads what every operator's mutation has. */
export function adminFields(
  form: Form,
  request: { readonly requestId: string; readonly reason: string },
): AdminFields {
  return {
    requestId: requestIdOf(form, request.requestId, false),
    reason: reasonOf(form, request.reason),
  };
}

/** Reads a new pool. */
export function decodeCreatePool(request: CreatePoolRequest): CreatePoolCommand | Rejection {
  const form = formOf();
  return judged(form, {
    method: 'CREATE_POOL',
    ...adminFields(form, request),
    poolId: optionalId(form, 'pool_id', request.poolId),
    name: nameOf(form, request.name),
    initialBudget: optionalAmount(form, 'initial_budget', request.initialBudget),
    priority: priorityOf(form, request.priority),
    unit: unitOf(form, request.unit === '' ? DEFAULT_UNIT : request.unit),
    scale: scaleOf(form, request.scale),
    minBalance: optionalAmount(form, 'min_balance', request.minBalance),
    funding: enumOf(form, 'funding', request.funding, FUNDINGS, 'FIXED'),
    metadata: metadataOf(form, request.metadata, ADMIN_METADATA),
  });
}

/** Reads a change of a pool. */
export function decodeUpdatePool(request: UpdatePoolRequest): UpdatePoolCommand | Rejection {
  const form = formOf();
  const { pool } = request;
  const mask = maskOf(form, request.updateMask, POOL_FIELDS);
  if (pool === undefined) refuseField(form, 'pool', 'Give the pool with its id');
  return judged(form, {
    method: 'UPDATE_POOL',
    ...adminFields(form, request),
    poolId: pool === undefined ? '' : requiredId(form, 'pool.id', pool.id),
    patch: pool === undefined ? {} : patchOf(partOf(form, 'pool.'), pool, mask),
    expectedRevision: revisionOf(form, request.expectedRevision),
  });
}

function patchOf(form: Form, pool: Pool, mask: ReadonlySet<string>): PoolPatch {
  return {
    ...(mask.has('name') && { name: nameOf(form, pool.name) }),
    ...(mask.has('priority') && { priority: priorityOf(form, pool.priority) }),
    ...(mask.has('min_balance') && {
      minBalance: requiredAmount(form, 'min_balance', pool.minBalance),
    }),
    ...(mask.has('funding') && {
      funding: enumOf(form, 'funding', pool.funding, GIVEN_FUNDINGS, 'FIXED'),
    }),
    ...(mask.has('metadata') && { metadata: metadataOf(form, pool.metadata, ADMIN_METADATA) }),
  };
}

/** Reads money into or out of a pool. */
export function decodeFundPool(request: FundPoolRequest): FundPoolCommand | Rejection {
  const form = formOf();
  return judged(form, {
    method: 'FUND_POOL',
    ...adminFields(form, request),
    poolId: requiredId(form, 'pool_id', request.poolId),
    delta: deltaOf(form, request.delta),
    validateOnly: request.validateOnly,
    expectedRevision: revisionOf(form, request.expectedRevision),
  });
}

/** Makes the reader of a change of a pool's state. */
export function decodePoolState(method: PoolStateCommand['method']) {
  return (
    request: DeletePoolRequest | FreezePoolRequest | UnfreezePoolRequest,
  ): PoolStateCommand | Rejection => {
    const form = formOf();
    return judged(form, {
      method,
      ...adminFields(form, request),
      poolId: requiredId(form, 'pool_id', request.poolId),
      expectedRevision: revisionOf(form, request.expectedRevision),
    });
  };
}
