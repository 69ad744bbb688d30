import type * as C from '../../src/domain/command.js';
import type { RunReviewCommand } from '../../src/domain/review.js';
import { allocate } from './reference-allocation.js';
import {
  debtOf,
  exact,
  fits,
  give,
  most,
  raise,
  raisePool,
  type RefAgent,
  type RefAnswer,
  type RefPool,
} from './reference.js';
import type { ChannelCommand } from '../../src/domain/channel-command.js';
import type { RuleCommand } from '../../src/domain/rule-command.js';
import type { ScheduleCommand } from '../../src/domain/schedule-command.js';
import type { ReferenceLedger } from './reference-ledger.js';

/** What moves no money is no part of the reference: it has tables and properties of its own. */
export type AdminCommand = Exclude<
  C.AdminCommand,
  | C.ApplyConfigurationCommand
  | RuleCommand
  | C.ResolveViolationCommand
  | C.EscalateViolationCommand
  | C.SetServiceLevelsCommand
  | RunReviewCommand
  | ScheduleCommand
  | ChannelCommand
>;

/** What operators do, on the reference. */
export function administer(books: ReferenceLedger, command: AdminCommand): RefAnswer {
  if (command.method === 'CREATE_POOL') return createPool(books, command);
  if (command.method === 'CREATE_AGENT') return createAgent(books, command);
  if (command.method === 'TRANSFER') return transfer(books, command);
  if (command.method === 'REFUND') return refund(books, command);
  if ('agentIds' in command) return allocate(books, command);
  if ('poolId' in command && !('agentId' in command)) return ofPool(books, command);
  const agent = books.agent(command.agentId);
  if (agent === undefined) return books.answer('AGENT_NOT_FOUND');
  if (agent.state === 'CLOSED') return books.answer('AGENT_CLOSED');
  return ofAgent(books, command, agent);
}

function ofPool(
  books: ReferenceLedger,
  command: C.UpdatePoolCommand | C.FundPoolCommand | C.PoolStateCommand,
): RefAnswer {
  const pool = books.pool(command.poolId);
  if (pool === undefined) return books.answer('POOL_NOT_FOUND');
  if (command.method === 'UPDATE_POOL') return updatePool(books, command, pool);
  if (command.method === 'FUND_POOL') return fundPool(books, command, pool);
  if (command.method === 'DELETE_POOL') return deletePool(books, pool);
  const next = command.method === 'FREEZE_POOL' ? 'FROZEN' : 'ACTIVE';
  if (pool.state === next) return books.answer('OK');
  return revise(books, pool, () => {
    pool.state = next;
  });
}

type OfAgent = Extract<AdminCommand, { readonly agentId: string }>;

function ofAgent(
  books: ReferenceLedger,
  command: Exclude<OfAgent, C.CreateAgentCommand>,
  agent: RefAgent,
): RefAnswer {
  switch (command.method) {
    case 'UPDATE_AGENT':
      return updateAgent(books, command, agent);
    case 'MOVE_AGENT':
      return moveAgent(books, command, agent);
    case 'DELETE_AGENT':
      return deleteAgent(books, command, agent);
    case 'FREEZE_AGENT':
    case 'UNFREEZE_AGENT': {
      const next = command.method === 'FREEZE_AGENT' ? 'FROZEN' : 'ACTIVE';
      if (agent.state === next) return books.answer('OK', { agent });
      return revise(books, agent, () => {
        agent.state = next;
      });
    }
    case 'SET_BUDGET': {
      const amount = exact(command.amount);
      if (!fits(agent.pool, amount)) return books.answer('INVALID_REQUEST');
      const delta = amount.minus(books.remaining(agent));
      const money = [agent.base, agent.baseline].join(' ');
      const undo = books.snapshot();
      const refused = change(books, agent, delta, () => {
        if (command.resetBaseline) agent.base = most(exact(0n), holdings(agent));
        agent.baseline = most(agent.base, holdings(agent));
      });
      if (refused !== undefined) return refused;
      if (delta.isZero() && money === [agent.base, agent.baseline].join(' ')) {
        undo();
        return books.answer('OK', { agent });
      }
      return books.answer('OK', { amount, agent, sequence: books.entries });
    }
    case 'ADJUST_BUDGET': {
      const delta = exact(command.delta);
      if (!fits(agent.pool, delta)) return books.answer('INVALID_REQUEST');
      const refused = change(books, agent, delta, () => undefined);
      if (refused !== undefined) return refused;
      return books.answer('OK', { amount: delta, agent, sequence: books.entries });
    }
    case 'RECORD_BUDGET_CHANGE': {
      const given = [exact(command.oldBudget), exact(command.newBudget)];
      if (!given.every((amount) => fits(agent.pool, amount))) {
        return books.answer('INVALID_REQUEST');
      }
      const sequence = books.entry(undefined, () => undefined);
      return books.answer('OK', { agent, sequence });
    }
  }
}

