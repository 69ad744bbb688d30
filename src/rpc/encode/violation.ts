import {
  RULE_KINDS,
  SEVERITIES,
  VIOLATION_EVENT_KINDS,
  VIOLATION_SOURCES,
  VIOLATION_STATES,
  VIOLATION_TYPES,
} from '../../domain/violation.js';
import type { Violation as ViolationRow, ViolationEvent } from '../../domain/violation.js';
import type { ViolationCount } from '../../domain/violation-counts.js';
import type { ViolationMessage } from '../../ledger/violation-watch.js';
import type { Violation } from '../../gen/safeguards/v1/violation_pb.js';
import type {
  GetViolationStatsResponse,
  WatchViolationsResponse,
} from '../../gen/safeguards/v1/violation_service_pb.js';
import { metadataMap } from './pairs.js';
import { timestampOf } from './time.js';

/** Prints a violation. The numbers of its enums are those on disk. */
export function encodeViolation(row: ViolationRow): Violation {
  return {
    $typeName: 'safeguards.v1.Violation',
    id: String(row.sequence),
    type: VIOLATION_TYPES[row.type],
    severity: SEVERITIES[row.severity],
    state: VIOLATION_STATES[row.state],
    source: VIOLATION_SOURCES[row.source],
    ruleKind: RULE_KINDS[row.rule.kind],
    ruleId: row.rule.id,
    agentId: row.agentId,
    poolId: row.poolId,
    message: row.message,
    details: metadataMap(row.details),
    count: BigInt(row.count),
    entrySequence: BigInt(row.entrySequence),
    createTime: timestampOf(row.createTime),
    updateTime: timestampOf(row.updateTime),
    ...(row.endTime > 0 && { endTime: timestampOf(row.endTime) }),
    reporter: row.reporter,
    actor: row.actor,
    note: row.note,
  };
}

/** Printed events, for as long as the event itself is kept: its watchers share one message. */
const printed = new WeakMap<ViolationEvent, WatchViolationsResponse>();

/** Prints a message of a watch. An event is printed once, however many watch it. */
export function encodeViolationMessage(
  message: Exclude<ViolationMessage, { readonly kind: 'ENDED' }>,
): WatchViolationsResponse {
  if (message.kind === 'BOOKMARK') {
    const { sequence, storeId, live } = message;
    return responseOf({
      case: 'bookmark',
      value: {
        $typeName: 'safeguards.v1.ViolationBookmark',
        sequence: BigInt(sequence),
        storeId,
        live,
      },
    });
  }
  const { event } = message;
  const earlier = printed.get(event);
  if (earlier !== undefined) return earlier;
  const response = responseOf({
    case: 'event',
    value: {
      $typeName: 'safeguards.v1.ViolationEvent',
      sequence: BigInt(event.sequence),
      time: timestampOf(event.time),
      kind: VIOLATION_EVENT_KINDS[event.kind],
      violation: encodeViolation(event.violation),
    },
  });
  printed.set(event, response);
  return response;
}

function responseOf(message: WatchViolationsResponse['message']): WatchViolationsResponse {
  return { $typeName: 'safeguards.v1.WatchViolationsResponse', message };
}

/** Prints counts: their sums, by type and by severity. */
export function encodeViolationCounts(
  counts: readonly ViolationCount[],
): GetViolationStatsResponse {
  const sums = (of: readonly ViolationCount[]) => ({
    totalCount: BigInt(of.reduce((sum, { total }) => sum + total, 0)),
    openCount: BigInt(of.reduce((sum, { open }) => sum + open, 0)),
  });
  const types = [...new Set(counts.map(({ type }) => VIOLATION_TYPES[type]))];
  const severities = [...new Set(counts.map(({ severity }) => SEVERITIES[severity]))];
  return {
    $typeName: 'safeguards.v1.GetViolationStatsResponse',
    ...sums(counts),
    types: types.sort(ascending).map((type) => ({
      $typeName: 'safeguards.v1.ViolationTypeCount',
      type,
      ...sums(counts.filter((count) => VIOLATION_TYPES[count.type] === type)),
    })),
    severities: severities.sort(ascending).map((severity) => ({
      $typeName: 'safeguards.v1.ViolationSeverityCount',
      severity,
      ...sums(counts.filter((count) => SEVERITIES[count.severity] === severity)),
    })),
  };
}

function ascending(a: number, b: number): number {
  return a - b;
}
