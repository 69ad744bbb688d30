import type { BudgetAlert } from '../domain/alert.js';
import { beginDraft, type Draft } from '../domain/draft.js';
import { endMoreStates } from '../domain/end-alerts.js';
import type { Instant, Uid } from '../domain/model.js';
import { judgeAgentNow, judgePoolNow } from '../domain/watch-money.js';
import type { StoreReader } from './store.js';
import { SIDECAR_STAMP, type Workspace } from './workspace.js';

/**
 * Judges how long money lasts once a minute, since time alone can bring an end nearer or further; and
 * ends what deleted alerts have left. In steps, so that no spend waits for a round.
 */
export interface AlertRound {
  /** Begins a round unless one is going on. False: there is nothing to do. */
  begin(timed: readonly BudgetAlert[], reader: Pick<StoreReader, 'rows'>): boolean;
  /** Does the next step in a group. What it returns is to be remembered once the group is written. */
  step(workspace: Workspace, reader: StoreReader, now: Instant): RoundStep;
  /** The step was written. Returns whether there is another. */
  remember(step: RoundStep): boolean;
}

/** What a step leaves to do. */
export interface RoundStep {
  readonly walks: readonly Walk[];
  /** Whether states of deleted alerts are left. */
  readonly more: boolean;
}

/** Whom a round visits: agents of one pool or of all, by id, after one; or a single agent or pool. */
type Walk =
  | { readonly kind: 'AGENTS'; readonly poolUid: Uid | undefined; readonly after?: string }
  | { readonly kind: 'AGENT' | 'POOL'; readonly uid: Uid };

/** Agents and pools of one step: at 0.1 ms for one that is busy every minute, 20 ms at the most. */
const STEP_MAX = 200;

/** Makes a round that has not begun. */
export function makeAlertRound(): AlertRound {
  let walks: readonly Walk[] = [];
  return {
    begin: (timed, reader) => {
      if (walks.length === 0) walks = walksOf(timed);
      if (walks.length > 0) return true;
      const [left] = reader.rows('ended_alerts', {});
      return left !== undefined;
    },
    step: (workspace, reader, now) => {
      const draft = beginDraft(workspace, now);
      const more = endMoreStates(draft);
      const left = [...walks];
      for (let room = STEP_MAX; room > 0;) {
        const walk = left.shift();
        if (walk === undefined) break;
        if (walk.kind === 'AGENTS') {
          const { visited, after } = visitAgents(draft, workspace, reader, walk, room);
          room -= visited;
          if (after !== undefined) left.unshift({ ...walk, after });
        } else {
          visitOne(draft, workspace, reader, walk);
          room -= 1;
        }
      }
      workspace.install(draft, SIDECAR_STAMP);
      return { walks: left, more };
    },
    remember: (step) => {
      walks = step.walks;
      return step.more || walks.length > 0;
    },
  };
}

/** Each agent once: who is on every agent's round is not visited for its pool or by itself. */
function walksOf(timed: readonly BudgetAlert[]): readonly Walk[] {
  const uids = (kind: BudgetAlert['scope']['kind']): ReadonlySet<Uid> =>
    new Set(timed.filter(({ scope }) => scope.kind === kind).map(({ scope }) => scope.uid));
  const pools = [...uids('POOL')].map((uid): Walk => ({ kind: 'POOL', uid }));
  if (uids('EVERY_AGENT').size > 0) return [...pools, { kind: 'AGENTS', poolUid: undefined }];
  return [
    ...pools,
    ...[...uids('EACH_AGENT_OF_POOL')].map((poolUid): Walk => ({ kind: 'AGENTS', poolUid })),
    ...[...uids('AGENT')].map((uid): Walk => ({ kind: 'AGENT', uid })),
  ];
}

function visitAgents(
  draft: Draft,
  workspace: Workspace,
  reader: StoreReader,
  { poolUid, after }: Extract<Walk, { readonly kind: 'AGENTS' }>,
  room: number,
): { readonly visited: number; readonly after: string | undefined } {
  let visited = 0;
  let last: string | undefined;
  for (const [id, uid] of reader.agentIds(after, poolUid)) {
    if (visited === room) return { visited, after: last };
    visitOne(draft, workspace, reader, { kind: 'AGENT', uid });
    visited += 1;
    last = id;
  }
  return { visited, after: undefined };
}

/** Read beside the cache: a round over many agents must not push those out that spend. */
function visitOne(
  draft: Draft,
  workspace: Workspace,
  reader: StoreReader,
  { kind, uid }: Exclude<Walk, { readonly kind: 'AGENTS' }>,
): void {
  if (kind === 'AGENT') {
    const agent = workspace.agents.get(uid) ?? reader.agent(uid);
    if (agent !== undefined) judgeAgentNow(draft, agent);
    return;
  }
  const pool = workspace.pool(uid);
  if (pool !== undefined) judgePoolNow(draft, pool);
}
