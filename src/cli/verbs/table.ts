import type { Verb } from '../verb.js';
import { AGENT_VERBS } from './agents.js';
import { ALLOCATION_VERBS } from './allocation.js';
import { BUDGET_VERBS } from './budgets.js';
import { METRICS_VERBS } from './metrics.js';
import { POOL_VERBS } from './pools.js';
import { RECORD_VERBS } from './records.js';
import { SCHEDULE_VERBS } from './schedules.js';
import { SERVER_VERBS } from './server.js';
import { SPENDING_VERBS } from './spending.js';

/** Every verb that calls a sidecar: one row per method of its services. */
export const VERBS: readonly Verb[] = [
  ...SPENDING_VERBS,
  ...BUDGET_VERBS,
  ...ALLOCATION_VERBS,
  ...SCHEDULE_VERBS,
  ...POOL_VERBS,
  ...AGENT_VERBS,
  ...METRICS_VERBS,
  ...RECORD_VERBS,
  ...SERVER_VERBS,
];
