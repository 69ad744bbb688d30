import { reject, type Rejection } from '../answer.js';
import type {
  CreatePoolCommand,
  FundPoolCommand,
  PoolStateCommand,
  UpdatePoolCommand,
} from '../command.js';
import { carryOut, unchanged, type Decided } from '../decided.js';
import { beginDraft, closeEntry, draftPool, movePool, setPoolBaseline, touch } from '../draft.js';
import type { Pool, PoolState } from '../model.js';
import { DEFAULT_POOL_ID, type Context, type State } from '../state.js';
import { changesOf, firstValuesOf } from './changes.js';
import { checkRevision, checkScale, checkScales, poolNotFound } from './checks.js';
import { dropRulesOf } from './rules.js';
import { removePolicyOf } from './emergency-policy.js';
import { setPoolBaselineOf, takeFree } from './funds.js';
import { dropServiceLevels } from './service-levels.js';
import { dropSchedulesOf } from './schedules.js';

/** Makes a pool. Guide: create_budget_pool. */
export function decideCreatePool(
  state: State,
  command: CreatePoolCommand,
  context: Context,
): Decided {
  const id = command.poolId === '' ? context.newId() : command.poolId;
  if (state.poolById(id) !== undefined) {
    return reject('POOL_ALREADY_EXISTS', 'A pool with that id exists. Use another or update it', {
      pool_id: id,
    });
  }
  const misfit = checkScales({ id, scale: command.scale }, [
    ['initial_budget', command.initialBudget],
    ['min_balance', command.minBalance],
  ]);
  if (misfit !== undefined) return misfit;

  const draft = beginDraft(state, context.now);
  const uid = draft.nextUid;
  draft.nextUid += 1;
  const pool: Pool = {
    uid,
    id,
    name: command.name,
    priority: command.priority,
    unit: command.unit,
    scale: command.scale,
    funding: command.funding,
    state: 'ACTIVE',
    minBalance: command.minBalance,
    initialBudget: command.initialBudget,
    metadata: command.metadata,
    revision: 1,
    createTime: context.now,
    updateTime: context.now,
    agentCount: 0,
    lastSequence: 0,
    usageHour: 0,
    usage: [],
    funded: 0n,
    spent: 0n,
    reserved: 0n,
    unallocated: 0n,
    debt: 0n,
    base: 0n,
    baseline: 0n,
  };
  draft.pools.set(uid, pool);
  const amount = command.initialBudget;
  movePool(draft, uid, { funded: amount, unallocated: amount });
  setPoolBaseline(draft, uid, amount, amount);
  closeEntry(draft, 'POOL_CREATE', {
    amount,
    changes: firstValuesOf<Pool>(pool, [
      ['id', 'id'],
      ['state', 'state'],
      ['unit', 'unit'],
      ['scale', 'scale'],
      ...POOL_FIELDS,
    ]),
  });
  return carryOut(draft, { pool });
}

const POOL_FIELDS = [
  ['name', 'name'],
  ['priority', 'priority'],
  ['min_balance', 'minBalance'],
  ['funding', 'funding'],
  ['metadata', 'metadata'],
] as const satisfies readonly (readonly [string, keyof Pool])[];

/** Changes a pool's configuration. A patch that changes nothing writes nothing. */
export function decideUpdatePool(
  state: State,
  command: UpdatePoolCommand,
  context: Context,
): Decided {
  const pool = state.poolById(command.poolId);
  if (pool === undefined) return poolNotFound(command.poolId);
  const patch = command.patch;
  const refusal =
    (patch.minBalance === undefined
      ? undefined
      : checkScale(pool, 'pool.min_balance', patch.minBalance)) ??
    checkRevision(command.expectedRevision, pool.revision);
  if (refusal !== undefined) return refusal;
  const changes = changesOf<Pool>(pool, patch, POOL_FIELDS);
  if (changes.length === 0) return unchanged({ pool });

  const draft = beginDraft(state, context.now);
  draft.pools.set(pool.uid, {
    ...pool,
    ...patch,
    revision: pool.revision + 1,
    updateTime: context.now,
  });
  touch(draft, 'POOL', pool.uid, pool.lastSequence);
  closeEntry(draft, 'POOL_UPDATE', { changes });
  return carryOut(draft, { pool });
}

