import { reject, rejectFields, type Rejection } from '../answer.js';
import type {
  EscalateViolationCommand,
  ReportViolationCommand,
  ResolveViolationCommand,
} from '../command.js';
import { carryOut, tell, type Decided } from '../decided.js';
import { beginDraft, closeEntry, removeRow, type Draft } from '../draft.js';
import type { Agent, Instant } from '../model.js';
import { openViolation, tellOf } from '../raise.js';
import type { Context, State } from '../state.js';
import { episodeKey, sequenceKey, SEVERITIES, type Episode, type Violation } from '../violation.js';
import { concerned } from './alarms.js';
import { agentClosed, agentNotFound, poolOf } from './checks.js';

/** Violations that an agent may report within any minute: api.md, ViolationService. */
export const REPORTS_MAX = 60;

/** The span in which they count. */
const REPORTS_MS = 60_000;

/** VIOLATION_NOT_FOUND of a number. */
export function violationNotFound(sequence: number): Rejection {
  return reject('VIOLATION_NOT_FOUND', 'There is no such violation or it was cut by retention', {
    violation_id: String(sequence),
  });
}

/** Opens a violation that a client reports. Writes no entry. Guide: report_violation. */
export function decideReportViolation(
  state: State,
  command: ReportViolationCommand,
  { now }: Context,
): Decided {
  const agent = state.agentById(command.agentId);
  if (agent === undefined) return agentNotFound(command.agentId);
  if (agent.state === 'CLOSED') return agentClosed(agent);
  const retryTime = reportsFullUntil(state, agent, now);
  if (retryTime !== undefined) return tooManyReports(agent, retryTime - now);

  // From here on the report is certain.
  const { type, severity, message, details, principal } = command;
  const draft = beginDraft(state, now);
  const violation = openViolation(
    draft,
    {
      rule: { kind: 'CLIENT', id: agent.id },
      type,
      severity,
      message,
      details,
      ...concerned(agent, poolOf(state, agent)),
    },
    { source: 'REPORTED', reporter: principal },
  );
  return tell(draft, { violation });
}

/** Ends an open violation. Its episode ends with it, so that the next denial opens a new one. */
export function decideResolveViolation(
  state: State,
  command: ResolveViolationCommand,
  { now }: Context,
): Decided {
  const found = openOf(state, command.violation);
  if ('verdict' in found) return found;

  // From here on the resolution is certain.
  const draft = beginDraft(state, now);
  const count = endOwnEpisode(draft, found)?.count ?? found.count;
  const violation = tellOf(draft, 'RESOLVED', {
    ...found,
    ...noted(command),
    state: 'RESOLVED',
    count,
    updateTime: now,
    endTime: now,
  });
  close(draft, violation, 'state', [found.state, violation.state]);
  return carryOut(draft, { violation });
}

/** Makes an open violation more severe. */
export function decideEscalateViolation(
  state: State,
  command: EscalateViolationCommand,
  { now }: Context,
): Decided {
  const found = openOf(state, command.violation);
  if ('verdict' in found) return found;
  if (SEVERITIES[command.severity] <= SEVERITIES[found.severity]) {
    const description = `Give a severity above ${found.severity} which it has`;
    return rejectFields([{ field: 'severity', description }]);
  }

  // From here on the escalation is certain.
  const draft = beginDraft(state, now);
  const count = ownEpisode(state, found)?.count ?? found.count;
  const { severity } = command;
  const after = { ...found, ...noted(command), severity, count, updateTime: now };
  const violation = tellOf(draft, 'ESCALATED', after);
  close(draft, violation, 'severity', [found.severity, severity]);
  return carryOut(draft, { violation });
}

function openOf(state: State, sequence: number): Violation | Rejection {
  const violation = state.row('violations', sequenceKey(sequence));
  if (violation === undefined) return violationNotFound(sequence);
  if (violation.state === 'OPEN') return violation;
  return reject('VIOLATION_ALREADY_RESOLVED', 'The violation is not open any more', {
    violation_id: String(sequence),
    state: violation.state,
  });
}

/** When the agent may report again, or undefined: now. */
function reportsFullUntil(state: State, agent: Agent, now: Instant): Instant | undefined {
  const prefix = `${sequenceKey(agent.uid)}/`;
  let reported = 0;
  for (const [, { sequence }] of state.rows('violations_by_agent', { prefix, reverse: true })) {
    const violation = state.row('violations', sequenceKey(sequence));
    if (violation === undefined) continue;
    if (violation.createTime + REPORTS_MS <= now) return undefined;
    if (violation.source === 'REPORTED') reported += 1;
    if (reported === REPORTS_MAX) return violation.createTime + REPORTS_MS;
  }
  return undefined;
}

function tooManyReports(agent: Agent, retryAfterMs: number): Rejection {
  const message = 'The agent reported too many violations within a minute. Try again later';
  return {
    ...reject('TOO_MANY_REPORTS', message, {
      agent_id: agent.id,
      reports_max: String(REPORTS_MAX),
    }),
    retryAfterMs,
  };
}

/** The open episode that a violation is of, if it is of one. */
function ownEpisode(state: State, { rule, agentUid, sequence }: Violation): Episode | undefined {
  const episode = state.row('episodes', episodeKey(rule, agentUid));
  return episode?.violation === sequence ? episode : undefined;
}

function endOwnEpisode(draft: Draft, violation: Violation): Episode | undefined {
  const episode = ownEpisode(draft.state, violation);
  if (episode !== undefined) {
    removeRow(draft, 'episodes', episodeKey(violation.rule, violation.agentUid));
  }
  return episode;
}

function noted({
  principal,
  note,
  reason,
}: ResolveViolationCommand | EscalateViolationCommand): Pick<Violation, 'actor' | 'note'> {
  return { actor: principal, note: note === '' ? reason : note };
}

/** Writes the operator's entry: it has no accounts, and the change by its name. */
function close(
  draft: Draft,
  { sequence }: Violation,
  field: string,
  [before, after]: readonly [before: string, after: string],
): void {
  const changes = [{ field: `violation/${sequence}.${field}`, before, after }];
  closeEntry(draft, 'CONFIGURE', { changes });
}
