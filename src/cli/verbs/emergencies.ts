import { BudgetAdminService } from '../../gen/safeguards/v1/budget_admin_service_pb.js';
import { BudgetService } from '../../gen/safeguards/v1/budget_service_pb.js';
import {
  EmergencyOutcome,
  EmergencyRule,
  EmergencyState,
  type EmergencyPolicy,
  type EmergencyRequest,
} from '../../gen/safeguards/v1/emergency_pb.js';
import { budgetLine, entryNote, nameIn, table, timeText } from '../show.js';
import { EXIT, UsageError } from '../terminal.js';
import { verb, type Given, type Verb } from '../verb.js';

const agents = BudgetService.method;
const admin = BudgetAdminService.method;

/** The terms of a policy that may be given. */
const TERMS = [
  'enabled',
  'priority_threshold',
  'critical_share',
  'per_day_max',
  'per_request_max',
  'cooldown',
  'approval_above',
  'approval_ttl',
  'mint',
];

/** What is done about emergencies. */
export const EMERGENCY_VERBS: readonly Verb[] = [
  verb({
    words: 'emergency request',
    summary: 'Ask for money beyond the budget of an agent',
    listener: 'agent',
    method: agents.requestEmergencyAllocation,
    positional: ['agent_id', 'amount'],
    example: 'emergency request writer 50 --reason "critical: the index is gone"',
    show: (response) =>
      judged(response, response.emergencyRequestId) +
      (response.sequence === 0n ? '' : `Written${entryNote(response)}. `) +
      budgetLine(response.budget),
    exit: ({ outcome }) => exitOf(outcome),
  }),
  verb({
    words: 'emergency get',
    summary: 'Show an emergency request',
    listener: 'agent',
    method: agents.getEmergencyRequest,
    positional: ['emergency_request_id'],
    example: 'emergency get 0190b5c2-7f3e-7cc4-8f52-3d2f1c9a7b10',
    show: ({ emergencyRequest }) =>
      emergencyRequest === undefined
        ? ''
        : requestTable([emergencyRequest]) + `${emergencyRequest.explanation}\n`,
  }),
  verb({
    words: 'emergency list',
    summary: 'List emergency requests, newest first',
    listener: 'admin',
    method: admin.listEmergencyRequests,
    positional: [],
    example: 'emergency list --state pending-approval',
    show: ({ emergencyRequests }) => requestTable(emergencyRequests),
  }),
  verb({
    words: 'emergency approve',
    summary: 'Approve an emergency request that waits, wholly or for less',
    listener: 'admin',
    method: admin.approveEmergencyRequest,
    positional: ['emergency_request_id', '[amount]'],
    example: 'emergency approve 0190b5c2-7f3e-7cc4-8f52-3d2f1c9a7b10 25 --reason "half for now"',
    show: (response) =>
      judged(response, response.emergencyRequest?.id ?? '') +
      (response.sequence === 0n
        ? 'It still waits.\n'
        : `Written${entryNote(response)}. ${budgetLine(response.budget)}`),
    exit: ({ outcome }) => exitOf(outcome),
  }),
  verb({
    words: 'emergency reject',
    summary: 'Reject an emergency request that waits',
    listener: 'admin',
    method: admin.rejectEmergencyRequest,
    positional: ['emergency_request_id'],
    example: 'emergency reject 0190b5c2-7f3e-7cc4-8f52-3d2f1c9a7b10 --reason "can wait"',
    show: (response) =>
      `Rejected${entryNote(response)}.\n` +
      requestTable(response.emergencyRequest ? [response.emergencyRequest] : []),
  }),
  verb({
    words: 'emergency policy set',
    summary: 'Set the emergency policy of a pool, or of the server when no pool is given',
    listener: 'admin',
    method: admin.setEmergencyPolicy,
    positional: ['[pool_id]'],
    update: { field: 'policy', names: TERMS },
    example: 'emergency policy set research --per-day-max 200 --approval-above 100',
    complete: withPolicy,
    show: (response) =>
      response.policy === undefined
        ? `Removed${entryNote(response)}.\n`
        : `Set${entryNote(response)}.\n${policyTable(response.policy)}`,
  }),
  verb({
    words: 'emergency policy get',
    summary: 'Show the emergency policy in force in a pool, or that of the server',
    listener: 'admin',
    method: admin.getEmergencyPolicy,
    positional: ['[pool_id]'],
    example: 'emergency policy get research',
    show: ({ policy }) =>
      policy === undefined
        ? 'There is none: every emergency request is denied.\n'
        : policyTable(policy),
  }),
];

/** Puts the terms into the policy; what is not said has its default. */
function withPolicy(given: Given): Given {
  const entries = Object.entries(given);
  const policy = Object.fromEntries(entries.filter(([name]) => TERMS.includes(name)));
  const rest = Object.fromEntries(entries.filter(([name]) => !TERMS.includes(name)));
  if (rest['remove'] !== true) return { ...rest, policy };
  if (Object.keys(policy).length === 0) return rest;
  throw new UsageError('--remove takes the policy away: leave the other options out.');
}

interface Judged {
  readonly outcome: EmergencyOutcome;
  readonly rule: EmergencyRule;
  readonly explanation: string;
  readonly retryTime?: EmergencyRequest['retryTime'];
}

function judged({ outcome, rule, explanation, retryTime }: Judged, id: string): string {
  const retry = retryTime === undefined ? '' : `  retry at  ${timeText(retryTime)}\n`;
  const by = nameIn(EmergencyRule, rule);
  return `${nameIn(EmergencyOutcome, outcome)} by ${by}. ${explanation}\n  request   ${id}\n${retry}`;
}

function exitOf(outcome: EmergencyOutcome): number {
  return outcome === EmergencyOutcome.DENIED ? EXIT.denied : EXIT.done;
}

function requestTable(requests: readonly EmergencyRequest[]): string {
  return table(
    ['REQUEST', 'TIME', 'AGENT', 'POOL', 'ASKED', 'APPROVED', 'UNIT', 'STATE', 'RULE', 'REASON'],
    requests.map((request) => [
      request.id,
      timeText(request.createTime),
      request.agentId,
      request.poolId,
      request.amount,
      request.approvedAmount,
      request.unit,
      nameIn(EmergencyState, request.state),
      nameIn(EmergencyRule, request.rule),
      request.reason,
    ]),
  );
}

function policyTable(policy: EmergencyPolicy): string {
  const seconds = (duration: EmergencyPolicy['cooldown']) => `${duration?.seconds ?? 0n} s`;
  return table(
    ['NAME', 'VALUE'],
    [
      ['of', policy.poolId === '' ? 'the server' : `pool ${policy.poolId}`],
      ['enabled', String(policy.enabled ?? true)],
      ['priority_threshold', String(policy.priorityThreshold ?? 0)],
      ['critical_share', policy.criticalShare],
      ['per_day_max', policy.perDayMax === '' ? "the agent's initial budget" : policy.perDayMax],
      ['per_request_max', policy.perRequestMax === '' ? 'none' : policy.perRequestMax],
      ['cooldown', seconds(policy.cooldown)],
      ['approval_above', policy.approvalAbove === '' ? 'none' : policy.approvalAbove],
      ['approval_ttl', seconds(policy.approvalTtl)],
      ['mint', String(policy.mint)],
      ['revision', String(policy.revision)],
    ],
  );
}
