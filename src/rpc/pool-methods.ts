import { formatAmount } from '../domain/amount.js';
import { reject } from '../domain/answer.js';
import type { LedgerApi } from '../ledger/api.js';
import type { BudgetAdminService } from '../gen/safeguards/v1/budget_admin_service_pb.js';
import { commandMethod } from './command-method.js';
import {
  decodeCreatePool,
  decodeFundPool,
  decodePoolState,
  decodeUpdatePool,
} from './decode/pool.js';
import { decodeId, decodeListPools } from './decode/query.js';
import { writtenPool } from './encode/admin.js';
import { encodePool } from './encode/pool.js';
import type { HandlersOf } from './method.js';
import { nextPageToken } from './paging.js';
import { isFailure } from './status.js';

/** The operator's methods on pools. */
export function poolMethods(ledger: LedgerApi) {
  return {
    createPool: commandMethod(ledger, decodeCreatePool, (outcome) => ({
      $typeName: 'safeguards.v1.CreatePoolResponse',
      ...writtenPool(outcome),
    })),
    updatePool: commandMethod(ledger, decodeUpdatePool, (outcome) => ({
      $typeName: 'safeguards.v1.UpdatePoolResponse',
      ...writtenPool(outcome),
    })),
    fundPool: commandMethod(ledger, decodeFundPool, (outcome) => ({
      $typeName: 'safeguards.v1.FundPoolResponse',
      ...writtenPool(outcome),
    })),
    deletePool: commandMethod(ledger, decodePoolState('DELETE_POOL'), (outcome) => ({
      $typeName: 'safeguards.v1.DeletePoolResponse',
      ...writtenPool(outcome),
      withdrawnAmount: formatAmount(outcome.amount),
    })),
    freezePool: commandMethod(ledger, decodePoolState('FREEZE_POOL'), (outcome) => ({
      $typeName: 'safeguards.v1.FreezePoolResponse',
      ...writtenPool(outcome),
    })),
    unfreezePool: commandMethod(ledger, decodePoolState('UNFREEZE_POOL'), (outcome) => ({
      $typeName: 'safeguards.v1.UnfreezePoolResponse',
      ...writtenPool(outcome),
    })),

    getPool: ({ poolId }) => {
      const id = decodeId('pool_id', poolId);
      if (typeof id !== 'string') return id;
      const pool = ledger.pool(id);
      if (pool === undefined) {
        return reject('POOL_NOT_FOUND', 'No such pool exists', { pool_id: id });
      }
      return { $typeName: 'safeguards.v1.GetPoolResponse', pool: encodePool(pool) };
    },

    listPools: (request) => {
      const listing = decodeListPools(request);
      if (isFailure(listing)) return listing;
      const page = ledger.listPools(listing.page);
      return {
        $typeName: 'safeguards.v1.ListPoolsResponse',
        pools: page.items.map(encodePool),
        nextPageToken: nextPageToken(listing.identity, page.last),
      };
    },
  } satisfies HandlersOf<typeof BudgetAdminService>;
}