function holdings(agent: RefAgent): RefAgent['spent'] {
  return agent.allocated.minus(agent.spent);
}

/** Gives an agent money of its pool, or takes some back; then what `after` says. One entry. */
function change(
  books: ReferenceLedger,
  agent: RefAgent,
  delta: RefAgent['spent'],
  after: () => void,
): RefAnswer | undefined {
  if (delta.lessThan(0) && delta.negated().greaterThan(books.remaining(agent))) {
    return books.answer('INSUFFICIENT_AGENT_BUDGET');
  }
  if (delta.greaterThan(0)) {
    const owed = debtOf(agent);
    const still = most(exact(0n), owed.minus(delta));
    const refused = give(books, agent.pool, delta.minus(owed.minus(still)));
    if (refused !== undefined) return books.answer(refused);
  }
  books.entry(agent, () => {
    agent.allocated = agent.allocated.plus(delta);
    if (delta.greaterThan(0)) raise(agent);
    after();
  });
  return undefined;
}

function revise(books: ReferenceLedger, row: RefAgent | RefPool, change_: () => void): RefAnswer {
  const sequence = books.entry(undefined, () => {
    change_();
    row.revision += 1;
  });
  return books.answer('OK', { sequence, agent: 'pool' in row ? row : undefined });
}

function createPool(books: ReferenceLedger, command: C.CreatePoolCommand): RefAnswer {
  if (books.pool(command.poolId) !== undefined) return books.answer('POOL_ALREADY_EXISTS');
  const budget = exact(command.initialBudget);
  const pool: RefPool = {
    id: command.poolId,
    unit: command.unit,
    scale: command.scale,
    funding: command.funding,
    state: 'ACTIVE',
    min: exact(command.minBalance),
    funded: budget,
    spent: exact(0n),
    base: budget,
    baseline: budget,
    revision: 1,
  };
  if (!fits(pool, budget) || !fits(pool, pool.min)) return books.answer('INVALID_REQUEST');
  const sequence = books.entry(undefined, () => {
    books.pools.push(pool);
  });
  return books.answer('OK', { sequence });
}

function updatePool(
  books: ReferenceLedger,
  command: C.UpdatePoolCommand,
  pool: RefPool,
): RefAnswer {
  const min = command.patch.minBalance;
  if (min === undefined || exact(min).equals(pool.min)) return books.answer('OK');
  if (!fits(pool, exact(min))) return books.answer('INVALID_REQUEST');
  return revise(books, pool, () => {
    pool.min = exact(min);
  });
}

function fundPool(books: ReferenceLedger, command: C.FundPoolCommand, pool: RefPool): RefAnswer {
  const delta = exact(command.delta);
  if (!fits(pool, delta)) return books.answer('INVALID_REQUEST');
  if (delta.negated().greaterThan(most(exact(0n), books.free(pool)))) {
    return books.answer('INSUFFICIENT_POOL_BUDGET');
  }
  const sequence = books.entry(undefined, () => {
    pool.funded = pool.funded.plus(delta);
    pool.baseline = most(pool.base, pool.funded.minus(pool.spent));
  });
  return books.answer('OK', { sequence });
}

