import { reject, type Answer, type ConfigurationChange, type Outcome } from '../domain/answer.js';
import type { Command } from '../domain/command.js';
import { planConfiguration } from '../domain/configuration.js';
import { cascadeOf } from '../domain/configuration-cascade.js';
import { changeOf, refusedStep } from '../domain/configuration-rules.js';
import { decide } from '../domain/decide/decide.js';
import { decideExpire } from '../domain/decide/expire.js';
import type { Decided } from '../domain/decided.js';
import { beginDraft, putRow } from '../domain/draft.js';
import { levelNamed, levelOf } from '../domain/effective-levels.js';
import { canonicalRequest } from '../domain/fingerprint.js';
import { answerOf } from '../domain/emergency/request.js';
import type { Agent, Pool, Uid } from '../domain/model.js';
import { requestTimeKey } from '../domain/request-time.js';
import type { Context, State } from '../domain/state.js';
import type { Caller } from './api.js';
import { runByHand } from './scheduled-runs.js';
import { settleBudgets } from './settle-budgets.js';
import { sha256 } from './sha256.js';
import type { BalanceSnapshot, IdempotencyRecord, IdempotencyScope, StoreReader } from './store.js';
import { SIDECAR_STAMP, Workspace, type RequestStamp } from './workspace.js';

/** The scope of the operator plane's request ids. */
const OPERATOR_PLANE: Uid = 0;

/** What the answers of one group share. */
export interface Judging {
  readonly workspace: Workspace;
  readonly reader: StoreReader;
  readonly context: Context;
  /** Whether holds that are due were left unswept: more of them than one group expires. */
  readonly backlog: boolean;
}

/**
 * Judges one command on top of the ones before it in its group: a repeated request_id gets its stored
 * answer (invariant I6), anything else is decided, and what it changes is put on the workspace.
 */
export function judge(judging: Judging, command: Command, caller: Caller): Answer {
  const { workspace, context } = judging;
  const scope = scopeOf(workspace, command);
  const fingerprint = scope && fingerprintOf(command);
  const earlier = scope && fingerprint && storedAnswer(judging, scope, fingerprint);
  if (earlier !== undefined) return earlier;

  if (judging.backlog) expireOwnHolds(judging, command);
  settleBudgets(judging, command);
  const decided = decideAny(judging, command, caller);
  if (decided.verdict === 'REJECTED') {
    if (decided.alarm !== undefined && !isTrial(command)) {
      workspace.denied.push({ agentUid: 0, alarm: decided.alarm });
    }
    return decided;
  }
  const { effects } = decided;
  const outcome = withLevel(workspace, decided.outcome);
  if (isTrial(command)) return { ...outcome, sequence: 0 };
  if (outcome.verdict === 'DENIED') {
    workspace.denied.push({ agentUid: outcome.agent?.uid ?? 0, alarm: decided.alarm });
  }
  if (effects !== undefined) workspace.install(effects, stampOf(command, caller));
  // A denial is not recorded, also where it leaves a row behind.
  const changed =
    outcome.verdict === 'APPROVED' && (outcome.sequence !== 0 || effects !== undefined);
  if (changed && scope !== undefined && fingerprint !== undefined) {
    const record = recordOf(outcome, fingerprint, context.now, scope.uid === OPERATOR_PLANE);
    workspace.answers.add({ scope, record });
    if (outcome.sequence === 0) noteTime(workspace, scope, context.now);
  }
  return outcome;
}

/** Decides a command, or the many that one comes to: those are installed already. */
function decideAny(judging: Judging, command: Command, caller: Caller): Decided {
  const { method } = command;
  if (method === 'APPLY_CONFIGURATION') return applyConfiguration(judging, command, caller);
  if (method === 'RUN_SCHEDULE') return runByHand(judging, command, stampOf(command, caller));
  return decide(judging.workspace, command, judging.context);
}

