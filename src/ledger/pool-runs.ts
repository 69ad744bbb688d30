import { formatAmount } from '../domain/amount.js';
import { reject } from '../domain/answer.js';
import { poolRemainingOf, remainingOf } from '../domain/budget.js';
import { poolByUid } from '../domain/decide/checks.js';
import { decideSetBudget } from '../domain/decide/budgets.js';
import {
  agentsText,
  failedBy,
  newRun,
  putRun,
  removeMarks,
  type RunStart,
} from '../domain/decide/schedule-runs.js';
import type { Decided } from '../domain/decided.js';
import { beginDraft, putRow, removeRow, type Draft } from '../domain/draft.js';
import type { Agent, Instant, Uid } from '../domain/model.js';
import {
  markKey,
  principalOf,
  runKey,
  type RunProgress,
  type Schedule,
  type ScheduleRun,
  type SetBudgetAction,
} from '../domain/schedule.js';
import type { Judging } from './judge.js';
import { SIDECAR_STAMP, type RequestStamp } from './workspace.js';

/** What runs work on: the group that they are part of. */
export type Running = Pick<Judging, 'workspace' | 'reader' | 'context'>;

/** How a run over the agents of a pool begins. */
export interface PoolRunTerms {
  readonly start: RunStart;
  /** When the schedule is due next. */
  readonly dueTime: Instant;
  readonly stamp: RequestStamp;
  /** How many budgets this group may still set. */
  readonly agents: number;
}

/** A pool of at most this many agents is read from the group itself, newest agents included. */
const SMALL_POOL_MAX = 1_000;

/** Agents that one phase of a run looks at in one group, most of which need nothing. */
const LOOKS_MAX = 10_000;

/**
 * Begins to set the budget of each agent of a pool. Where the pool cannot pay for all, nothing is set.
 * Returns how many budgets the group may still set.
 */
export function beginPoolRun(running: Running, schedule: Schedule, terms: PoolRunTerms): number {
  const { workspace, reader, context } = running;
  const pool = poolByUid(workspace, schedule.subject.uid);
  const { amount } = actionOf(schedule);
  const run = newRun(schedule, terms.start, context.now);
  const draft = beginDraft(workspace, context.now);
  const needed = amount * BigInt(pool.agentCount);
  const available = poolRemainingOf(pool) - pool.minBalance;
  if (pool.funding === 'FIXED' && needed > available) {
    const failed = failedBy(
      reject('INSUFFICIENT_POOL_BUDGET', 'The pool cannot pay for all of its agents. Fund it', {
        pool_id: pool.id,
        needed: formatAmount(needed),
        shortfall: formatAmount(needed - available),
      }),
    );
    const ended = { ...run, ...failed, endTime: context.now };
    putRun(draft, schedule, ended, { dueTime: terms.dueTime, progress: undefined });
    workspace.install(draft, SIDECAR_STAMP);
    return terms.agents;
  }

  const earlier = workspace.rules.schedules.running;
  const small = pool.agentCount <= SMALL_POOL_MAX;
  const progress: RunProgress = {
    phase: 'SHRINK',
    after: '',
    uidEnd: small ? workspace.nextUid : reader.header().nextUid,
    turn: (earlier.at(-1)?.progress?.turn ?? 0) + 1,
  };
  putRun(draft, schedule, run, { dueTime: terms.dueTime, progress });
  workspace.install(draft, SIDECAR_STAMP);
  if (earlier.some(({ subject }) => subject.uid === pool.uid)) return terms.agents;
  return step(running, schedule.id, terms.agents, terms.stamp);
}

/**
 * Gets runs in progress on by so many budgets in all, and returns how many are left. Of two runs on one
 * pool the later waits for the earlier.
 */
export function stepPoolRuns(running: Running, agents: number): number {
  const unfinished = new Set<Uid>();
  let left = agents;
  for (const { id, subject } of running.workspace.rules.schedules.running) {
    if (unfinished.has(subject.uid)) continue;
    left = step(running, id, left);
    const { rows } = running.workspace.rules.schedules;
    if (rows.get(id)?.progress !== undefined) unfinished.add(subject.uid);
  }
  return left;
}

/** Ends the runs in progress on a pool, before something else sets all of its budgets. */
export function finishPoolRuns(running: Running, poolUid: Uid): void {
  for (const { id, subject } of running.workspace.rules.schedules.running) {
    if (subject.uid === poolUid) step(running, id, Infinity);
  }
}

/** Sets the budget of an agent by every run in progress that has not come to it yet. */
export function settleAgent(running: Running, uid: Uid): void {
  for (const { id } of running.workspace.rules.schedules.running) settleBy(running, id, uid);
}

