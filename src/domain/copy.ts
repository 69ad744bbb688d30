import type { Agent, Pool } from './model.js';

/** A row that is still being made. */
export type Unfinished<Row> = { -readonly [Field in keyof Row]: Row[Field] };

/**
 * A copy of an agent's row, to be changed before anybody else sees it. Field by field, because a spread
 * of so many fields takes ten times as long (600 against 60 ns) and every spend makes one.
 */
export function copyAgent(row: Agent): Unfinished<Agent> {
  return {
    uid: row.uid,
    id: row.id,
    poolUid: row.poolUid,
    name: row.name,
    priority: row.priority,
    state: row.state,
    overdraftLimit: row.overdraftLimit,
    allowForce: row.allowForce,
    parentId: row.parentId,
    initialBudget: row.initialBudget,
    metadata: row.metadata,
    revision: row.revision,
    budgetRevision: row.budgetRevision,
    createTime: row.createTime,
    updateTime: row.updateTime,
    budgetTime: row.budgetTime,
    deleteTime: row.deleteTime,
    openReservations: row.openReservations,
    quantityNames: row.quantityNames,
    lastSequence: row.lastSequence,
    usageHour: row.usageHour,
    usage: row.usage,
    spendCount: row.spendCount,
    lastSpendTime: row.lastSpendTime,
    serviceLevel: row.serviceLevel,
    allocated: row.allocated,
    spent: row.spent,
    reserved: row.reserved,
    base: row.base,
    baseline: row.baseline,
  };
}

/** A copy of a pool's row, as `copyAgent`. */
export function copyPool(row: Pool): Unfinished<Pool> {
  return {
    uid: row.uid,
    id: row.id,
    name: row.name,
    priority: row.priority,
    unit: row.unit,
    scale: row.scale,
    funding: row.funding,
    state: row.state,
    minBalance: row.minBalance,
    initialBudget: row.initialBudget,
    metadata: row.metadata,
    revision: row.revision,
    createTime: row.createTime,
    updateTime: row.updateTime,
    agentCount: row.agentCount,
    lastSequence: row.lastSequence,
    usageHour: row.usageHour,
    usage: row.usage,
    funded: row.funded,
    spent: row.spent,
    reserved: row.reserved,
    unallocated: row.unallocated,
    debt: row.debt,
    base: row.base,
    baseline: row.baseline,
  };
}
