import type { Scope } from '../../domain/scope.js';
import type { Severity } from '../../domain/violation.js';
import { Severity as ProtoSeverity } from '../../gen/safeguards/v1/severity_pb.js';

/** A severity on the wire. */
export const SEVERITIES = {
  INFO: ProtoSeverity.INFO,
  LOW: ProtoSeverity.LOW,
  MEDIUM: ProtoSeverity.MEDIUM,
  HIGH: ProtoSeverity.HIGH,
  CRITICAL: ProtoSeverity.CRITICAL,
} as const satisfies Record<Severity, ProtoSeverity>;

/** Whom a rule is for, as the choice of its message. */
export function encodeScope(scope: Scope, id: string) {
  switch (scope.kind) {
    case 'AGENT':
      return { case: 'agentId', value: id } as const;
    case 'POOL':
      return { case: 'poolId', value: id } as const;
    case 'EACH_AGENT_OF_POOL':
      return { case: 'eachAgentOfPoolId', value: id } as const;
    case 'EVERY_AGENT':
      return { case: 'everyAgent', value: true } as const;
    case 'LIMIT':
      return { case: 'limitId', value: id } as const;
  }
}
