import { floorToScale, formatAmount } from '../amount.js';
import { reject, rejectFields, type Rejection } from '../answer.js';
import type { ApproveEmergencyCommand, RejectEmergencyCommand } from '../command.js';
import { carryOut, denyWith, type Decided } from '../decided.js';
import { beginDraft, closeEntry } from '../draft.js';
import {
  capped,
  closedCase,
  explained,
  payable,
  type EmergencyCase,
  type Judgement,
} from '../emergency/judgement.js';
import { policyFor } from '../emergency/policy.js';
import { answerOf, type EmergencyRequest } from '../emergency/request.js';
import type { Pool } from '../model.js';
import type { Context, State } from '../state.js';
import { agentClosed, agentNotFound, checkScale, poolOf } from './checks.js';
import {
  countGrant,
  grantsOf,
  keepRequest,
  payEmergency,
  requestById,
  stateChange,
} from './emergency-rows.js';

/**
 * Approves a request that waits, wholly or for less. Caps and the pool's money are judged again, as the
 * policy, the agent and its pool are now; priority, reason and cooldown are not, since an operator
 * decides. When nothing can be paid the answer is DENIED, nothing changes and the request still waits.
 */
export function decideApproveEmergency(
  state: State,
  command: ApproveEmergencyCommand,
  context: Context,
): Decided {
  const request = pendingRequest(state, command.emergencyRequestId, context.now);
  if ('verdict' in request) return request;
  const agent = state.agent(request.agentUid);
  if (agent === undefined) return agentNotFound(request.agentId);
  if (agent.state === 'CLOSED') return agentClosed(agent);
  const pool = poolOf(state, agent);
  const refusal = checkAmount(request, pool, command);
  if (refusal !== undefined) return refusal;

  const grants = grantsOf(state, agent.uid);
  const policy = policyFor(state.rules, pool.uid);
  const emergency: EmergencyCase = { agent, pool, policy, grants, now: context.now };
  const judgement = approvalOf(emergency, request, command);
  const explanation = explained(pool, request.amount, judgement);
  if (judgement.amount === 0n) {
    const { rule, retryTime } = judgement;
    // Without the agent: it is the operator who is told no, which does not count as its denial.
    return denyWith({
      emergency: { ...answerOf(request), outcome: 'DENIED', rule, explanation, retryTime },
    });
  }

  // From here on the grant is certain.
  const draft = beginDraft(state, context.now);
  const approved: EmergencyRequest = {
    ...request,
    poolUid: pool.uid,
    poolId: pool.id,
    state: judgement.amount === request.amount ? 'APPROVED' : 'PARTIALLY_APPROVED',
    rule: judgement.rule,
    approved: judgement.amount,
    explanation,
    sequence: state.headSequence + 1,
    endTime: context.now,
    note: command.reason,
  };
  payEmergency(draft, emergency, judgement.amount, [
    ['emergency_reason', request.reason],
    ['emergency_request_id', request.id],
  ]);
  keepRequest(draft, approved, countGrant(grants, judgement.amount, context.now));
  return carryOut(draft, { amount: judgement.amount, agent, pool, emergency: answerOf(approved) });
}

/** Rejects a request that waits. */
export function decideRejectEmergency(
  state: State,
  command: RejectEmergencyCommand,
  context: Context,
): Decided {
  const request = pendingRequest(state, command.emergencyRequestId, context.now);
  if ('verdict' in request) return request;

  const draft = beginDraft(state, context.now);
  const rejected: EmergencyRequest = {
    ...request,
    state: 'REJECTED',
    rule: 'OPERATOR',
    explanation: 'An operator rejected the request.',
    endTime: context.now,
    note: command.reason,
  };
  keepRequest(draft, rejected, grantsOf(state, request.agentUid));
  closeEntry(draft, 'CONFIGURE', {
    changes: stateChange(request.id, 'PENDING_APPROVAL', 'REJECTED'),
  });
  return carryOut(draft, { emergency: answerOf(rejected) });
}

/** What an approval comes to: what is to be approved, cut by what bounds it now. */
function approvalOf(
  emergency: EmergencyCase,
  request: EmergencyRequest,
  command: ApproveEmergencyCommand,
): Judgement {
  const { policy, pool } = emergency;
  const closed = closedCase(emergency);
  if (closed !== undefined || policy === undefined) return closed ?? OFF;
  const amount = floorToScale(command.amount ?? request.approvable, pool.scale);
  const because = `an operator approved ${formatAmount(amount)}`;
  const chosen: Judgement = { amount, rule: 'OPERATOR', because, retryTime: 0 };
  const allowed = capped(emergency, policy, chosen);
  return allowed.amount === 0n ? allowed : payable(emergency, policy, allowed);
}

const OFF: Judgement = { amount: 0n, rule: 'OFF', because: 'there is no policy', retryTime: 0 };

function pendingRequest(state: State, id: string, now: number): EmergencyRequest | Rejection {
  const request = requestById(state, id, now);
  if (request === undefined) return emergencyRequestNotFound(id);
  if (request.state === 'PENDING_APPROVAL') return request;
  return reject(
    'EMERGENCY_REQUEST_NOT_PENDING',
    'The request was settled already and does not wait for an operator',
    { emergency_request_id: id, state: request.state },
  );
}

/** EMERGENCY_REQUEST_NOT_FOUND of an id. */
export function emergencyRequestNotFound(id: string): Rejection {
  return reject(
    'EMERGENCY_REQUEST_NOT_FOUND',
    'There is no such emergency request or it is not kept any more',
    { emergency_request_id: id },
  );
}

/** An operator may approve less than the policy would have, not more. */
function checkAmount(
  request: EmergencyRequest,
  pool: Pool,
  { amount }: ApproveEmergencyCommand,
): Rejection | undefined {
  if (amount === undefined) return undefined;
  if (amount <= request.approvable) return checkScale(pool, 'amount', amount);
  const most = formatAmount(request.approvable);
  return rejectFields([
    { field: 'amount', description: `Give at most ${most}, which is what the policy would allow` },
  ]);
}
