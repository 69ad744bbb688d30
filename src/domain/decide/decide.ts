import type { Command } from '../command.js';
import type { Decided } from '../decided.js';
import type { Context, State } from '../state.js';
import {
  decideAllocateByPriority,
  decideAllocateDynamic,
  decideRebalancePool,
} from './allocate.js';
import { decideDeleteAgent, decideMoveAgent } from './agent-moves.js';
import { decideAgentState, decideCreateAgent, decideUpdateAgent } from './agents.js';
import { decideAdjustBudget, decideSetBudget } from './budgets.js';
import { decideCommit } from './commit.js';
import { decideExtend } from './extend.js';
import { decideCreatePool, decideFundPool, decidePoolState, decideUpdatePool } from './pools.js';
import { decideRefund } from './refund.js';
import { decideRelease } from './release.js';
import { decideReserve } from './reserve.js';
import { decideCreateSchedule, decideDeleteSchedule, decideUpdateSchedule } from './schedules.js';
import { decideSpend } from './spend.js';
import { decideTransfer } from './transfer.js';

/** A command that changes one thing; ApplyConfiguration and RunSchedule come to many of them. */
export type SingleCommand = Exclude<
  Command,
  { readonly method: 'APPLY_CONFIGURATION' | 'RUN_SCHEDULE' }
>;

/**
 * Judges a command against a state: pure, synchronous and total. It writes nothing, so a rejection or
 * denial needs no rollback.
 */
export function decide(state: State, command: SingleCommand, context: Context): Decided {
  switch (command.method) {
    case 'SPEND':
      return decideSpend(state, command, context);
    case 'RESERVE':
      return decideReserve(state, command, context);
    case 'COMMIT':
      return decideCommit(state, command, context);
    case 'RELEASE':
      return decideRelease(state, command, context);
    case 'EXTEND':
      return decideExtend(state, command, context);
    case 'CREATE_POOL':
      return decideCreatePool(state, command, context);
    case 'UPDATE_POOL':
      return decideUpdatePool(state, command, context);
    case 'FUND_POOL':
      return decideFundPool(state, command, context);
    case 'DELETE_POOL':
    case 'FREEZE_POOL':
    case 'UNFREEZE_POOL':
      return decidePoolState(state, command, context);
    case 'CREATE_AGENT':
      return decideCreateAgent(state, command, context);
    case 'UPDATE_AGENT':
      return decideUpdateAgent(state, command, context);
    case 'MOVE_AGENT':
      return decideMoveAgent(state, command, context);
    case 'DELETE_AGENT':
      return decideDeleteAgent(state, command, context);
    case 'FREEZE_AGENT':
    case 'UNFREEZE_AGENT':
      return decideAgentState(state, command, context);
    case 'SET_BUDGET':
      return decideSetBudget(state, command, context);
    case 'ADJUST_BUDGET':
      return decideAdjustBudget(state, command, context);
    case 'TRANSFER':
      return decideTransfer(state, command, context);
    case 'REFUND':
      return decideRefund(state, command, context);
    case 'ALLOCATE_DYNAMIC':
      return decideAllocateDynamic(state, command, context);
    case 'ALLOCATE_BY_PRIORITY':
      return decideAllocateByPriority(state, command, context);
    case 'REBALANCE_POOL':
      return decideRebalancePool(state, command, context);
    case 'CREATE_SCHEDULE':
      return decideCreateSchedule(state, command, context);
    case 'UPDATE_SCHEDULE':
      return decideUpdateSchedule(state, command, context);
    case 'DELETE_SCHEDULE':
      return decideDeleteSchedule(state, command, context);
  }
}
