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
import { decideRecordBudgetChange, decideRunReview } from './annotate.js';
import { decideCreateAlert, decideDeleteAlert, decideUpdateAlert } from './alerts.js';
import { decideAdjustBudget, decideSetBudget } from './budgets.js';
import { decideCreateChannel, decideDeleteChannel, decideUpdateChannel } from './channels.js';
import { decideCommit } from './commit.js';
import { decideRetryDelivery } from './deliveries.js';
import { decideRequestEmergency } from './emergency.js';
import { decideApproveEmergency, decideRejectEmergency } from './emergency-approval.js';
import { decideSetEmergencyPolicy } from './emergency-policy.js';
import { decideExtend } from './extend.js';
import { decideCreateMonitor, decideDeleteMonitor, decideUpdateMonitor } from './monitors.js';
import { decideCreateLimit, decideDeleteLimit, decideUpdateLimit } from './limits.js';
import { decideCreatePool, decideFundPool, decidePoolState, decideUpdatePool } from './pools.js';
import { decideRefund } from './refund.js';
import { decideRelease } from './release.js';
import { decideReserve } from './reserve.js';
import { decideSetServiceLevels } from './service-levels.js';
import { decideCreateSchedule, decideDeleteSchedule, decideUpdateSchedule } from './schedules.js';
import { decideSpend } from './spend.js';
import { decideTransfer } from './transfer.js';
import {
  decideEscalateViolation,
  decideReportViolation,
  decideResolveViolation,
} from './violations.js';

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
    case 'CREATE_LIMIT':
      return decideCreateLimit(state, command, context);
    case 'UPDATE_LIMIT':
      return decideUpdateLimit(state, command, context);
    case 'DELETE_LIMIT':
      return decideDeleteLimit(state, command, context);
    case 'CREATE_MONITOR':
      return decideCreateMonitor(state, command, context);
    case 'UPDATE_MONITOR':
      return decideUpdateMonitor(state, command, context);
    case 'DELETE_MONITOR':
      return decideDeleteMonitor(state, command, context);
    case 'CREATE_ALERT':
      return decideCreateAlert(state, command, context);
    case 'UPDATE_ALERT':
      return decideUpdateAlert(state, command, context);
    case 'DELETE_ALERT':
      return decideDeleteAlert(state, command, context);
    case 'ALLOCATE_DYNAMIC':
      return decideAllocateDynamic(state, command, context);
    case 'ALLOCATE_BY_PRIORITY':
      return decideAllocateByPriority(state, command, context);
    case 'REBALANCE_POOL':
      return decideRebalancePool(state, command, context);
    case 'REQUEST_EMERGENCY':
      return decideRequestEmergency(state, command, context);
    case 'SET_EMERGENCY_POLICY':
      return decideSetEmergencyPolicy(state, command, context);
    case 'APPROVE_EMERGENCY':
      return decideApproveEmergency(state, command, context);
    case 'REJECT_EMERGENCY':
      return decideRejectEmergency(state, command, context);
    case 'RECORD_BUDGET_CHANGE':
      return decideRecordBudgetChange(state, command, context);
    case 'RUN_REVIEW':
      return decideRunReview(state, command, context);
    case 'REPORT_VIOLATION':
      return decideReportViolation(state, command, context);
    case 'RESOLVE_VIOLATION':
      return decideResolveViolation(state, command, context);
    case 'ESCALATE_VIOLATION':
      return decideEscalateViolation(state, command, context);
    case 'SET_SERVICE_LEVELS':
      return decideSetServiceLevels(state, command, context);
    case 'CREATE_SCHEDULE':
      return decideCreateSchedule(state, command, context);
    case 'UPDATE_SCHEDULE':
      return decideUpdateSchedule(state, command, context);
    case 'DELETE_SCHEDULE':
      return decideDeleteSchedule(state, command, context);
    case 'CREATE_CHANNEL':
      return decideCreateChannel(state, command, context);
    case 'UPDATE_CHANNEL':
      return decideUpdateChannel(state, command, context);
    case 'DELETE_CHANNEL':
      return decideDeleteChannel(state, command, context);
    case 'RETRY_DELIVERY':
      return decideRetryDelivery(state, command, context);
  }
}
