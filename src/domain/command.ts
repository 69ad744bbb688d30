import type { AllocationCommand } from './allocation/command.js';
import type { Amount } from './amount.js';
import type { DocumentRule, DocumentRuleKind } from './document-rule.js';
import type { RuleCommand } from './rule-command.js';
import type { EmergencyTerms } from './emergency/policy.js';
import type { Metadata, PoolFunding, Quantities } from './model.js';
import type { Severity, ViolationType } from './violation.js';
import type { RecordBudgetChangeCommand } from './budget-change.js';
import type { RunReviewCommand } from './review.js';
import type { ServiceLevel } from './service-level.js';
import type { ChannelCommand } from './channel-command.js';
import type { ScheduleCommand } from './schedule-command.js';

/** How a request meets a budget that does not cover it. */
export type SpendMode = 'STRICT' | 'UP_TO' | 'FORCE';

/** What a commit above the held amount does. */
export type OveragePolicy = 'SETTLE_ACTUAL' | 'WITHIN_AVAILABLE' | 'REJECT';

/**
 * Commands are well-formed requests: every field is within its grammar and range, maps are sorted by
 * key, what was left out has its default. Whether they may be carried out is for `decide`.
 */
export interface SpendCommand {
  readonly method: 'SPEND';
  readonly requestId: string;
  readonly agentId: string;
  readonly amount: Amount;
  readonly mode: SpendMode;
  readonly category: string;
  readonly quantities: Quantities;
  readonly unit: string;
  readonly runId: string;
  readonly metadata: Metadata;
  readonly dryRun: boolean;
}

export interface ReserveCommand {
  readonly method: 'RESERVE';
  readonly requestId: string;
  readonly agentId: string;
  readonly amount: Amount;
  readonly mode: 'STRICT' | 'UP_TO';
  readonly ttlMs: number;
  readonly category: string;
  readonly quantities: Quantities;
  readonly unit: string;
  readonly runId: string;
  readonly metadata: Metadata;
  readonly dryRun: boolean;
}

export interface CommitCommand {
  readonly method: 'COMMIT';
  readonly requestId: string;
  readonly reservationId: string;
  /** Undefined: what is still held. */
  readonly amount: Amount | undefined;
  readonly final: boolean;
  readonly overage: OveragePolicy;
  /** Empty: the held ones stay. */
  readonly quantities: Quantities;
  readonly metadata: Metadata;
}

export interface ReleaseCommand {
  readonly method: 'RELEASE';
  readonly requestId: string;
  readonly reservationId: string;
}

export interface ExtendCommand {
  readonly method: 'EXTEND';
  readonly requestId: string;
  readonly reservationId: string;
  readonly ttlMs: number;
}

export interface RequestEmergencyCommand {
  readonly method: 'REQUEST_EMERGENCY';
  readonly requestId: string;
  readonly agentId: string;
  /** Above 0. */
  readonly amount: Amount;
  /** Not empty. */
  readonly reason: string;
}

/** What every admin mutation has. */
export interface AdminFields {
  /** Empty when the client gave none. */
  readonly requestId: string;
  readonly reason: string;
}

export interface CreatePoolCommand extends AdminFields {
  readonly method: 'CREATE_POOL';
  /** Empty: made by the server. */
  readonly poolId: string;
  readonly name: string;
  readonly initialBudget: Amount;
  readonly priority: number;
  readonly unit: string;
  readonly scale: number;
  readonly minBalance: Amount;
  readonly funding: PoolFunding;
  readonly metadata: Metadata;
}

/** The fields of a pool that an update may name; undefined ones stay. */
export interface PoolPatch {
  readonly name?: string;
  readonly priority?: number;
  readonly minBalance?: Amount;
  readonly funding?: PoolFunding;
  readonly metadata?: Metadata;
}

export interface UpdatePoolCommand extends AdminFields {
  readonly method: 'UPDATE_POOL';
  readonly poolId: string;
  readonly patch: PoolPatch;
  readonly expectedRevision: number | undefined;
}

