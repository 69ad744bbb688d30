import type { MessageInitShape } from '@bufbuild/protobuf';
import {
  AlertCondition,
  type CreateBudgetAlertRequestSchema,
} from '../src/gen/safeguards/v1/alert_pb.js';
import {
  LimitWindow,
  type CreateSpendingLimitRequestSchema,
} from '../src/gen/safeguards/v1/limit_pb.js';
import { operatorOf } from './admin.js';

type Limit = MessageInitShape<typeof CreateSpendingLimitRequestSchema>;
type Alert = MessageInitShape<typeof CreateBudgetAlertRequestSchema>;

const POOL = 'default';
const scope = { case: 'eachAgentOfPoolId', value: POOL } as const;
const hours = (count: number) => ({ seconds: BigInt(count * 3_600) });

/** Ten limits as operators set them, none of which the load comes close to. */
const LIMITS: readonly Limit[] = [
  { metric: 'amount', window: LimitWindow.PER_REQUEST, value: '25' },
  { metric: 'amount', window: LimitWindow.LIFETIME, value: '100000000' },
  { metric: 'amount', window: LimitWindow.HOUR, value: '10000000' },
  { metric: 'amount', window: LimitWindow.DAY, value: '10000000' },
  { metric: 'amount', window: LimitWindow.WEEK, value: '10000000' },
  { metric: 'amount', window: LimitWindow.MONTH, value: '10000000' },
  { metric: 'amount', window: LimitWindow.ROLLING, rollingDuration: hours(1), value: '10000000' },
  { metric: 'requests', window: LimitWindow.HOUR, value: '1000000000' },
  { metric: 'tokens', window: LimitWindow.DAY, value: '1000000000000' },
  {
    metric: 'tokens',
    window: LimitWindow.ROLLING,
    rollingDuration: hours(24),
    value: '1000000000000',
  },
];

const ALERTS: readonly Alert[] = [
  {
    condition: AlertCondition.REMAINING_AT_MOST_PERCENT,
    thresholds: [{ value: '15' }, { value: '5' }],
  },
  { condition: AlertCondition.USED_AT_LEAST_AMOUNT, thresholds: [{ value: '900000' }] },
];

const MONITOR =
  'amount <= decimal("2.50") || (agent.priority >= 8 && category in ["model", "tool"]) || budget.remaining > 100000';

/** Sets ten limits, two alerts and a monitor on each agent of the load. */
export async function setRules(adminAddress: string): Promise<void> {
  const { admin } = operatorOf(adminAddress);
  for (const [index, limit] of LIMITS.entries()) {
    await admin.createSpendingLimit({ limitId: `limit-${index}`, name: 'bench', scope, ...limit });
  }
  for (const [index, alert] of ALERTS.entries()) {
    await admin.createBudgetAlert({ alertId: `alert-${index}`, subject: scope, ...alert });
  }
  await admin.createBudgetMonitor({
    monitorId: 'monitor',
    name: 'bench',
    scope,
    expression: MONITOR,
  });
}
