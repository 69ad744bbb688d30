import type { Command } from '../domain/command.js';
import { DEFAULT_POOL_ID } from '../domain/state.js';

/** Makes the pool that agents without a pool join: api.md, "Default pool". */
export const DEFAULT_POOL: Command = {
  method: 'CREATE_POOL',
  requestId: '',
  reason: 'first start',
  poolId: DEFAULT_POOL_ID,
  name: 'default',
  initialBudget: 0n,
  priority: 5,
  unit: 'USD',
  scale: 9,
  minBalance: 0n,
  funding: 'ON_DEMAND',
  metadata: [],
};
