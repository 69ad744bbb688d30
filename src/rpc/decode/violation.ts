import type { Rejection } from '../../domain/answer.js';
import type {
  EscalateViolationCommand,
  ReportViolationCommand,
  ResolveViolationCommand,
} from '../../domain/command.js';
import {
  SEVERITIES,
  VIOLATION_EVENT_KINDS,
  VIOLATION_STATES,
  VIOLATION_TYPES,
  violationNumber,
} from '../../domain/violation.js';
import type {
  Severity,
  ViolationEventKind,
  ViolationState,
  ViolationType,
} from '../../domain/violation.js';
import type { ViolationWatch } from '../../ledger/violation-watch.js';
import type { ViolationFilter } from '../../ledger/violations.js';
import type {
  EscalateViolationRequest,
  ListViolationsRequest,
  ReportViolationRequest,
  ResolveViolationRequest,
  WatchViolationsRequest,
} from '../../gen/safeguards/v1/violation_service_pb.js';
import { formOf, judged, refuseField } from './form.js';
import type { Form } from './form.js';
import { enumOf, sequenceOf } from './number.js';
import { AGENT_METADATA, metadataOf } from './pairs.js';
import { listingOf } from './query.js';
import type { Listing } from './query.js';
import { optionalId, reasonOf, requestIdOf, requiredId, textOf } from './text.js';
import { instantOf } from './time.js';

const MESSAGE_CHARACTERS_MAX = 1_024;
const WATCHED_AGENTS_MAX = 1_000;

/** The words of an enum by their numbers, which are those on disk; 0 is what leaving it out means. */
function wordsOf<Word extends string, Fallback>(
  table: Readonly<Record<Word, number>>,
  fallback: Fallback,
): readonly (Word | Fallback | undefined)[] {
  const words: (Word | Fallback | undefined)[] = [fallback];
  for (const word of Object.keys(table) as Word[]) words[table[word]] = word;
  return words;
}

const TYPES = wordsOf<ViolationType, undefined>(VIOLATION_TYPES, undefined);
const TYPES_OR_ANY = wordsOf<ViolationType, 'ANY'>(VIOLATION_TYPES, 'ANY');
const SEVERITIES_OR_MEDIUM = wordsOf<Severity, Severity>(SEVERITIES, 'MEDIUM');
const SEVERITIES_OR_LEAST = wordsOf<Severity, Severity>(SEVERITIES, 'INFO');
const SEVERITIES_GIVEN = wordsOf<Severity, undefined>(SEVERITIES, undefined);
const STATES_OR_ANY = wordsOf<ViolationState, 'ANY'>(VIOLATION_STATES, 'ANY');
const KINDS_OR_ANY = wordsOf<ViolationEventKind, 'ANY'>(VIOLATION_EVENT_KINDS, 'ANY');

/** Reads a report. */
export function decodeReportViolation(
  request: ReportViolationRequest,
  principal: string,
): ReportViolationCommand | Rejection {
  const form = formOf();
  return judged(form, {
    method: 'REPORT_VIOLATION',
    requestId: requestIdOf(form, request.requestId, true),
    agentId: requiredId(form, 'agent_id', request.agentId),
    type: enumOf<ViolationType>(form, 'type', request.type, TYPES, 'CUSTOM'),
    severity: enumOf(form, 'severity', request.severity, SEVERITIES_OR_MEDIUM, 'MEDIUM'),
    message: textOf(form, 'message', request.message, { min: 1, max: MESSAGE_CHARACTERS_MAX }),
    details: metadataOf(form, request.details, AGENT_METADATA, 'details'),
    principal,
  });
}

/** Reads the id of a violation: its number. */
export function decodeViolationId(id: string): number | Rejection {
  const form = formOf();
  return judged(form, violationIdOf(form, id));
}

function violationIdOf(form: Form, id: string): number {
  const sequence = violationNumber(id);
  if (sequence === undefined) {
    refuseField(form, 'violation_id', 'Give the id of a violation which is a number');
  }
  return sequence ?? 0;
}

/** Reads which violation is resolved. */
export function decodeResolveViolation(
  request: ResolveViolationRequest,
  principal: string,
): ResolveViolationCommand | Rejection {
  const form = formOf();
  return judged(form, { method: 'RESOLVE_VIOLATION', ...actOf(form, request, principal) });
}

