import type { Outcome, Rejection } from '../domain/answer.js';
import type { Command } from '../domain/command.js';
import { violationNotFound } from '../domain/decide/violations.js';
import type { LedgerApi } from '../ledger/api.js';
import type { ViolationMessage } from '../ledger/violation-watch.js';
import type { Violation } from '../gen/safeguards/v1/violation_pb.js';
import { ViolationService } from '../gen/safeguards/v1/violation_service_pb.js';
import type { WatchViolationsResponse } from '../gen/safeguards/v1/violation_service_pb.js';
import { commandMethod } from './command-method.js';
import { optionalId } from './decode/text.js';
import { formOf, judged } from './decode/form.js';
import {
  decodeEscalateViolation,
  decodeListViolations,
  decodeReportViolation,
  decodeResolveViolation,
  decodeViolationId,
  decodeWatchViolations,
} from './decode/violation.js';
import { written } from './encode/admin.js';
import {
  encodeViolation,
  encodeViolationCounts,
  encodeViolationMessage,
} from './encode/violation.js';
import { mountedService, StreamFailed } from './method.js';
import type { HandlersOf, MountedService, UnaryHandler } from './method.js';
import { nextPageToken } from './paging.js';
import { isFailure } from './status.js';

type Handlers = HandlersOf<typeof ViolationService>;

/** What an agent may do with violations: report, read and watch them. */
export function agentViolationService(ledger: LedgerApi): MountedService {
  return mountedService(ViolationService, commonMethods(ledger));
}

/** Everything about violations. */
export function violationService(ledger: LedgerApi): MountedService {
  return mountedService(ViolationService, {
    ...commonMethods(ledger),

    resolveViolation: byPrincipal(ledger, decodeResolveViolation, (outcome) => ({
      $typeName: 'safeguards.v1.ResolveViolationResponse',
      ...written(outcome),
      violation: violationIn(outcome),
    })),
    escalateViolation: byPrincipal(ledger, decodeEscalateViolation, (outcome) => ({
      $typeName: 'safeguards.v1.EscalateViolationResponse',
      ...written(outcome),
      violation: violationIn(outcome),
    })),

    getViolationStats: ({ agentId }) => {
      const form = formOf();
      const id = judged(form, optionalId(form, 'agent_id', agentId));
      if (typeof id !== 'string') return id;
      const counts = ledger.violationCounts(id);
      return isFailure(counts) ? counts : encodeViolationCounts(counts);
    },
  });
}

function commonMethods(ledger: LedgerApi) {
  return {
    reportViolation: byPrincipal(ledger, decodeReportViolation, (outcome) => ({
      $typeName: 'safeguards.v1.ReportViolationResponse',
      violation: violationIn(outcome),
      replayed: outcome.replayed,
    })),

    getViolation: ({ violationId }) => {
      const sequence = decodeViolationId(violationId);
      if (typeof sequence !== 'number') return sequence;
      const violation = ledger.violation(sequence);
      if (violation === undefined) return violationNotFound(sequence);
      return {
        $typeName: 'safeguards.v1.GetViolationResponse',
        violation: encodeViolation(violation),
      };
    },

    listViolations: (request, { confined }) => {
      const listing = decodeListViolations(request);
      if (isFailure(listing)) return listing;
      const filter = { ...listing.filter, admits: confined?.admits };
      const page = ledger.listViolations(filter, listing.page);
      if (isFailure(page)) return page;
      return {
        $typeName: 'safeguards.v1.ListViolationsResponse',
        violations: page.items.map(encodeViolation),
        nextPageToken: nextPageToken(listing.identity, page.last),
      };
    },

    watchViolations: (request, { confined }, signal) => {
      const watch = decodeWatchViolations(request);
      if (isFailure(watch)) return watch;
      const filter = { ...watch.filter, admits: confined?.admits };
      const messages = ledger.watchViolations({ ...watch, filter }, signal);
      return isFailure(messages) ? messages : printed(messages);
    },
  } satisfies Handlers;
}

/** As commandMethod, of a command that names who asks. */
function byPrincipal<I, O>(
  ledger: LedgerApi,
  decode: (request: I, principal: string) => Command | Rejection,
  encode: (outcome: Outcome) => O,
): UnaryHandler<I, O> {
  return (request, caller) =>
    commandMethod<I, O>(
      ledger,
      (given) => decode(given, caller.principal),
      encode,
    )(request, caller);
}

function violationIn({ violation }: Outcome): Violation | undefined {
  return violation && encodeViolation(violation);
}

async function* printed(
  messages: AsyncIterable<ViolationMessage>,
): AsyncGenerator<WatchViolationsResponse> {
  for await (const message of messages) {
    if (message.kind === 'ENDED') throw new StreamFailed(message.rejection);
    yield encodeViolationMessage(message);
  }
}
