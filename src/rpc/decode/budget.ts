import type { Rejection } from '../../domain/answer.js';
import type {
  AdjustBudgetCommand,
  RefundCommand,
  SetBudgetCommand,
  TransferCommand,
  TransferParty,
} from '../../domain/command.js';
import type {
  AdjustBudgetRequest,
  RefundSpendRequest,
  SetBudgetRequest,
  TransferBudgetRequest,
  TransferParty as ProtoTransferParty,
} from '../../gen/safeguards/v1/budget_admin_service_pb.js';
import { deltaOf, positiveAmount, requiredAmount } from './amount.js';
import { formOf, judged, refuseField } from './form.js';
import type { Form } from './form.js';
import { revisionOf, sequenceOf } from './number.js';
import { adminFields } from './pool.js';
import { requiredId } from './text.js';

/** Reads a new balance. */
export function decodeSetBudget(request: SetBudgetRequest): SetBudgetCommand | Rejection {
  const form = formOf();
  return judged(form, {
    method: 'SET_BUDGET',
    ...adminFields(form, request),
    agentId: requiredId(form, 'agent_id', request.agentId),
    amount: requiredAmount(form, 'amount', request.amount),
    resetBaseline: request.resetBaseline,
    validateOnly: request.validateOnly,
    expectedRevision: revisionOf(form, request.expectedRevision),
  });
}

/** Reads a change of a balance. */
export function decodeAdjustBudget(request: AdjustBudgetRequest): AdjustBudgetCommand | Rejection {
  const form = formOf();
  return judged(form, {
    method: 'ADJUST_BUDGET',
    ...adminFields(form, request),
    agentId: requiredId(form, 'agent_id', request.agentId),
    delta: deltaOf(form, request.delta),
    validateOnly: request.validateOnly,
    expectedRevision: revisionOf(form, request.expectedRevision),
  });
}

/** Reads a move of money. */
export function decodeTransfer(request: TransferBudgetRequest): TransferCommand | Rejection {
  const form = formOf();
  const source = partyOf(form, 'source', request.source);
  const destination = partyOf(form, 'destination', request.destination);
  if (source.id !== '' && source.kind === destination.kind && source.id === destination.id) {
    refuseField(form, 'destination', 'Give another destination than the source');
  }
  return judged(form, {
    method: 'TRANSFER',
    ...adminFields(form, request),
    source,
    destination,
    amount: positiveAmount(form, 'amount', request.amount),
    validateOnly: request.validateOnly,
  });
}

function partyOf(form: Form, field: string, party: ProtoTransferParty | undefined): TransferParty {
  switch (party?.party.case) {
    case 'agentId':
      return { kind: 'AGENT', id: requiredId(form, `${field}.agent_id`, party.party.value) };
    case 'poolId':
      return { kind: 'POOL', id: requiredId(form, `${field}.pool_id`, party.party.value) };
    case undefined:
      refuseField(form, field, 'Give an agent or a pool');
      return { kind: 'AGENT', id: '' };
  }
}

/** Reads a refund. */
export function decodeRefund(request: RefundSpendRequest): RefundCommand | Rejection {
  const form = formOf();
  if (request.sequence === 0n) {
    refuseField(form, 'sequence', 'Give the sequence of a spend or commit');
  }
  return judged(form, {
    method: 'REFUND',
    ...adminFields(form, request),
    sequence: sequenceOf(form, 'sequence', request.sequence),
    amount: request.amount === '' ? undefined : positiveAmount(form, 'amount', request.amount),
  });
}