/** Reads which violation is escalated, and how far. */
export function decodeEscalateViolation(
  request: EscalateViolationRequest,
  principal: string,
): EscalateViolationCommand | Rejection {
  const form = formOf();
  return judged(form, {
    method: 'ESCALATE_VIOLATION',
    ...actOf(form, request, principal),
    severity: enumOf<Severity>(form, 'severity', request.severity, SEVERITIES_GIVEN, 'MEDIUM'),
  });
}

function actOf(
  form: Form,
  request: ResolveViolationRequest | EscalateViolationRequest,
  principal: string,
) {
  return {
    requestId: requestIdOf(form, request.requestId, false),
    violation: violationIdOf(form, request.violationId),
    note: textOf(form, 'note', request.note, { min: 0, max: MESSAGE_CHARACTERS_MAX }),
    reason: reasonOf(form, request.reason),
    principal,
  };
}

/** Reads which violations are listed. */
export function decodeListViolations(
  request: ListViolationsRequest,
): Listing<ViolationFilter> | Rejection {
  const form = formOf();
  const { agentId, poolId } = request;
  optionalId(form, 'agent_id', agentId);
  optionalId(form, 'pool_id', poolId);
  const type = enumOf(form, 'type', request.type, TYPES_OR_ANY, 'ANY');
  const minSeverity = leastOf(form, request.minSeverity);
  const state = enumOf(form, 'state', request.state, STATES_OR_ANY, 'ANY');
  const start = instantOf(form, 'start_time', request.startTime);
  const end = instantOf(form, 'end_time', request.endTime);
  if (start !== undefined && end !== undefined && start > end) {
    refuseField(form, 'start_time', 'Give a start that is not after the end');
  }
  const filter: ViolationFilter = {
    agentId,
    poolId,
    type: type === 'ANY' ? undefined : type,
    minSeverity,
    state: state === 'ANY' ? undefined : state,
    range: { start: start ?? 0, end: end ?? Number.MAX_SAFE_INTEGER },
  };
  const identity = ['ListViolations', agentId, poolId, type, minSeverity, state, start, end];
  return listingOf(form, filter, identity as ['ListViolations', ...unknown[]], request);
}

/** Reads where a watch begins, and what it lets through. */
export function decodeWatchViolations(request: WatchViolationsRequest): ViolationWatch | Rejection {
  const form = formOf();
  const { agentIds, poolId, afterSequence, oldest, storeId } = request;
  if (agentIds.length > WATCHED_AGENTS_MAX) {
    refuseField(form, 'agent_ids', `Give at most ${WATCHED_AGENTS_MAX} ids`);
  } else {
    for (const [at, id] of agentIds.entries()) requiredId(form, `agent_ids[${at}]`, id);
  }
  optionalId(form, 'pool_id', poolId);
  optionalId(form, 'store_id', storeId);
  if (oldest && afterSequence !== undefined) {
    refuseField(form, 'oldest', 'Give either after_sequence or oldest');
  }
  const types = request.types.map((type, at) =>
    enumOf(form, `types[${at}]`, type, TYPES_OR_ANY, 'ANY'),
  );
  const kinds = request.kinds.map((kind, at) =>
    enumOf(form, `kinds[${at}]`, kind, KINDS_OR_ANY, 'ANY'),
  );
  const after =
    afterSequence === undefined ? 'NOW' : sequenceOf(form, 'after_sequence', afterSequence);
  return judged(form, {
    filter: {
      agentIds: new Set(agentIds),
      poolId,
      types: named(types),
      minSeverity: leastOf(form, request.minSeverity),
      kinds: named(kinds),
    },
    start: oldest ? 'OLDEST' : after,
    storeId,
  });
}

function leastOf(form: Form, severity: number): Severity {
  return enumOf(form, 'min_severity', severity, SEVERITIES_OR_LEAST, 'INFO');
}

/** The words of a filter; none when any will do. */
function named<Word extends string>(words: readonly (Word | 'ANY')[]): ReadonlySet<Word> {
  return words.includes('ANY') ? new Set() : new Set(words as readonly Word[]);
}