export interface FundPoolCommand extends AdminFields {
  readonly method: 'FUND_POOL';
  readonly poolId: string;
  /** Not 0. */
  readonly delta: Amount;
  readonly validateOnly: boolean;
  readonly expectedRevision: number | undefined;
}

export interface PoolStateCommand extends AdminFields {
  readonly method: 'DELETE_POOL' | 'FREEZE_POOL' | 'UNFREEZE_POOL';
  readonly poolId: string;
  readonly expectedRevision: number | undefined;
}

export interface CreateAgentCommand extends AdminFields {
  readonly method: 'CREATE_AGENT';
  /** Empty: made by the server. */
  readonly agentId: string;
  readonly name: string;
  readonly poolId: string;
  readonly initialBudget: Amount;
  readonly priority: number;
  readonly overdraftLimit: Amount;
  readonly allowForce: boolean;
  readonly parentId: string;
  readonly metadata: Metadata;
}

/** The fields of an agent that an update may name; undefined ones stay. */
export interface AgentPatch {
  readonly name?: string;
  readonly priority?: number;
  readonly overdraftLimit?: Amount;
  readonly allowForce?: boolean;
  readonly parentId?: string;
  readonly metadata?: Metadata;
}

export interface UpdateAgentCommand extends AdminFields {
  readonly method: 'UPDATE_AGENT';
  readonly agentId: string;
  readonly patch: AgentPatch;
  readonly expectedRevision: number | undefined;
}

export interface MoveAgentCommand extends AdminFields {
  readonly method: 'MOVE_AGENT';
  readonly agentId: string;
  readonly poolId: string;
  readonly expectedRevision: number | undefined;
}

export interface DeleteAgentCommand extends AdminFields {
  readonly method: 'DELETE_AGENT';
  readonly agentId: string;
  readonly releaseReservations: boolean;
  readonly expectedRevision: number | undefined;
}

export interface AgentStateCommand extends AdminFields {
  readonly method: 'FREEZE_AGENT' | 'UNFREEZE_AGENT';
  readonly agentId: string;
  readonly expectedRevision: number | undefined;
}

export interface SetBudgetCommand extends AdminFields {
  readonly method: 'SET_BUDGET';
  readonly agentId: string;
  readonly amount: Amount;
  readonly resetBaseline: boolean;
  readonly validateOnly: boolean;
  /** Of the budget. */
  readonly expectedRevision: number | undefined;
}

export interface AdjustBudgetCommand extends AdminFields {
  readonly method: 'ADJUST_BUDGET';
  readonly agentId: string;
  /** Not 0. */
  readonly delta: Amount;
  readonly validateOnly: boolean;
  /** Of the budget. */
  readonly expectedRevision: number | undefined;
}

/** One side of a transfer. */
export interface TransferParty {
  readonly kind: 'AGENT' | 'POOL';
  readonly id: string;
}

export interface TransferCommand extends AdminFields {
  readonly method: 'TRANSFER';
  readonly source: TransferParty;
  readonly destination: TransferParty;
  /** Above 0. */
  readonly amount: Amount;
  readonly validateOnly: boolean;
}

export interface RefundCommand extends AdminFields {
  readonly method: 'REFUND';
  readonly sequence: number;
  /** Undefined: all that was not yet refunded. Otherwise above 0. */
  readonly amount: Amount | undefined;
}

/** A pool as a configuration document describes it; undefined fields are not described. */
export interface PoolDocument extends PoolPatch {
  readonly id: string;
  readonly initialBudget?: Amount;
  readonly unit?: string;
  readonly scale?: number;
  /** Of each of its agents; empty: none of their own. */
  readonly serviceLevels?: readonly ServiceLevel[];
}

/** An agent as a configuration document describes it; undefined fields are not described. */
export interface AgentDocument extends AgentPatch {
  readonly id: string;
  readonly poolId?: string;
  readonly initialBudget?: Amount;
  /** Its own; empty: none. */
  readonly serviceLevels?: readonly ServiceLevel[];
}

