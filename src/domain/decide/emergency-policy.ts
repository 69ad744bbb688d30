import type { Rejection } from '../answer.js';
import type { SetEmergencyPolicyCommand } from '../command.js';
import { carryOut, unchanged, type Decided } from '../decided.js';
import { beginDraft, closeEntry, putRow, removeRow, type Draft } from '../draft.js';
import {
  policyKey,
  policyScope,
  termsChanges,
  type EmergencyPolicy,
  type EmergencyTerms,
} from '../emergency/policy.js';
import type { Pool } from '../model.js';
import type { Context, State } from '../state.js';
import { checkRevision, checkScales, poolNotFound } from './checks.js';

/**
 * Sets the emergency policy of a pool or of the server, or takes it away. Setting what it is already
 * writes nothing. Revision 0 is that of none.
 */
export function decideSetEmergencyPolicy(
  state: State,
  command: SetEmergencyPolicyCommand,
  context: Context,
): Decided {
  const { poolId, terms } = command;
  const pool = poolId === '' ? undefined : state.poolById(poolId);
  if (poolId !== '' && pool === undefined) return poolNotFound(poolId);
  const scope = policyScope(pool?.uid);
  const key = policyKey(scope);
  const before = state.rules.rows.emergency_policies.get(key);
  const refusal =
    (pool && terms && checkTerms(pool, terms)) ??
    checkRevision(command.expectedRevision, before?.revision ?? 0);
  if (refusal !== undefined) return refusal;
  const changes = termsChanges(poolId, before, terms);
  if (changes.length === 0) return unchanged({ pool, emergencyPolicy: before });

  const draft = beginDraft(state, context.now);
  const policy: EmergencyPolicy | undefined = terms && {
    ...terms,
    scope,
    revision: (before?.revision ?? 0) + 1,
    createTime: before?.createTime ?? context.now,
    updateTime: context.now,
  };
  if (policy === undefined) removeRow(draft, 'emergency_policies', key);
  else putRow(draft, 'emergency_policies', key, policy);
  closeEntry(draft, 'CONFIGURE', { changes });
  return carryOut(draft, { pool, emergencyPolicy: policy });
}

/** Takes away the policy of a pool that is deleted. */
export function removePolicyOf(draft: Draft, pool: Pool): void {
  const key = policyKey(policyScope(pool.uid));
  if (draft.state.rules.rows.emergency_policies.has(key)) {
    removeRow(draft, 'emergency_policies', key);
  }
}

function checkTerms(pool: Pool, terms: EmergencyTerms): Rejection | undefined {
  return checkScales(pool, [
    ['policy.per_day_max', terms.perDayMax ?? 0n],
    ['policy.per_request_max', terms.perRequestMax ?? 0n],
    ['policy.approval_above', terms.approvalAbove ?? 0n],
  ]);
}
