import { BudgetAdminService } from '../../gen/safeguards/v1/budget_admin_service_pb.js';
import { AlertCondition, type BudgetAlert } from '../../gen/safeguards/v1/alert_pb.js';
import { Severity } from '../../gen/safeguards/v1/severity_pb.js';
import { entryNote, nameIn, table } from '../show.js';
import { verb, type Verb } from '../verb.js';
import { updated, withThresholds } from './complete.js';

const { method } = BudgetAdminService;
const onAdmin = { listener: 'admin' } as const;

/** What tells operators that money runs out. */
export const ALERT_VERBS: readonly Verb[] = [
  verb({
    ...onAdmin,
    words: 'alert create',
    summary: 'Tell when the money of agents, a pool or a limit passes thresholds',
    method: method.createBudgetAlert,
    positional: ['[alert_id]', '[thresholds...]'],
    example: 'alert create low-budget 15:medium 5:critical --every-agent',
    complete: withThresholds,
    show: (response) => `Created${entryNote(response)}. ${alertLine(response.alert)}`,
  }),
  verb({
    ...onAdmin,
    words: 'alert get',
    summary: 'Show an alert',
    method: method.getBudgetAlert,
    positional: ['alert_id'],
    example: 'alert get low-budget',
    show: ({ alert }) => alertTable(alert ? [alert] : []),
  }),
  verb({
    ...onAdmin,
    words: 'alert list',
    summary: 'List alerts by id',
    method: method.listBudgetAlerts,
    positional: [],
    example: 'alert list --agent writer',
    show: ({ alerts }) => alertTable(alerts),
  }),
  verb({
    ...onAdmin,
    words: 'alert update',
    summary: 'Change an alert; other thresholds need --condition too and begin it anew',
    method: method.updateBudgetAlert,
    positional: ['alert_id', '[thresholds...]'],
    update: { field: 'alert', names: ['condition', 'rearm_margin', 'message'] },
    example: 'alert update low-budget 20:medium --condition remaining-at-most-percent',
    complete: async (given, terminal) =>
      updated('alert', 'alert_id')(await withThresholds(given, terminal), terminal),
    show: (response) => `Updated${entryNote(response)}. ${alertLine(response.alert)}`,
  }),
  verb({
    ...onAdmin,
    words: 'alert delete',
    summary: 'Delete an alert; what it had opened is resolved',
    method: method.deleteBudgetAlert,
    positional: ['alert_id'],
    example: 'alert delete low-budget',
    show: (response) => `Deleted the alert${entryNote(response)}.\n`,
  }),
];

function alertTable(alerts: readonly BudgetAlert[]): string {
  const headers = ['ALERT', 'SUBJECT', 'CONDITION', 'THRESHOLDS', 'MARGIN', 'REVISION'];
  const rows = alerts.map((alert) => [
    alert.id,
    subjectText(alert),
    nameIn(AlertCondition, alert.condition),
    thresholdsText(alert),
    alert.rearmMargin,
    String(alert.revision),
  ]);
  return table(headers, rows);
}

function alertLine(alert: BudgetAlert | undefined): string {
  if (alert === undefined) return '';
  const condition = nameIn(AlertCondition, alert.condition);
  return `Alert ${alert.id} on ${subjectText(alert)}: ${condition} ${thresholdsText(alert)}.\n`;
}

function thresholdsText({ thresholds }: BudgetAlert): string {
  return thresholds
    .map(({ value, severity }) => `${value}:${nameIn(Severity, severity).toLowerCase()}`)
    .join(' ');
}

function subjectText({ subject }: BudgetAlert): string {
  switch (subject.case) {
    case 'agentId':
      return `agent ${subject.value}`;
    case 'poolId':
      return `pool ${subject.value}`;
    case 'eachAgentOfPoolId':
      return `each agent of ${subject.value}`;
    case 'limitId':
      return `limit ${subject.value}`;
    case 'everyAgent':
    case undefined:
      return 'every agent';
  }
}
