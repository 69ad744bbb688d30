import type * as C from '../../src/domain/command.js';
import { DEFAULT_TERMS, type EmergencyTerms } from '../../src/domain/emergency/policy.js';
import { money } from '../support/seed.js';
import { freshId } from './commands.js';

/** Well-formed commands about emergencies, as the decoders would make them. */

const ADMIN = { requestId: '', reason: '' } as const;

type Over<Command> = Partial<Omit<Command, 'method'>>;

export function requestEmergency(
  agentId: string,
  amount: string,
  reason = 'x',
  over: Over<C.RequestEmergencyCommand> = {},
): C.RequestEmergencyCommand {
  const own = { agentId, amount: money(amount), reason, requestId: freshId() };
  return { method: 'REQUEST_EMERGENCY', ...own, ...over };
}

/** The server's policy when the pool's id is empty; what is not said has its default. */
export function setEmergencyPolicy(
  poolId: string,
  terms: Partial<EmergencyTerms> | undefined = {},
  over: Over<C.SetEmergencyPolicyCommand> = {},
): C.SetEmergencyPolicyCommand {
  return {
    method: 'SET_EMERGENCY_POLICY',
    ...ADMIN,
    poolId,
    terms: { ...DEFAULT_TERMS, ...terms },
    expectedRevision: undefined,
    ...over,
  };
}

export function removeEmergencyPolicy(poolId: string): C.SetEmergencyPolicyCommand {
  return { ...setEmergencyPolicy(poolId), terms: undefined };
}

export function approveEmergency(
  emergencyRequestId: string,
  amount?: string,
  over: Over<C.ApproveEmergencyCommand> = {},
): C.ApproveEmergencyCommand {
  return {
    method: 'APPROVE_EMERGENCY',
    ...ADMIN,
    emergencyRequestId,
    amount: amount === undefined ? undefined : money(amount),
    ...over,
  };
}

export function rejectEmergency(
  emergencyRequestId: string,
  over: Over<C.RejectEmergencyCommand> = {},
): C.RejectEmergencyCommand {
  return { method: 'REJECT_EMERGENCY', ...ADMIN, emergencyRequestId, ...over };
}
