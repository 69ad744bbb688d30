import type { EmergencyRequest } from '../../../src/domain/emergency/request.js';
import type { Violation } from '../../../src/domain/violation.js';
import type { LedgerApi } from '../../../src/ledger/api.js';
import type { KnownPrincipal } from '../../../src/rpc/access/credentials.js';
import type { Role } from '../../../src/rpc/access/principal.js';
import { digestOf } from '../../../src/rpc/access/token.js';
import { knowSecret } from '../../support/secrets.js';
import { fakeLedger } from './fake-ledger.js';
import type { FakeLedger } from './fake-ledger.js';
import { T0, agent, amount, pool, reservation } from './rows.js';

/** The token of the principal of a role. */
export function tokenOf(role: Role): string {
  return knowSecret(`the token of the ${role}`, `sgt_the-token-of-the-${role}`);
}

/** A principal of a role, by the role's name; an agent's own are those of team a. */
export function principal(role: Role, over: Partial<KnownPrincipal> = {}): KnownPrincipal {
  const agents = role === 'agent' ? ['team-a/*'] : undefined;
  return {
    principal: { name: `the-${role}`, role, agents },
    digests: [digestOf(tokenOf(role))],
    certificates: [],
    ...over,
  };
}

/** One principal of each role. */
export const PRINCIPALS: readonly KnownPrincipal[] = [
  principal('agent'),
  principal('viewer'),
  principal('operator'),
  principal('admin'),
];

const ONE = agent({ id: 'team-a/one', uid: 1 });
const TWO = agent({ id: 'team-b/two', uid: 2 });

/** A violation of one of the two agents. */
export function violationOf(sequence: number, { id, uid }: { id: string; uid: number }): Violation {
  return {
    sequence,
    type: 'CUSTOM',
    severity: 'LOW',
    state: 'OPEN',
    source: 'REPORTED',
    rule: { kind: 'CLIENT', id },
    agentUid: uid,
    agentId: id,
    poolUid: 1,
    poolId: 'pool-1',
    message: 'm',
    details: [],
    count: 1,
    entrySequence: 0,
    createTime: T0,
    updateTime: T0,
    endTime: 0,
    reporter: '',
    actor: '',
    note: '',
  };
}

/** A ledger with two agents, of which each has a hold, a violation and an emergency request. */
export function ledgerOfTwo(over: Partial<LedgerApi> = {}): FakeLedger {
  const byId = { [ONE.id]: ONE, [TWO.id]: TWO };
  const holds = { 'hold-of-one': ONE.id, 'hold-of-two': TWO.id };
  const requests = { 'request-of-one': ONE.id, 'request-of-two': TWO.id };
  return fakeLedger({
    agent: (id) => {
      const found = byId[id];
      return found && { agent: found, pool: pool() };
    },
    reservation: (id) => {
      const agentId = (holds as Record<string, string>)[id];
      return agentId === undefined ? undefined : { reservation: reservation({ id }), agentId };
    },
    emergencyRequest: (id) => {
      const agentId = (requests as Record<string, string>)[id];
      return agentId === undefined ? undefined : emergency(id, agentId);
    },
    violation: (sequence) => {
      const found = [ONE, TWO][sequence - 1];
      return found && violationOf(sequence, found);
    },
    ...over,
  });
}

function emergency(id: string, agentId: string): EmergencyRequest {
  return {
    number: 1,
    id,
    agentUid: 1,
    agentId,
    poolUid: 1,
    poolId: 'pool-1',
    unit: 'USD',
    priority: 5,
    amount: amount('1'),
    reason: 'critical',
    state: 'DENIED',
    rule: 'OFF',
    approved: 0n,
    approvable: 0n,
    explanation: 'There is no policy',
    retryTime: 0,
    sequence: 0,
    createTime: T0,
    expireTime: 0,
    endTime: T0,
    note: '',
  };
}
