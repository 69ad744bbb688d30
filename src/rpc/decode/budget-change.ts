import { parseSignedAmount } from '../../domain/amount.js';
import type { Rejection } from '../../domain/answer.js';
import type { RecordBudgetChangeCommand } from '../../domain/budget-change.js';
import type { RecordBudgetChangeRequest } from '../../gen/safeguards/v1/metrics_service_pb.js';
import { signedAmount } from './amount.js';
import { formOf, judged, refuseField } from './form.js';
import { AGENT_METADATA, metadataOf } from './pairs.js';
import { adminFields } from './pool.js';
import { requiredId } from './text.js';
import { instantOf } from './time.js';

/** Reads what a client changed elsewhere. */
export function decodeRecordBudgetChange(
  request: RecordBudgetChangeRequest,
): RecordBudgetChangeCommand | Rejection {
  const form = formOf();
  const common = adminFields(form, request);
  const agentId = requiredId(form, 'agent_id', request.agentId);
  const before = form.violations.length;
  const oldBudget = signedAmount(form, 'old_budget', request.oldBudget);
  const newBudget = signedAmount(form, 'new_budget', request.newBudget);
  const { changeAmount } = request;
  if (changeAmount !== '' && form.violations.length === before) {
    // One that is malformed is not the difference either, and needs no other advice.
    if (parseSignedAmount(changeAmount) !== newBudget - oldBudget) {
      refuseField(form, 'change_amount', 'Give new_budget less old_budget, or leave it out');
    }
  }
  return judged(form, {
    method: 'RECORD_BUDGET_CHANGE',
    ...common,
    agentId,
    oldBudget,
    newBudget,
    changeTime: instantOf(form, 'time', request.time),
    metadata: metadataOf(form, request.metadata, AGENT_METADATA),
  });
}