/** An outcome that changed nothing shows the agent's level of service as it is. */
function withLevel({ rules }: State, outcome: Outcome): Outcome {
  const { agent, serviceLevel } = outcome;
  if (agent === undefined || serviceLevel !== undefined) return outcome;
  return { ...outcome, serviceLevel: levelOf(rules.levels, agent) };
}

/** Records are purged along the entries that they name: one that names none is listed by its time. */
function noteTime(workspace: Workspace, scope: IdempotencyScope, now: number): void {
  const draft = beginDraft(workspace, now);
  putRow(draft, 'request_times', requestTimeKey(now, scope), scope);
  workspace.install(draft, SIDECAR_STAMP);
}

/** The stored answer of a command that was carried out before, or undefined. */
export function replayOf(judging: Judging, command: Command): Answer | undefined {
  const scope = scopeOf(judging.workspace, command);
  return scope && storedAnswer(judging, scope, fingerprintOf(command));
}

function storedAnswer(
  { workspace, reader }: Judging,
  scope: IdempotencyScope,
  fingerprint: Uint8Array,
): Answer | undefined {
  const record = workspace.answer(scope) ?? reader.idempotency(scope);
  return record && replay(workspace, scope, record, fingerprint);
}

function fingerprintOf(command: Command): Uint8Array {
  return sha256(canonicalRequest(command));
}

/** However many holds wait to be swept, an agent's own passed ones never deny it. */
function expireOwnHolds({ workspace, context }: Judging, command: Command): void {
  if (command.method !== 'SPEND' && command.method !== 'RESERVE') return;
  const agent = workspace.agentById(command.agentId);
  if (agent === undefined) return;
  for (const hold of workspace.openReservations(agent.uid)) {
    const decided = decideExpire(workspace, hold, context);
    if (decided.verdict === 'JUDGED' && decided.effects !== undefined) {
      workspace.install(decided.effects, SIDECAR_STAMP);
    }
  }
}

/** Dry runs and validations: judged, never installed, outside of idempotency. */
function isTrial(command: Command): boolean {
  return (
    ('dryRun' in command && command.dryRun) || ('validateOnly' in command && command.validateOnly)
  );
}

/** Where a command's request_id counts, or undefined when it has none or its subject is unknown. */
function scopeOf(state: State, command: Command): IdempotencyScope | undefined {
  const { method, requestId } = command;
  if (requestId === '' || isTrial(command)) return undefined;
  if (
    method === 'SPEND' ||
    method === 'RESERVE' ||
    method === 'REQUEST_EMERGENCY' ||
    method === 'REPORT_VIOLATION'
  ) {
    const agent = state.agentById(command.agentId);
    return agent && { uid: agent.uid, method, requestId };
  }
  if (method === 'COMMIT' || method === 'RELEASE' || method === 'EXTEND') {
    const reservation = state.reservation(command.reservationId);
    return reservation && { uid: reservation.agentUid, method, requestId };
  }
  return { uid: OPERATOR_PLANE, method, requestId };
}

function stampOf(command: Command, caller: Caller): RequestStamp {
  return {
    requestId: command.requestId,
    method: command.method,
    principal: caller.principal,
    reason: 'reason' in command ? command.reason : '',
    traceId: caller.traceId,
  };
}

function replay(
  state: State,
  scope: IdempotencyScope,
  record: IdempotencyRecord,
  fingerprint: Uint8Array,
): Answer {
  if (Buffer.compare(record.fingerprint, fingerprint) !== 0) {
    return reject(
      'REQUEST_ID_REUSED',
      'The request_id was used for another request. Make a new one',
      {
        request_id: scope.requestId,
      },
    );
  }
  const row = record.balance && state.agent(scope.uid);
  const agent = row === undefined ? record.agent : { ...row, ...record.balance };
  return {
    verdict: 'APPROVED',
    denial: undefined,
    sequence: record.sequence,
    replayed: true,
    amount: record.amount,
    secondAmount: record.secondAmount,
    warnings: record.warnings,
    late: record.late,
    agent,
    pool: record.balance ? state.pool(record.balance.poolUid) : record.pool,
    reservation: record.reservation,
    otherAgent: record.otherAgent,
    otherPool: record.otherPool,
    changes: record.changes,
    allocations: record.allocations,
    object: record.object,
    emergency: record.emergency && answerOf(record.emergency),
    emergencyPolicy: record.emergencyPolicy,
    violation: record.violation,
    serviceLevel: agent && levelNamed(state.rules.levels, agent),
    effectiveLevels: record.effectiveLevels,
  };
}

