import { copyAgent } from './copy.js';
import type { Draft } from './draft.js';
import { levelOf } from './effective-levels.js';
import { levelAfter } from './service-level.js';
import { remainingOf } from './budget.js';

/**
 * Brings the level of service of every agent that the draft changed after its money. The level before is
 * the one that readers were shown, which a change of the levels may have made another than the row's.
 */
export function followLevels(draft: Draft): void {
  const index = draft.state.rules.levels;
  for (const agent of draft.agents.values()) {
    const before = draft.state.agent(agent.uid);
    const shown = before === undefined ? '' : levelOf(index, before).name;
    const { levels } = index.ofAgent(agent);
    const { name } = levelAfter(levels, shown, remainingOf(agent), agent.baseline);
    if (name === agent.serviceLevel) continue;
    const after = copyAgent(agent);
    after.serviceLevel = name;
    draft.agents.set(agent.uid, after);
  }
}
