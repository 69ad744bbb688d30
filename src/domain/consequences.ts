import type { Draft } from './draft.js';
import { followLevels } from './follow-levels.js';
import { judgeAlerts } from './watch-money.js';

/** What follows from everything that a draft changed, in the same transaction. Called once, at its end. */
export function consequences(draft: Draft): void {
  followLevels(draft);
  judgeAlerts(draft);
}