/** An account as it is stored with an answer, which shows no usage. */
function withoutUsage<Row extends Agent | Pool>(row: Row | undefined): Row | undefined {
  return row && { ...row, usage: [] };
}

function recordOf(
  outcome: Outcome,
  fingerprint: Uint8Array,
  time: number,
  operator: boolean,
): IdempotencyRecord {
  return {
    fingerprint,
    sequence: outcome.sequence,
    time,
    amount: outcome.amount,
    secondAmount: outcome.secondAmount,
    warnings: outcome.warnings,
    late: outcome.late,
    balance: operator ? undefined : outcome.agent && balanceOf(outcome.agent),
    reservation: outcome.reservation && { ...outcome.reservation, verbs: [] },
    agent: operator ? withoutUsage(outcome.agent) : undefined,
    pool: operator ? withoutUsage(outcome.pool) : undefined,
    otherAgent: withoutUsage(outcome.otherAgent),
    otherPool: withoutUsage(outcome.otherPool),
    changes: outcome.changes,
    allocations: outcome.allocations,
    object: outcome.object,
    emergency: outcome.emergency?.request,
    emergencyPolicy: outcome.emergencyPolicy,
    violation: outcome.violation,
    effectiveLevels: outcome.effectiveLevels,
  };
}

function balanceOf(agent: Agent): BalanceSnapshot {
  const { allocated, spent, reserved, overdraftLimit, initialBudget, baseline } = agent;
  const { state, budgetRevision, poolUid, budgetTime, serviceLevel } = agent;
  return {
    allocated,
    spent,
    reserved,
    overdraftLimit,
    initialBudget,
    baseline,
    state,
    budgetRevision,
    poolUid,
    budgetTime,
    serviceLevel,
  };
}

/** Many decisions in one: on a workspace of their own, absorbed when every one was carried out. */
function applyConfiguration(
  judging: Judging,
  command: Extract<Command, { readonly method: 'APPLY_CONFIGURATION' }>,
  caller: Caller,
): Decided {
  const steps = planConfiguration(judging.workspace, command);
  if ('verdict' in steps) return steps;
  const inner = new Workspace(judging.workspace, judging.context.now);
  let sequence = 0;
  const changes: ConfigurationChange[] = [];
  for (const step of steps) {
    const decided = decide(inner, step.command, judging.context);
    if (decided.verdict === 'REJECTED') {
      return refusedStep(step, decided);
    }
    const { effects } = decided;
    const change = changeOf(step, decided);
    if (change !== undefined) changes.push(change);
    if (effects !== undefined) {
      changes.push(...cascadeOf(inner, step.change, effects));
      inner.install(effects, stampOf(command, caller));
    }
    // A step with nothing left to do has none.
    sequence = Math.max(sequence, decided.outcome.sequence);
  }
  if (!command.validateOnly) judging.workspace.absorb(inner);
  return {
    verdict: 'JUDGED',
    outcome: {
      verdict: 'APPROVED',
      denial: undefined,
      sequence,
      replayed: false,
      amount: 0n,
      secondAmount: 0n,
      warnings: [],
      late: false,
      agent: undefined,
      pool: undefined,
      reservation: undefined,
      otherAgent: undefined,
      otherPool: undefined,
      changes,
      allocations: [],
      object: undefined,
    },
    effects: undefined,
  };
}
