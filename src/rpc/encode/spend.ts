import { formatAmount } from '../../domain/amount.js';
import type { Answer, Outcome, Rejection } from '../../domain/answer.js';
import type { BatchAnswer, BatchItem, NotApplied } from '../../ledger/api.js';
import { Decision } from '../../gen/safeguards/v1/decision_pb.js';
import { ErrorReason } from '../../gen/safeguards/v1/error_reason_pb.js';
import type {
  BatchSpendResponse,
  SpendError,
  SpendOutcome,
  SpendResponse,
  SpendResult,
} from '../../gen/safeguards/v1/budget_service_pb.js';
import { codeOf } from '../status-details.js';
import { availableOf, budgetOf, encodeBudget } from './budget.js';
import { decisionOf, encodeDenial, encodeWarnings } from './decision.js';
import { serviceLevelOf } from './service-level.js';

/** Prints the answer to a spend. */
export function encodeSpend(outcome: Outcome): SpendResponse {
  const budget = budgetOf(outcome.agent, outcome.pool);
  return {
    $typeName: 'safeguards.v1.SpendResponse',
    sequence: BigInt(outcome.sequence),
    budget,
    serviceLevel: serviceLevelOf(outcome.serviceLevel, budget),
    warnings: encodeWarnings(outcome.warnings),
    replayed: outcome.replayed,
    decision: decisionOf(outcome),
    grantedAmount: formatAmount(outcome.amount),
    denial: encodeDenial(outcome.denial),
  };
}

/** Prints the answers to a batch. */
export function encodeBatch(items: readonly BatchItem[], answer: BatchAnswer): BatchSpendResponse {
  return {
    $typeName: 'safeguards.v1.BatchSpendResponse',
    results: answer.results.map((result, at) => encodeResult(items[at]?.requestId ?? '', result)),
    budgets: answer.agents.map(({ agent, pool }) => encodeBudget(agent, pool)),
  };
}

/** Prints the answer to one item of a batch or stream. */
export function encodeResult(requestId: string, answer: Answer | NotApplied): SpendResult {
  return {
    $typeName: 'safeguards.v1.SpendResult',
    requestId,
    result:
      answer.verdict === 'REJECTED'
        ? { case: 'error', value: encodeError(answer) }
        : { case: 'outcome', value: encodeOutcome(answer) },
  };
}

function encodeOutcome(answer: Outcome | NotApplied): SpendOutcome {
  const available = answer.agent === undefined ? '' : availableOf(answer.agent);
  const serviceLevel = answer.serviceLevel?.name ?? '';
  if (answer.verdict === 'NOT_APPLIED') {
    return {
      $typeName: 'safeguards.v1.SpendOutcome',
      decision: Decision.NOT_APPLIED,
      grantedAmount: '0',
      sequence: 0n,
      available,
      serviceLevel,
      denial: undefined,
      warnings: [],
      replayed: false,
    };
  }
  return {
    $typeName: 'safeguards.v1.SpendOutcome',
    decision: decisionOf(answer),
    grantedAmount: formatAmount(answer.amount),
    sequence: BigInt(answer.sequence),
    available,
    serviceLevel,
    denial: encodeDenial(answer.denial),
    warnings: encodeWarnings(answer.warnings),
    replayed: answer.replayed,
  };
}

/** An item's error has no BadRequest: what to do about a field stands under its path. */
function encodeError(rejection: Rejection): SpendError {
  const fields = rejection.fields.map(({ field, description }) => [field, description]);
  return {
    $typeName: 'safeguards.v1.SpendError',
    code: codeOf(rejection),
    reason: ErrorReason[rejection.reason],
    message: rejection.message,
    metadata: { ...rejection.metadata, ...(Object.fromEntries(fields) as Record<string, string>) },
  };
}