/** An agent moves into a pool: runs in progress there are not for it. */
export function markNewcomer({ workspace, context }: Running, uid: Uid, poolUid: Uid): void {
  const draft = beginDraft(workspace, context.now);
  for (const schedule of workspace.rules.schedules.running) {
    if (schedule.subject.uid === poolUid) mark(draft, schedule, uid);
  }
  workspace.install(draft, SIDECAR_STAMP);
}

/** A run in progress, with what it has done in this group so far. */
interface PoolRun {
  readonly schedule: Schedule;
  readonly action: SetBudgetAction;
  readonly stamp: RequestStamp;
  run: ScheduleRun;
}

function step(running: Running, id: string, agents: number, stamp?: RequestStamp): number {
  const found = poolRunOf(running, id, stamp);
  if (found === undefined || agents === 0) return agents;
  let progress = found.schedule.progress;
  let left = agents;
  for (;;) {
    const walked = walk(running, found, progress, { sets: left, looks: LOOKS_MAX });
    left -= walked.sets;
    progress = { ...progress, after: walked.after };
    if (!walked.done && agents !== Infinity) break;
    if (walked.done && progress.phase === 'GROW') {
      end(running, found);
      return left;
    }
    if (walked.done) progress = { ...progress, phase: 'GROW', after: '' };
  }
  save(running, found, progress);
  return left;
}

/** How much of a phase may be done at once. */
interface WalkBounds {
  /** Budgets to set. */
  readonly sets: number;
  /** Agents to look at, set or not. */
  readonly looks: number;
}

/** How far a phase has come, and how many budgets were set on the way. */
interface Walked {
  readonly after: string;
  readonly sets: number;
  readonly done: boolean;
}

/** Goes on through the agents in one phase. */
function walk(
  running: Running,
  poolRun: PoolRun,
  progress: RunProgress,
  bounds: WalkBounds,
): Walked {
  const { schedule, action } = poolRun;
  let { after } = progress;
  let sets = 0;
  let looks = 0;
  for (const agent of agentsAfter(running, poolRun, after)) {
    if (sets === bounds.sets || looks === bounds.looks) return { after, sets, done: false };
    looks += 1;
    after = agent.id;
    if (agent.state === 'CLOSED' || agent.uid >= progress.uidEnd) continue;
    const marked = isMarked(running, schedule, agent.uid);
    if (progress.phase === 'GROW' && marked) {
      unmark(running, schedule, agent.uid);
    } else if (!marked && (progress.phase === 'GROW' || remainingOf(agent) > action.amount)) {
      count(poolRun, setBudget(running, poolRun, agent.id));
      if (progress.phase === 'SHRINK') markNow(running, schedule, agent.uid);
      sets += 1;
    }
  }
  return { after, sets, done: true };
}

function settleBy(running: Running, id: string, uid: Uid): void {
  const poolRun = poolRunOf(running, id);
  if (poolRun === undefined) return;
  const { schedule } = poolRun;
  const { progress } = schedule;
  const agent = running.workspace.agent(uid);
  if (agent === undefined || agent.state === 'CLOSED' || uid >= progress.uidEnd) return;
  if (agent.poolUid !== schedule.subject.uid || isMarked(running, schedule, uid)) return;
  if (progress.phase === 'GROW' && agent.id <= progress.after) return;
  let reached: RunProgress = progress;
  let decided = setBudget(running, poolRun, agent.id);
  const short = decided.verdict === 'REJECTED' && decided.reason === 'INSUFFICIENT_POOL_BUDGET';
  if (short && progress.phase === 'SHRINK') {
    // The money is still with agents that have too much: it is taken from all of them first.
    walk(running, poolRun, progress, { sets: Infinity, looks: Infinity });
    reached = { ...progress, phase: 'GROW', after: '' };
    decided = setBudget(running, poolRun, agent.id);
  }
  count(poolRun, decided);
  markNow(running, schedule, uid);
  save(running, poolRun, reached);
}

/** Sets one budget as the run has it. */
function setBudget(
  { workspace, context }: Running,
  { action, stamp }: PoolRun,
  agentId: string,
): Decided {
  const { kind: method, amount, resetBaseline } = action;
  const call = { requestId: '', reason: stamp.reason, validateOnly: false } as const;
  const command = { method, ...call, agentId, amount, resetBaseline, expectedRevision: undefined };
  const decided = decideSetBudget(workspace, command, context);
  if (decided.verdict === 'JUDGED' && decided.effects !== undefined) {
    workspace.install(decided.effects, stamp);
  }
  return decided;
}

