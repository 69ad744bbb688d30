import { formatAmount, percentOf } from '../../domain/amount.js';
import type { Pool, PoolFunding, PoolState } from '../../domain/model.js';
import type { Pool as ProtoPool } from '../../gen/safeguards/v1/pool_pb.js';
import {
  PoolFunding as ProtoPoolFunding,
  PoolState as ProtoPoolState,
} from '../../gen/safeguards/v1/pool_pb.js';
import { metadataMap } from './pairs.js';
import { timestampOf } from './time.js';

/**
 * A pool's state on the wire. The answer to DeletePool shows the pool as it was left; the API has no
 * state for it, and nobody spends from it any more.
 */
export const POOL_STATES = {
  ACTIVE: ProtoPoolState.ACTIVE,
  FROZEN: ProtoPoolState.FROZEN,
  DELETED: ProtoPoolState.FROZEN,
} as const satisfies Record<PoolState, ProtoPoolState>;

const FUNDINGS = {
  FIXED: ProtoPoolFunding.FIXED,
  ON_DEMAND: ProtoPoolFunding.ON_DEMAND,
} as const satisfies Record<PoolFunding, ProtoPoolFunding>;

/** Prints a pool with what follows from its balances. */
export function encodePool(pool: Pool): ProtoPool {
  const remaining = pool.funded - pool.spent - pool.reserved;
  return {
    $typeName: 'safeguards.v1.Pool',
    id: pool.id,
    uid: String(pool.uid),
    name: pool.name,
    priority: pool.priority,
    unit: pool.unit,
    scale: pool.scale,
    funding: FUNDINGS[pool.funding],
    state: POOL_STATES[pool.state],
    minBalance: formatAmount(pool.minBalance),
    initialBudget: formatAmount(pool.initialBudget),
    funded: formatAmount(pool.funded),
    spent: formatAmount(pool.spent),
    reserved: formatAmount(pool.reserved),
    assigned: formatAmount(pool.funded - pool.spent - pool.unallocated),
    unallocated: formatAmount(pool.unallocated),
    remaining: formatAmount(remaining),
    debt: formatAmount(pool.debt),
    free: formatAmount(pool.unallocated - pool.debt - pool.minBalance),
    baseline: formatAmount(pool.baseline),
    remainingPercent: percentOf(remaining, pool.baseline),
    agentCount: pool.agentCount,
    metadata: metadataMap(pool.metadata),
    revision: BigInt(pool.revision),
    createTime: timestampOf(pool.createTime),
    updateTime: timestampOf(pool.updateTime),
  };
}
