import { BudgetAdminService } from '../../gen/safeguards/v1/budget_admin_service_pb.js';
import { Enforcement, LimitWindow, type SpendingLimit } from '../../gen/safeguards/v1/limit_pb.js';
import { Severity } from '../../gen/safeguards/v1/severity_pb.js';
import { entryNote, nameIn, table, timeText } from '../show.js';
import { verb, type Verb } from '../verb.js';
import { named, updated } from './complete.js';

const { method } = BudgetAdminService;
const onAdmin = { listener: 'admin' } as const;

/** What is done to spending limits. */
export const LIMIT_VERBS: readonly Verb[] = [
  verb({
    ...onAdmin,
    words: 'limit create',
    summary: 'Bound what an agent, a pool or each agent of a pool spends',
    method: method.createSpendingLimit,
    positional: ['limit_id', 'value'],
    example: 'limit create daily-tokens 100000 --agent writer --metric tokens --window day',
    complete: named('limit_id'),
    show: (response) =>
      `Created${entryNote(response)}.\n${limitTable(response.limit ? [response.limit] : [])}`,
  }),
  verb({
    ...onAdmin,
    words: 'limit get',
    summary: 'Show a limit and how it stands',
    method: method.getSpendingLimit,
    positional: ['limit_id'],
    example: 'limit get daily-tokens',
    show: ({ limit, status }) => {
      if (status === undefined) return limitTable(limit ? [limit] : []);
      const end = timeText(status.windowEndTime);
      const until = end === '' ? '' : ` until ${end}`;
      const stands = `Counted ${status.counted}, ${status.remaining} left${until}.\n`;
      return limitTable(limit ? [limit] : []) + stands;
    },
  }),
  verb({
    ...onAdmin,
    words: 'limit list',
    summary: 'List limits by id',
    method: method.listSpendingLimits,
    positional: [],
    example: 'limit list --agent writer',
    show: ({ limits }) => limitTable(limits),
  }),
  verb({
    ...onAdmin,
    words: 'limit update',
    summary: 'Change a limit; what it counted stays',
    method: method.updateSpendingLimit,
    positional: ['limit_id'],
    update: { field: 'limit', names: ['name', 'value', 'enforcement', 'severity'] },
    example: 'limit update daily-tokens --value 200000',
    complete: updated('limit', 'limit_id'),
    show: (response) =>
      `Updated${entryNote(response)}.\n${limitTable(response.limit ? [response.limit] : [])}`,
  }),
  verb({
    ...onAdmin,
    words: 'limit delete',
    summary: 'Take a limit away, with what it counted',
    method: method.deleteSpendingLimit,
    positional: ['limit_id'],
    example: 'limit delete daily-tokens',
    show: (response) => `Deleted${entryNote(response)}.\n`,
  }),
];

function limitTable(limits: readonly SpendingLimit[]): string {
  const headers = ['LIMIT', 'FOR', 'METRIC', 'WINDOW', 'VALUE', 'ENFORCEMENT', 'SEVERITY'];
  const rows = limits.map((limit) => [
    limit.id,
    forWhom(limit.scope),
    limit.metric,
    limit.timeZone === ''
      ? nameIn(LimitWindow, limit.window)
      : `${nameIn(LimitWindow, limit.window)} ${limit.timeZone}`,
    limit.value,
    nameIn(Enforcement, limit.enforcement),
    nameIn(Severity, limit.severity),
  ]);
  return table(headers, rows);
}

/** Whom a rule is for, as people say it. */
export function forWhom(scope: {
  readonly case?: string | undefined;
  readonly value?: string | boolean | undefined;
}): string {
  const id = String(scope.value ?? '');
  switch (scope.case ?? '') {
    case 'agentId':
      return `agent ${id}`;
    case 'poolId':
      return `pool ${id}`;
    case 'eachAgentOfPoolId':
      return `each agent of ${id}`;
    default:
      return 'every agent';
  }
}