function count(poolRun: PoolRun, decided: Decided): void {
  const { run } = poolRun;
  if (decided.verdict === 'REJECTED') {
    const reason = run.reason === '' ? decided.reason : run.reason;
    poolRun.run = { ...run, reason, agentsFailed: run.agentsFailed + 1 };
    return;
  }
  const firstSequence = run.firstSequence === 0 ? decided.outcome.sequence : run.firstSequence;
  poolRun.run = { ...run, firstSequence, agentsSet: run.agentsSet + 1 };
}

function save({ workspace, context }: Running, poolRun: PoolRun, progress: RunProgress): void {
  const { schedule, run } = poolRun;
  const draft = beginDraft(workspace, context.now);
  putRun(draft, schedule, run, { dueTime: schedule.dueTime, progress });
  workspace.install(draft, SIDECAR_STAMP);
}

function end({ workspace, context }: Running, { schedule, action, run }: PoolRun): void {
  const { agentsSet, agentsFailed } = run;
  const failed = agentsFailed > 0;
  const rest = failed ? `, ${agentsFailed} could not be set` : '';
  const draft = beginDraft(workspace, context.now);
  const ended: ScheduleRun = {
    ...run,
    endTime: context.now,
    outcome: failed ? 'FAILED' : 'OK',
    summary:
      `Set what remains of ${agentsText(agentsSet)} of pool ${action.poolId} to ` +
      `${formatAmount(action.amount)}${rest}`,
  };
  putRun(draft, schedule, ended, { dueTime: schedule.dueTime, progress: undefined });
  removeMarks(draft, schedule);
  workspace.install(draft, SIDECAR_STAMP);
}

/** The run in progress of a schedule as the group has it now. */
function poolRunOf(
  { workspace }: Running,
  id: string,
  stamp?: RequestStamp,
): (PoolRun & { readonly schedule: { readonly progress: RunProgress } }) | undefined {
  const schedule = workspace.rules.schedules.rows.get(id);
  if (schedule?.progress === undefined) return undefined;
  const run = workspace.row('schedule_runs', runKey(schedule.uid, schedule.runCount));
  if (run === undefined) throw new Error(`no row of run ${schedule.runCount} of ${id}`);
  const { progress } = schedule;
  const own = { ...SIDECAR_STAMP, principal: principalOf(schedule), reason: schedule.runReason };
  return {
    schedule: { ...schedule, progress },
    action: actionOf(schedule),
    run,
    stamp: stamp ?? own,
  };
}

/** The agents of a pool by id, after one. */
function* agentsAfter(
  { workspace, reader }: Running,
  { schedule }: PoolRun,
  after: string,
): Generator<Agent> {
  const poolUid = schedule.subject.uid;
  if (poolByUid(workspace, poolUid).agentCount <= SMALL_POOL_MAX) {
    const agents = [...workspace.agentsOfPool(poolUid)].filter(({ id }) => id > after);
    yield* agents.sort((a, b) => (a.id < b.id ? -1 : 1));
    return;
  }
  // Who joined the pool in this very group is not listed in the store yet.
  const own = [...workspace.agents.values()]
    .filter((agent) => agent.poolUid === poolUid && agent.id > after)
    .sort((a, b) => (a.id < b.id ? -1 : 1));
  let next = 0;
  for (const [id, uid] of reader.agentIds(after === '' ? undefined : after, poolUid)) {
    for (let joined = own[next]; joined !== undefined && joined.id <= id; joined = own[next]) {
      if (joined.id < id) yield workspace.agent(joined.uid) ?? joined;
      next += 1;
    }
    const agent = workspace.agent(uid);
    if (agent?.poolUid === poolUid) yield agent;
  }
  for (const { uid } of own.slice(next)) {
    const agent = workspace.agent(uid);
    if (agent?.poolUid === poolUid) yield agent;
  }
}

function actionOf({ id, action }: Schedule): SetBudgetAction {
  if (action.kind !== 'SET_BUDGET') throw new Error(`schedule ${id} sets no budgets`);
  return action;
}

function isMarked({ workspace }: Running, schedule: Schedule, uid: Uid): boolean {
  return workspace.row('schedule_marks', markKey(schedule.uid, uid)) !== undefined;
}

function mark(draft: Draft, schedule: Schedule, uid: Uid): void {
  putRow(draft, 'schedule_marks', markKey(schedule.uid, uid), { run: schedule.runCount });
}

function markNow({ workspace, context }: Running, schedule: Schedule, uid: Uid): void {
  const draft = beginDraft(workspace, context.now);
  mark(draft, schedule, uid);
  workspace.install(draft, SIDECAR_STAMP);
}

function unmark({ workspace, context }: Running, schedule: Schedule, uid: Uid): void {
  const draft = beginDraft(workspace, context.now);
  removeRow(draft, 'schedule_marks', markKey(schedule.uid, uid));
  workspace.install(draft, SIDECAR_STAMP);
}
