import type { Allocation } from '../../gen/safeguards/v1/allocation_pb.js';
import { BudgetAdminService } from '../../gen/safeguards/v1/budget_admin_service_pb.js';
import type { Pool } from '../../gen/safeguards/v1/pool_pb.js';
import { entryNote, poolLine, table } from '../show.js';
import { verb, type Verb } from '../verb.js';

const { method } = BudgetAdminService;

/** What is common to the verbs: agents may follow the pool, else all of it take part. */
const onPool = { listener: 'admin', positional: ['pool_id', '[agent_ids...]'] } as const;

/** The answer of every strategy. */
interface Allocated {
  readonly sequence: bigint;
  readonly replayed: boolean;
  readonly pool?: Pool | undefined;
  readonly allocations: readonly Allocation[];
  readonly total: string;
}

/** New budgets for the agents of a pool. */
export const ALLOCATION_VERBS: readonly Verb[] = [
  verb({
    ...onPool,
    words: 'allocate dynamic',
    summary: 'Give each agent of a pool a budget by its own usage',
    method: method.allocateDynamic,
    example: 'allocate dynamic research --base-budget 50 --window 24h --validate-only',
    show: allocationText,
  }),
  verb({
    ...onPool,
    words: 'allocate priority',
    summary: 'Divide the money of a pool among its agents by priority',
    method: method.allocateByPriority,
    example: 'allocate priority research --total 1000 --critical-minimum 50 --shortage scale',
    show: allocationText,
  }),
  verb({
    ...onPool,
    words: 'rebalance',
    summary: 'Divide the money of a pool among its agents by priority and usage',
    method: method.rebalancePool,
    example: 'rebalance research --min-per-agent 10 --reason "start of the week"',
    show: allocationText,
  }),
];

function allocationText(response: Allocated): string {
  const { pool, allocations, total } = response;
  const headers = ['AGENT', 'PRIORITY', 'BEFORE', 'AFTER', 'CHANGE', 'USED', ''];
  const rows = allocations.map((row) => [
    row.agentId,
    String(row.priority),
    row.oldRemaining,
    row.newRemaining,
    row.changeAmount,
    row.usageAmount === '' ? '' : `${row.usageAmount} in ${row.usageEntryCount}`,
    row.leftOut ? 'left out, frozen' : '',
  ]);
  const unit = pool === undefined ? '' : ` ${pool.unit}`;
  return `Allocated ${total}${unit}${entryNote(response)}. ${poolLine(pool)}${table(headers, rows)}`;
}