function deletePool(books: ReferenceLedger, pool: RefPool): RefAnswer {
  const living = books.in(pool).some((agent) => agent.state !== 'CLOSED');
  if (pool.id === 'default' || living) return books.answer('POOL_NOT_EMPTY');
  const amount = books.unallocated(pool);
  const { sequence } = revise(books, pool, () => {
    pool.funded = pool.funded.minus(amount);
    pool.state = 'DELETED';
  });
  return books.answer('OK', { amount, sequence });
}

function createAgent(books: ReferenceLedger, command: C.CreateAgentCommand): RefAnswer {
  const earlier = books.agent(command.agentId);
  if (earlier !== undefined && earlier.state !== 'CLOSED') {
    return books.answer('AGENT_ALREADY_EXISTS');
  }
  const pool = books.pool(command.poolId);
  if (pool === undefined) return books.answer('POOL_NOT_FOUND');
  const budget = exact(command.initialBudget);
  const overdraft = exact(command.overdraftLimit);
  if (!fits(pool, budget) || !fits(pool, overdraft)) return books.answer('INVALID_REQUEST');
  const refused = give(books, pool, budget);
  if (refused !== undefined) return books.answer(refused);
  const agent: RefAgent = {
    id: command.agentId,
    priority: command.priority,
    pool,
    state: 'ACTIVE',
    overdraft,
    allowForce: command.allowForce,
    allocated: budget,
    spent: exact(0n),
    base: budget,
    baseline: budget,
    revision: 1,
    budgetRevision: 1,
  };
  const sequence = books.entry(undefined, () => {
    books.agents.push(agent);
  });
  return books.answer('OK', { sequence, agent });
}

function updateAgent(
  books: ReferenceLedger,
  { patch }: C.UpdateAgentCommand,
  agent: RefAgent,
): RefAnswer {
  const overdraft =
    patch.overdraftLimit === undefined ? agent.overdraft : exact(patch.overdraftLimit);
  const allowForce = patch.allowForce ?? agent.allowForce;
  if (!fits(agent.pool, overdraft)) return books.answer('INVALID_REQUEST');
  if (overdraft.equals(agent.overdraft) && allowForce === agent.allowForce) {
    return books.answer('OK', { agent });
  }
  return revise(books, agent, () => {
    Object.assign(agent, { overdraft, allowForce });
  });
}

function moveAgent(
  books: ReferenceLedger,
  command: C.MoveAgentCommand,
  agent: RefAgent,
): RefAnswer {
  const source = agent.pool;
  const target = books.pool(command.poolId);
  if (target === undefined) return books.answer('POOL_NOT_FOUND');
  const held = books.open(agent).map((hold) => hold.held);
  const digits = [agent.allocated, agent.spent, agent.overdraft, ...held];
  if (source.unit !== target.unit || !digits.every((amount) => fits(target, amount))) {
    return books.answer('UNIT_MISMATCH');
  }
  if (source === target) return books.answer('OK', { agent });
  const refused = give(books, target, debtOf(agent));
  if (refused !== undefined) return books.answer(refused);
  const amount = holdings(agent);
  const { sequence } = revise(books, agent, () => {
    source.funded = source.funded.minus(amount);
    target.funded = target.funded.plus(amount);
    agent.pool = target;
    if (amount.greaterThan(0)) raisePool(target);
  });
  return books.answer('OK', { amount, agent, sequence });
}

