import { BudgetAdminService } from '../../gen/safeguards/v1/budget_admin_service_pb.js';
import { MonitorAction, type BudgetMonitor } from '../../gen/safeguards/v1/monitor_pb.js';
import { Severity } from '../../gen/safeguards/v1/severity_pb.js';
import { entryNote, nameIn, table } from '../show.js';
import { verb, type Verb } from '../verb.js';
import { named, updated } from './complete.js';
import { forWhom } from './limits.js';

const { method } = BudgetAdminService;
const onAdmin = { listener: 'admin' } as const;

/** What is done to budget monitors. */
export const MONITOR_VERBS: readonly Verb[] = [
  verb({
    ...onAdmin,
    words: 'monitor create',
    summary: 'Judge requests by an expression that is true when they may pass',
    method: method.createBudgetMonitor,
    positional: ['monitor_id', 'expression'],
    example: 'monitor create cap "amount <= 5" --every-agent',
    complete: named('monitor_id'),
    show: (response) =>
      `Created${entryNote(response)}.\n${monitorTable(response.monitor ? [response.monitor] : [])}`,
  }),
  verb({
    ...onAdmin,
    words: 'monitor get',
    summary: 'Show a monitor',
    method: method.getBudgetMonitor,
    positional: ['monitor_id'],
    example: 'monitor get cap',
    show: ({ monitor }) => monitorTable(monitor ? [monitor] : []),
  }),
  verb({
    ...onAdmin,
    words: 'monitor list',
    summary: 'List monitors by id',
    method: method.listBudgetMonitors,
    positional: [],
    example: 'monitor list --agent writer',
    show: ({ monitors }) => monitorTable(monitors),
  }),
  verb({
    ...onAdmin,
    words: 'monitor update',
    summary: 'Change a monitor',
    method: method.updateBudgetMonitor,
    positional: ['monitor_id'],
    update: {
      field: 'monitor',
      names: ['name', 'expression', 'action', 'severity', 'message'],
    },
    example: 'monitor update cap --expression "amount <= 10"',
    complete: updated('monitor', 'monitor_id'),
    show: (response) =>
      `Updated${entryNote(response)}.\n${monitorTable(response.monitor ? [response.monitor] : [])}`,
  }),
  verb({
    ...onAdmin,
    words: 'monitor delete',
    summary: 'Take a monitor away',
    method: method.deleteBudgetMonitor,
    positional: ['monitor_id'],
    example: 'monitor delete cap',
    show: (response) => `Deleted${entryNote(response)}.\n`,
  }),
];

function monitorTable(monitors: readonly BudgetMonitor[]): string {
  const headers = ['MONITOR', 'FOR', 'ACTION', 'SEVERITY', 'EXPRESSION'];
  const rows = monitors.map((monitor) => [
    monitor.id,
    forWhom(monitor.scope),
    nameIn(MonitorAction, monitor.action),
    nameIn(Severity, monitor.severity),
    monitor.expression,
  ]);
  return table(headers, rows);
}
