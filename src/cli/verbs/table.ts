import type { Verb } from '../verb.js';
import { AGENT_VERBS } from './agents.js';
import { ALERT_VERBS } from './alerts.js';
import { ALLOCATION_VERBS } from './allocation.js';
import { BUDGET_VERBS } from './budgets.js';
import { CHANNEL_VERBS } from './channels.js';
import { METRICS_VERBS } from './metrics.js';
import { LIMIT_VERBS } from './limits.js';
import { MONITOR_VERBS } from './monitors.js';
import { EMERGENCY_VERBS } from './emergencies.js';
import { LEVEL_VERBS } from './levels.js';
import { POOL_VERBS } from './pools.js';
import { RECORD_VERBS } from './records.js';
import { REVIEW_VERBS } from './reviews.js';
import { SCHEDULE_VERBS } from './schedules.js';
import { SERVER_VERBS } from './server.js';
import { SPENDING_VERBS } from './spending.js';
import { VIOLATION_VERBS } from './violations.js';

/** Every verb that calls a sidecar: one row per method of its services. */
export const VERBS: readonly Verb[] = [
  ...SPENDING_VERBS,
  ...BUDGET_VERBS,
  ...ALLOCATION_VERBS,
  ...SCHEDULE_VERBS,
  ...POOL_VERBS,
  ...AGENT_VERBS,
  ...LIMIT_VERBS,
  ...MONITOR_VERBS,
  ...ALERT_VERBS,
  ...CHANNEL_VERBS,
  ...METRICS_VERBS,
  ...EMERGENCY_VERBS,
  ...VIOLATION_VERBS,
  ...LEVEL_VERBS,
  ...RECORD_VERBS,
  ...REVIEW_VERBS,
  ...SERVER_VERBS,
];