/** Adds money to a pool or withdraws at most its free money. Never counts as usage. */
export function decideFundPool(state: State, command: FundPoolCommand, context: Context): Decided {
  const pool = state.poolById(command.poolId);
  if (pool === undefined) return poolNotFound(command.poolId);
  const refusal =
    checkScale(pool, 'delta', command.delta) ??
    checkRevision(command.expectedRevision, pool.revision);
  if (refusal !== undefined) return refusal;

  const draft = beginDraft(state, context.now);
  if (command.delta < 0n) {
    // Withdrawing minted money would mint it first: an ON_DEMAND pool gives what is free too.
    const shortage = takeFree(draft, { ...pool, funding: 'FIXED' }, -command.delta);
    if (shortage !== undefined) return shortage;
  }
  movePool(draft, pool.uid, { funded: command.delta, unallocated: command.delta });
  setPoolBaselineOf(draft, pool.uid);
  closeEntry(draft, 'FUND', { amount: command.delta });
  return carryOut(draft, { pool });
}

/** Freezes, unfreezes or deletes a pool. What is like that already writes nothing. */
export function decidePoolState(
  state: State,
  command: PoolStateCommand,
  context: Context,
): Decided {
  const pool = state.poolById(command.poolId);
  if (pool === undefined) return poolNotFound(command.poolId);
  const stale = checkRevision(command.expectedRevision, pool.revision);
  if (stale !== undefined) return stale;
  if (command.method === 'DELETE_POOL') return deletePool(state, pool, context);

  const next: PoolState = command.method === 'FREEZE_POOL' ? 'FROZEN' : 'ACTIVE';
  if (pool.state === next) return unchanged({ pool });
  const draft = beginDraft(state, context.now);
  draft.pools.set(pool.uid, {
    ...pool,
    state: next,
    revision: pool.revision + 1,
    updateTime: context.now,
  });
  touch(draft, 'POOL', pool.uid, pool.lastSequence);
  closeEntry(draft, 'POOL_UPDATE', {
    changes: [{ field: 'state', before: pool.state, after: next }],
  });
  return carryOut(draft, { pool });
}

function deletePool(state: State, pool: Pool, context: Context): Decided {
  const refusal = deletionRefusal(pool);
  if (refusal !== undefined) return refusal;
  const draft = beginDraft(state, context.now);
  const withdrawn = pool.unallocated;
  movePool(draft, pool.uid, { funded: -withdrawn, unallocated: -withdrawn });
  draft.pools.set(pool.uid, {
    ...draftPool(draft, pool.uid),
    state: 'DELETED',
    revision: pool.revision + 1,
    updateTime: context.now,
  });
  dropRulesOf(draft, 'POOL', pool.uid);
  dropRulesOf(draft, 'EACH_AGENT_OF_POOL', pool.uid);
  removePolicyOf(draft, pool);
  dropSchedulesOf(draft, 'POOL', pool.uid);
  closeEntry(draft, 'POOL_DELETE', {
    amount: withdrawn,
    changes: [
      { field: 'state', before: pool.state, after: 'DELETED' },
      ...dropServiceLevels(draft, { kind: 'EACH_AGENT_OF_POOL', uid: pool.uid }),
    ],
  });
  return carryOut(draft, { amount: withdrawn, pool });
}

function deletionRefusal(pool: Pool): Rejection | undefined {
  if (pool.id === DEFAULT_POOL_ID) {
    return reject('POOL_NOT_EMPTY', 'The default pool cannot be deleted', { pool_id: pool.id });
  }
  if (pool.agentCount === 0) return undefined;
  return reject('POOL_NOT_EMPTY', 'The pool has agents. Delete or move them first', {
    pool_id: pool.id,
    agent_count: String(pool.agentCount),
  });
}
