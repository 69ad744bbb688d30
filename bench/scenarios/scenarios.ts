import type { Scenario } from '../scenario.js';
import { BULK } from './bulk.js';
import { UNARY } from './unary.js';

/** What `npm run bench -- all` measures, in this order. */
export const SCENARIOS: readonly Scenario[] = [...UNARY, ...BULK];

/** What is measured when it is asked for by name only. */
export const ON_DEMAND: readonly Scenario[] = [];
