import type * as C from '../../src/domain/command.js';
import type { ViolationEvent } from '../../src/domain/violation.js';
import type { ViolationWatch, ViolationWatchFilter } from '../../src/ledger/violation-watch.js';
import type { ViolationFilter } from '../../src/ledger/violations.js';
import { freshId } from './commands.js';

/** Commands about violations with defaults, as the decoders would make them. */

type Over<Command> = Partial<Omit<Command, 'method'>>;

export function report(
  agentId: string,
  over: Over<C.ReportViolationCommand> = {},
): C.ReportViolationCommand {
  return {
    method: 'REPORT_VIOLATION',
    requestId: freshId(),
    agentId,
    type: 'CUSTOM',
    severity: 'MEDIUM',
    message: 'something happened',
    details: [],
    principal: 'agent',
    ...over,
  };
}

const ACT = { note: '', reason: 'seen', principal: 'admin' } as const;

export function resolve(
  violation: number,
  over: Over<C.ResolveViolationCommand> = {},
): C.ResolveViolationCommand {
  return { method: 'RESOLVE_VIOLATION', requestId: freshId(), violation, ...ACT, ...over };
}

export function escalate(
  violation: number,
  severity: C.EscalateViolationCommand['severity'],
  over: Over<C.EscalateViolationCommand> = {},
): C.EscalateViolationCommand {
  const own = { requestId: freshId(), violation, severity };
  return { method: 'ESCALATE_VIOLATION', ...own, ...ACT, ...over };
}

/** A list of everything. */
export const EVERY: ViolationFilter = {
  agentId: '',
  poolId: '',
  type: undefined,
  minSeverity: 'INFO',
  state: undefined,
  range: { start: 0, end: Number.MAX_SAFE_INTEGER },
};

/** A watch of everything that a filter does not keep back. */
export function watchFrom(
  start: ViolationWatch['start'],
  filter: Partial<ViolationWatchFilter> = {},
): ViolationWatch {
  return {
    filter: {
      agentIds: new Set(),
      poolId: '',
      types: new Set(),
      minSeverity: 'INFO',
      kinds: new Set(),
      ...filter,
    },
    start,
    storeId: '',
  };
}

/** An event in words. */
export function said({ sequence, kind, violation }: ViolationEvent): string {
  const { severity, type, state, count } = violation;
  return `${sequence} ${kind} #${violation.sequence} ${severity} ${type} ${state} x${count}`;
}
