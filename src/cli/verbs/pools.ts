import { BudgetAdminService } from '../../gen/safeguards/v1/budget_admin_service_pb.js';
import { entryNote, poolLine, poolTable } from '../show.js';
import { verb, type Verb } from '../verb.js';
import { named, updated } from './complete.js';

const { method } = BudgetAdminService;
const onAdmin = { listener: 'admin' } as const;
const UPDATABLE = ['name', 'priority', 'min_balance', 'funding', 'metadata'];

/** What is done to pools. */
export const POOL_VERBS: readonly Verb[] = [
  verb({
    ...onAdmin,
    words: 'pool create',
    summary: 'Make a pool',
    method: method.createPool,
    positional: ['[pool_id]'],
    example: 'pool create research --initial-budget 1000',
    complete: named('pool_id'),
    show: (response) =>
      `Created pool ${response.pool?.id ?? ''}${entryNote(response)}. ${poolLine(response.pool)}`,
  }),
  verb({
    ...onAdmin,
    words: 'pool get',
    summary: 'Show a pool',
    method: method.getPool,
    positional: ['pool_id'],
    example: 'pool get research',
    show: ({ pool }) => poolTable(pool ? [pool] : []),
  }),
  verb({
    ...onAdmin,
    words: 'pool list',
    summary: 'List pools, highest priority first',
    method: method.listPools,
    positional: [],
    example: 'pool list --all',
    show: ({ pools }) => poolTable(pools),
  }),
  verb({
    ...onAdmin,
    words: 'pool update',
    summary: 'Change the configuration of a pool',
    method: method.updatePool,
    positional: ['pool_id'],
    update: { field: 'pool', names: UPDATABLE },
    example: 'pool update research --priority 8 --min-balance 50',
    complete: updated('pool', 'pool_id'),
    show: (response) => `Updated${entryNote(response)}. ${poolLine(response.pool)}`,
  }),
  verb({
    ...onAdmin,
    words: 'pool fund',
    summary: 'Put money into a pool, or with a negative amount take it out',
    method: method.fundPool,
    positional: ['pool_id', 'delta'],
    example: 'pool fund research 250 --reason "second quarter"',
    show: (response) => `Funded${entryNote(response)}. ${poolLine(response.pool)}`,
  }),
  verb({
    ...onAdmin,
    words: 'pool delete',
    summary: 'Delete a pool without agents',
    method: method.deletePool,
    positional: ['pool_id'],
    example: 'pool delete research',
    show: (response) =>
      `Deleted pool ${response.pool?.id ?? ''}${entryNote(response)}, ` +
      `${response.withdrawnAmount} ${response.pool?.unit ?? ''} withdrawn.\n`,
  }),
  verb({
    ...onAdmin,
    words: 'pool freeze',
    summary: 'Stop every agent of a pool',
    method: method.freezePool,
    positional: ['pool_id'],
    example: 'pool freeze research --reason incident',
    show: (response) => `Pool ${response.pool?.id ?? ''} is frozen${entryNote(response)}.\n`,
  }),
  verb({
    ...onAdmin,
    words: 'pool unfreeze',
    summary: 'Let the agents of a pool go on',
    method: method.unfreezePool,
    positional: ['pool_id'],
    example: 'pool unfreeze research',
    show: (response) => `Pool ${response.pool?.id ?? ''} is active${entryNote(response)}.\n`,
  }),
];