function deleteAgent(
  books: ReferenceLedger,
  command: C.DeleteAgentCommand,
  agent: RefAgent,
): RefAnswer {
  const open = books.open(agent);
  if (open.length > 0 && !command.releaseReservations) {
    return books.answer('AGENT_HAS_RESERVATIONS');
  }
  for (const hold of open) {
    books.entry(agent, () => {
      Object.assign(hold, { state: 'RELEASED', held: exact(0n), endTime: books.now });
    });
  }
  const amount = books.remaining(agent);
  const sequence = books.entry(agent, () => {
    agent.allocated = agent.spent;
    agent.state = 'CLOSED';
    agent.revision += 1;
  });
  return books.answer('OK', { amount, agent, sequence });
}

function transfer(books: ReferenceLedger, command: C.TransferCommand): RefAnswer {
  const { source, destination } = command;
  if (source.kind === destination.kind && source.id === destination.id) {
    return books.answer('INVALID_REQUEST');
  }
  const sides = [source, destination].map(({ kind, id }) => {
    const agent = kind === 'AGENT' ? books.agent(id) : undefined;
    if (kind === 'AGENT' && agent === undefined) return 'AGENT_NOT_FOUND';
    if (agent?.state === 'CLOSED') return 'AGENT_CLOSED';
    const pool = agent?.pool ?? books.pool(id);
    return pool === undefined ? 'POOL_NOT_FOUND' : { agent, pool };
  });
  for (const side of sides) if (typeof side === 'string') return books.answer(side);
  const [from, to] = sides as [Side, Side];
  const amount = exact(command.amount);
  if (!fits(from.pool, amount) || !fits(to.pool, amount)) return books.answer('INVALID_REQUEST');
  if (from.pool.unit !== to.pool.unit) return books.answer('UNIT_MISMATCH');
  if (from.agent !== undefined && amount.greaterThan(books.remaining(from.agent))) {
    return books.answer('INSUFFICIENT_AGENT_BUDGET');
  }
  if (from.agent === undefined) {
    // Within a pool, what pays an agent's debt was kept back for it already.
    const owed = to.agent !== undefined && to.pool === from.pool ? debtOf(to.agent) : exact(0n);
    const refused = give(books, from.pool, amount.minus(owed.lessThan(amount) ? owed : amount));
    if (refused !== undefined) return books.answer(refused);
  }
  const sequence = books.entry(from.agent, () => {
    books.entries -= 1;
    books.entry(to.agent, () => {
      if (from.agent !== undefined) from.agent.allocated = from.agent.allocated.minus(amount);
      if (to.agent !== undefined) to.agent.allocated = to.agent.allocated.plus(amount);
      if (to.agent !== undefined) raise(to.agent);
      if (from.pool === to.pool) return;
      from.pool.funded = from.pool.funded.minus(amount);
      to.pool.funded = to.pool.funded.plus(amount);
      raisePool(to.pool);
    });
  });
  return books.answer('OK', { amount, agent: from.agent, sequence });
}

interface Side {
  readonly agent: RefAgent | undefined;
  readonly pool: RefPool;
}

function refund(books: ReferenceLedger, command: C.RefundCommand): RefAnswer {
  const cost = books.costs.get(command.sequence);
  if (command.sequence < books.oldest) return books.answer('ENTRY_COMPACTED');
  if (cost === undefined) return books.answer('ENTRY_NOT_FOUND');
  const { agent, pool } = cost;
  const left = cost.amount.minus(cost.refunded);
  const amount = command.amount === undefined ? left : exact(command.amount);
  if (!fits(pool, amount)) return books.answer('INVALID_REQUEST');
  if (left.isZero() || amount.greaterThan(left)) return books.answer('REFUND_EXCEEDS_SPEND');
  const sequence = books.entry(agent, () => {
    cost.refunded = cost.refunded.plus(amount);
    pool.spent = pool.spent.minus(amount);
    // An agent that has moved or closed does not get it back: the pool that paid does, if it is there.
    if (pool.state === 'DELETED') pool.funded = pool.funded.minus(amount);
    if (agent.pool === pool && agent.state !== 'CLOSED') agent.spent = agent.spent.minus(amount);
  });
  return books.answer('OK', { amount, second: left.minus(amount), agent, sequence });
}
