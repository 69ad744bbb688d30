import type { Scenario } from '../scenario.js';
import { BULK } from './bulk.js';
import { CHURN } from './churn.js';
import { COST } from './cost.js';
import { CURVES } from './curves.js';
import { HISTORY } from './history.js';
import { GROWTH, PROCESS } from './process.js';
import { STATE } from './state.js';
import { UNARY } from './unary.js';
import { WATCHING } from './watching.js';

/** What `npm run bench -- all` measures, in this order. */
export const SCENARIOS: readonly Scenario[] = [
  ...UNARY,
  ...BULK,
  ...STATE,
  ...PROCESS,
  ...WATCHING,
  ...HISTORY,
  COST,
  ...CURVES,
];

/** What is measured when it is asked for by name only. */
export const ON_DEMAND: readonly Scenario[] = [GROWTH, CHURN];
