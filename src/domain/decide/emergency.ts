import { carryOut, denyWith, type Decided } from '../decided.js';
import type { RequestEmergencyCommand } from '../command.js';
import { beginDraft, closeEntry, touch, type Draft } from '../draft.js';
import {
  capped,
  closedCase,
  cooling,
  denied,
  explained,
  justified,
  money,
  payable,
  type EmergencyCase,
  type Judgement,
} from '../emergency/judgement.js';
import { policyFor, type EmergencyPolicy } from '../emergency/policy.js';
import { answerOf, PENDING_MAX, requestAsOf, type EmergencyRequest } from '../emergency/request.js';
import type { Context, State } from '../state.js';
import { sequenceKey } from '../violation.js';
import { agentClosed, agentNotFound, checkScale, poolOf } from './checks.js';
import {
  countGrant,
  grantsOf,
  keepRequest,
  nextNumber,
  payEmergency,
  stateChange,
} from './emergency-rows.js';

/**
 * Judges an agent's request for emergency money. Guide: handle_emergency_allocation, which sets the
 * budget without asking the pool; here the money is added, capped and the pool's. Every judgement is
 * kept, a denial too, which writes no entry.
 */
export function decideRequestEmergency(
  state: State,
  command: RequestEmergencyCommand,
  context: Context,
): Decided {
  const agent = state.agentById(command.agentId);
  if (agent === undefined) return agentNotFound(command.agentId);
  const pool = poolOf(state, agent);
  const malformed = checkScale(pool, 'amount', command.amount);
  if (malformed !== undefined) return malformed;
  if (agent.state === 'CLOSED') return agentClosed(agent);

  const grants = grantsOf(state, agent.uid);
  const policy = policyFor(state.rules, pool.uid);
  const emergency: EmergencyCase = { agent, pool, policy, grants, now: context.now };
  const asked = command.amount;
  const allowed = allowedOf(emergency, asked, command.reason);
  const waits = policy?.approvalAbove !== undefined && allowed.amount > policy.approvalAbove;
  const crowded = waits ? crowding(state, emergency) : undefined;
  const judgement =
    crowded ??
    (waits || policy === undefined || allowed.amount === 0n
      ? allowed
      : payable(emergency, policy, allowed));

  const draft = beginDraft(state, context.now);
  const request: EmergencyRequest = {
    number: nextNumber(state),
    id: context.newId(),
    agentUid: agent.uid,
    agentId: agent.id,
    poolUid: pool.uid,
    poolId: pool.id,
    unit: pool.unit,
    priority: agent.priority,
    amount: asked,
    reason: command.reason,
    state: 'DENIED',
    rule: judgement.rule,
    approved: 0n,
    approvable: 0n,
    explanation: explained(pool, asked, judgement),
    retryTime: judgement.retryTime,
    sequence: 0,
    createTime: context.now,
    expireTime: 0,
    endTime: context.now,
    note: '',
  };
  if (judgement.amount === 0n) {
    keepRequest(draft, request, grants);
    return denyWith({ agent, pool, emergency: answerOf(request) }, draft);
  }
  if (waits) return wait(draft, emergency, policy, request, judgement);

  // From here on the grant is certain.
  const approved: EmergencyRequest = {
    ...request,
    state: judgement.amount === asked ? 'APPROVED' : 'PARTIALLY_APPROVED',
    approved: judgement.amount,
    retryTime: 0,
    sequence: state.headSequence + 1,
  };
  payEmergency(draft, emergency, judgement.amount, [['emergency_request_id', request.id]]);
  keepRequest(draft, approved, countGrant(grants, judgement.amount, context.now));
  const emergencyAnswer = answerOf(approved);
  return carryOut(draft, { amount: judgement.amount, agent, pool, emergency: emergencyAnswer });
}

/** What a request comes to before anybody asks whether the pool has it. */
function allowedOf(emergency: EmergencyCase, asked: bigint, reason: string): Judgement {
  const { policy } = emergency;
  const closed = closedCase(emergency);
  if (closed !== undefined || policy === undefined) return closed ?? denied('OFF', 'no policy');
  const just = justified(emergency, policy, asked, reason);
  if (just.amount === 0n) return just;
  return cooling(emergency, policy) ?? capped(emergency, policy, just);
}

/** The denial of an agent with too many requests that wait, or undefined. */
function crowding(state: State, { grants, now }: EmergencyCase): Judgement | undefined {
  const waiting = grants.pending.flatMap((number) => {
    const row = state.row('emergency_requests', sequenceKey(number));
    return row !== undefined && requestAsOf(row, now).state === 'PENDING_APPROVAL' ? [row] : [];
  });
  if (waiting.length < PENDING_MAX) return undefined;
  const because = `${PENDING_MAX} requests of the agent wait for an operator already`;
  const retryTime = Math.min(...waiting.map((row) => row.expireTime));
  return { ...denied('TOO_MANY_PENDING', because), retryTime };
}

/** Lets a request wait: an entry without postings says so, so that its request_id is remembered. */
function wait(
  draft: Draft,
  { agent, pool, grants }: EmergencyCase,
  policy: EmergencyPolicy,
  request: EmergencyRequest,
  judgement: Judgement,
): Decided {
  const expireTime = draft.now + policy.approvalTtlMs;
  const above = money(policy.approvalAbove ?? 0n, pool);
  const pending: EmergencyRequest = {
    ...request,
    state: 'PENDING_APPROVAL',
    rule: 'APPROVAL',
    approvable: judgement.amount,
    explanation:
      `${money(judgement.amount, pool)} of ${money(request.amount, pool)} wait for an operator until ` +
      `${new Date(expireTime).toISOString()}: more than ${above} needs approval.`,
    retryTime: 0,
    expireTime,
    endTime: 0,
  };
  keepRequest(draft, pending, grants);
  touch(draft, 'AGENT', agent.uid, agent.lastSequence);
  closeEntry(draft, 'CONFIGURE', {
    amount: request.amount,
    changes: stateChange(request.id, '', 'PENDING_APPROVAL'),
  });
  return carryOut(draft, { agent, pool, emergency: answerOf(pending) });
}
