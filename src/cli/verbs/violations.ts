import { Severity } from '../../gen/safeguards/v1/severity_pb.js';
import {
  ViolationEventKind,
  ViolationState,
  ViolationType,
  type Violation,
} from '../../gen/safeguards/v1/violation_pb.js';
import { ViolationService } from '../../gen/safeguards/v1/violation_service_pb.js';
import { entryNote, nameIn, table, timeText } from '../show.js';
import { verb, type Verb } from '../verb.js';

const { method } = ViolationService;

/** What is done with violations. */
export const VIOLATION_VERBS: readonly Verb[] = [
  verb({
    words: 'violations watch',
    summary: 'Follow violations until interrupted, from now on or after an event',
    listener: 'agent',
    method: method.watchViolations,
    positional: [],
    names: { after_sequence: 'after' },
    example: 'violations watch --after 0 --min-severity high',
    show: ({ message }) => {
      switch (message.case) {
        case 'event': {
          const { sequence, time, kind, violation } = message.value;
          const what = nameIn(ViolationEventKind, kind);
          return `${sequence} ${timeText(time)} ${what} ${line(violation)}\n`;
        }
        case 'bookmark':
          return `Event ${message.value.sequence}${message.value.live ? ', live' : ''}.\n`;
        case undefined:
          return '';
      }
    },
  }),
  verb({
    words: 'violations list',
    summary: 'List violations, newest first',
    listener: 'agent',
    method: method.listViolations,
    positional: [],
    example: 'violations list --agent writer --state open',
    show: ({ violations }) => violationTable(violations),
  }),
  verb({
    words: 'violations get',
    summary: 'Show a violation with its details',
    listener: 'agent',
    method: method.getViolation,
    positional: ['violation_id'],
    example: 'violations get 17',
    show: ({ violation }) => violationText(violation),
  }),
  verb({
    words: 'violations report',
    summary: 'Report what only the client could see',
    listener: 'agent',
    method: method.reportViolation,
    positional: ['agent_id', 'type', 'message'],
    example: 'violations report writer custom "The tool was called twice" --severity low',
    show: ({ violation }) => violationText(violation),
  }),
  verb({
    words: 'violations resolve',
    summary: 'End an open violation; the next denial of its kind opens a new one',
    listener: 'admin',
    method: method.resolveViolation,
    positional: ['violation_id'],
    example: 'violations resolve 17 --note "Topped up"',
    show: (response) => `Resolved${entryNote(response)}. ${line(response.violation)}\n`,
  }),
  verb({
    words: 'violations escalate',
    summary: 'Make an open violation more severe',
    listener: 'admin',
    method: method.escalateViolation,
    positional: ['violation_id', 'severity'],
    example: 'violations escalate 17 critical --note "It goes on"',
    show: (response) => `Escalated${entryNote(response)}. ${line(response.violation)}\n`,
  }),
  verb({
    words: 'violations stats',
    summary: 'Count the violations that are kept, of an agent or of all',
    listener: 'admin',
    method: method.getViolationStats,
    positional: ['[agent_id]'],
    example: 'violations stats writer',
    show: (stats) =>
      table(
        ['VIOLATIONS', 'ALL', 'OPEN'],
        [
          ['all', String(stats.totalCount), String(stats.openCount)],
          ...stats.severities.map(({ severity, totalCount, openCount }) => [
            nameIn(Severity, severity),
            String(totalCount),
            String(openCount),
          ]),
          ...stats.types.map(({ type, totalCount, openCount }) => [
            nameIn(ViolationType, type),
            String(totalCount),
            String(openCount),
          ]),
        ],
      ),
  }),
];

/** A violation in a line, without its end. */
function line(violation: Violation | undefined): string {
  if (violation === undefined) return '';
  const { id, severity, type, state, count, message } = violation;
  const how = `${nameIn(Severity, severity)} ${nameIn(ViolationType, type)}`;
  const often = count > 1n ? ` (${count} times)` : '';
  return `violation ${id}, ${how}, ${nameIn(ViolationState, state)}: ${message}${often}`;
}

function violationTable(violations: readonly Violation[]): string {
  const headers = [
    'ID',
    'OPENED',
    'SEVERITY',
    'TYPE',
    'STATE',
    'AGENT',
    'POOL',
    'TIMES',
    'MESSAGE',
  ];
  const rows = violations.map((violation) => [
    violation.id,
    timeText(violation.createTime),
    nameIn(Severity, violation.severity),
    nameIn(ViolationType, violation.type),
    nameIn(ViolationState, violation.state),
    violation.agentId,
    violation.poolId,
    String(violation.count),
    violation.message,
  ]);
  return table(headers, rows);
}

function violationText(violation: Violation | undefined): string {
  if (violation === undefined) return '';
  const { details, actor, note } = violation;
  const pairs = Object.entries(details).map(([name, value]) => `  ${name}: ${value}\n`);
  const noted = actor === '' ? '' : `  noted by ${actor}: ${note}\n`;
  return violationTable([violation]) + pairs.join('') + noted;
}