export interface ApplyConfigurationCommand extends AdminFields {
  readonly method: 'APPLY_CONFIGURATION';
  readonly rules?: readonly DocumentRule[];
  /** The kinds of rules of which the document has a list: those that prune may take away. */
  readonly lists?: readonly DocumentRuleKind[];
  readonly pools: readonly PoolDocument[];
  readonly agents: readonly AgentDocument[];
  readonly validateOnly: boolean;
  readonly prune: boolean;
}

/** Whom levels of service are for, by the id that a client gave; empty for EVERY_AGENT. */
export interface LevelScopeName {
  readonly kind: 'AGENT' | 'EACH_AGENT_OF_POOL' | 'EVERY_AGENT';
  readonly id: string;
}

export interface SetServiceLevelsCommand extends AdminFields {
  readonly method: 'SET_SERVICE_LEVELS';
  readonly scope: LevelScopeName;
  /** From the highest threshold to the lowest, which is 0. Empty: the scope has none any more. */
  readonly levels: readonly ServiceLevel[];
  /** Of the scope's own set; 0: it has none. */
  readonly expectedRevision: number | undefined;
}

export interface ReportViolationCommand {
  readonly method: 'REPORT_VIOLATION';
  readonly requestId: string;
  readonly agentId: string;
  readonly type: ViolationType;
  readonly severity: Severity;
  readonly message: string;
  readonly details: Metadata;
  /** Who reports. No part of the request: another may repeat it. */
  readonly principal: string;
}

/** What is common to what an operator does to a violation. */
interface ViolationFields extends AdminFields {
  /** The violation's number. */
  readonly violation: number;
  /** Kept with the violation; empty: the reason is. */
  readonly note: string;
  /** Who does it. No part of the request: another may repeat it. */
  readonly principal: string;
}

export interface ResolveViolationCommand extends ViolationFields {
  readonly method: 'RESOLVE_VIOLATION';
}

export interface EscalateViolationCommand extends ViolationFields {
  readonly method: 'ESCALATE_VIOLATION';
  readonly severity: Severity;
}

export interface SetEmergencyPolicyCommand extends AdminFields {
  readonly method: 'SET_EMERGENCY_POLICY';
  /** Empty: the server's. */
  readonly poolId: string;
  /** Undefined takes the policy away. */
  readonly terms: EmergencyTerms | undefined;
  readonly expectedRevision: number | undefined;
}

export interface ApproveEmergencyCommand extends AdminFields {
  readonly method: 'APPROVE_EMERGENCY';
  readonly emergencyRequestId: string;
  /** Undefined: all that may be approved. Otherwise above 0. */
  readonly amount: Amount | undefined;
}

export interface RejectEmergencyCommand extends AdminFields {
  readonly method: 'REJECT_EMERGENCY';
  readonly emergencyRequestId: string;
}

/** A mutation whose subject is one reservation. */
export type ReservationCommand = CommitCommand | ReleaseCommand | ExtendCommand;

/** A mutation of the agent plane. */
export type AgentCommand =
  SpendCommand | ReserveCommand | ReservationCommand | ReportViolationCommand;

/** A mutation of the operator plane. */
export type AdminCommand =
  | CreatePoolCommand
  | UpdatePoolCommand
  | FundPoolCommand
  | PoolStateCommand
  | CreateAgentCommand
  | UpdateAgentCommand
  | MoveAgentCommand
  | DeleteAgentCommand
  | AgentStateCommand
  | SetBudgetCommand
  | AdjustBudgetCommand
  | TransferCommand
  | RefundCommand
  | AllocationCommand
  | ApplyConfigurationCommand
  | RuleCommand
  | RecordBudgetChangeCommand
  | RunReviewCommand
  | ResolveViolationCommand
  | EscalateViolationCommand
  | SetServiceLevelsCommand
  | ScheduleCommand
  | ChannelCommand;

/** A mutation about emergencies, of either plane. */
export type EmergencyCommand =
  | RequestEmergencyCommand
  | SetEmergencyPolicyCommand
  | ApproveEmergencyCommand
  | RejectEmergencyCommand;

/** Any mutation. */
export type Command = AgentCommand | AdminCommand | EmergencyCommand;
