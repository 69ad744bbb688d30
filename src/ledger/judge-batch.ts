import type { Answer } from '../domain/answer.js';
import { levelOf } from '../domain/effective-levels.js';
import type { Agent } from '../domain/model.js';
import type { AgentWithPool, BatchAnswer, BatchItem, Caller, NotApplied } from './api.js';
import { judge, replayOf, type Judging } from './judge.js';
import { Workspace } from './workspace.js';

/**
 * Judges the items of a batch in order, each on top of the ones before it. An atomic batch is judged
 * on a workspace of its own, dropped at the first denial or error: the others are not applied.
 */
export function judgeBatch(
  judging: Judging,
  items: readonly BatchItem[],
  atomic: boolean,
  caller: Caller,
): BatchAnswer {
  if (!atomic) {
    const results = items.map((item) => judgeItem(judging, item, caller));
    return { results, agents: agentsOf(judging.workspace, items) };
  }
  const inner = { ...judging, workspace: new Workspace(judging.workspace, judging.context.now) };
  const results: Answer[] = [];
  for (const item of items) {
    const answer = judgeItem(inner, item, caller);
    if (answer.verdict !== 'APPROVED') {
      const denied = inner.workspace.denied.at(-1);
      if (denied !== undefined) judging.workspace.denied.push(denied);
      return {
        results: undone(judging, items, results.length, answer),
        agents: agentsOf(judging.workspace, items),
      };
    }
    results.push(answer);
  }
  judging.workspace.absorb(inner.workspace);
  return { results, agents: agentsOf(judging.workspace, items) };
}

function judgeItem(judging: Judging, item: BatchItem, caller: Caller): Answer {
  return 'verdict' in item ? item : judge(judging, item, caller);
}

/**
 * The answers of an atomic batch whose item at `failed` was denied or in error: the others are not
 * applied, but for those that an earlier request had applied.
 */
function undone(
  judging: Judging,
  items: readonly BatchItem[],
  failed: number,
  answer: Answer,
): readonly (Answer | NotApplied)[] {
  const { workspace } = judging;
  return items.map((item, index) => {
    if (index === failed) return answer;
    const earlier = 'verdict' in item ? undefined : replayOf(judging, item);
    if (earlier !== undefined) return earlier;
    const agent = 'verdict' in item ? undefined : workspace.agentById(item.agentId);
    return {
      verdict: 'NOT_APPLIED',
      agent,
      pool: agent && workspace.pool(agent.poolUid),
      serviceLevel: agent && levelOf(workspace.rules.levels, agent),
    };
  });
}

/** The distinct agents that exist, in order of first mention, as the batch leaves them. */
function agentsOf(workspace: Workspace, items: readonly BatchItem[]): readonly AgentWithPool[] {
  const found = new Map<string, Agent | undefined>();
  for (const item of items) {
    if ('verdict' in item || found.has(item.agentId)) continue;
    found.set(item.agentId, workspace.agentById(item.agentId));
  }
  const agents: AgentWithPool[] = [];
  for (const agent of found.values()) {
    const pool = agent && workspace.pool(agent.poolUid);
    if (agent !== undefined && pool !== undefined) agents.push({ agent, pool });
  }
  return agents;
}
