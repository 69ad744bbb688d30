import { type DescMessage, type Message, fromBinary } from '@bufbuild/protobuf';
import type { Duration } from '@bufbuild/protobuf/wkt';
import {
  BatchSpendRequestSchema,
  CommitRequestSchema,
  ReserveRequestSchema,
  SpendRequestSchema,
  SpendStreamRequestSchema,
  type BatchSpendRequest,
  type CommitRequest,
  type ReserveRequest,
  type SpendRequest,
  type SpendStreamRequest,
} from '../../gen/safeguards/v1/budget_service_pb.js';
import type { SpendMode } from '../../gen/safeguards/v1/decision_pb.js';
import type { OveragePolicy } from '../../gen/safeguards/v1/reservation_pb.js';
import { NOT_PLAIN, WireReader } from '../../wire/reader.js';

type Read = (wire: WireReader, end: number) => Message;

/**
 * Requests of the spend path, read by hand as they nearly always come: a third of what protobuf-es takes.
 * Whatever is out of the ordinary, and whatever is wrong, is left to protobuf-es.
 */
const READERS = new Map<DescMessage, Read>([
  [SpendRequestSchema, readSpend],
  [BatchSpendRequestSchema, readBatch],
  [SpendStreamRequestSchema, readStreamed],
  [ReserveRequestSchema, readReserve],
  [CommitRequestSchema, readCommit],
]);

const NO_BYTES_KEPT = { readUnknownFields: false } as const;

/** The message that bytes are, as protobuf-es reads it. Throws where they are none. */
export function readMessage(schema: DescMessage, bytes: Buffer): Message {
  return readPlain(schema, bytes) ?? fromBinary(schema, bytes, NO_BYTES_KEPT);
}

/** The same if it is one of the spend path with nothing out of the ordinary, or undefined. */
export function readPlain(schema: DescMessage, bytes: Buffer): Message | undefined {
  const read = READERS.get(schema);
  if (read === undefined) return undefined;
  try {
    return read(new WireReader(bytes), bytes.length);
  } catch (error) {
    if (error === NOT_PLAIN) return undefined;
    throw error;
  }
}

function readSpend(wire: WireReader, end: number): SpendRequest {
  const message: SpendRequest = {
    $typeName: 'safeguards.v1.SpendRequest',
    requestId: '',
    agentId: '',
    amount: '',
    mode: 0,
    category: '',
    quantities: {},
    unit: '',
    runId: '',
    metadata: {},
    dryRun: false,
  };
  while (wire.isBefore(end)) readAsked(wire, end, message, wire.field(end));
  return message;
}

/** A field of a spend, by its number there, or the same one of a hold. */
function readAsked(
  wire: WireReader,
  end: number,
  message: SpendRequest | ReserveRequest,
  field: number,
): void {
  switch (field) {
    case 1:
      message.requestId = wire.text(end);
      break;
    case 2:
      message.agentId = wire.text(end);
      break;
    case 3:
      message.amount = wire.text(end);
      break;
    case -4:
      message.mode = wire.uint(end) as SpendMode;
      break;
    case 5:
      message.category = wire.text(end);
      break;
    case 6:
      wire.pair(end, message.quantities);
      break;
    case 7:
      message.unit = wire.text(end);
      break;
    case 8:
      message.runId = wire.text(end);
      break;
    case 9:
      wire.pair(end, message.metadata);
      break;
    case -10:
      message.dryRun = wire.uint(end) > 0;
      break;
    default:
      throw NOT_PLAIN;
  }
}

function readBatch(wire: WireReader, end: number): BatchSpendRequest {
  const message: BatchSpendRequest = {
    $typeName: 'safeguards.v1.BatchSpendRequest',
    items: [],
    atomic: false,
  };
  while (wire.isBefore(end)) {
    const field = wire.field(end);
    if (field === 1) message.items.push(readSpend(wire, wire.end(end)));
    else if (field === -2) message.atomic = wire.uint(end) > 0;
    else throw NOT_PLAIN;
  }
  return message;
}

function readStreamed(wire: WireReader, end: number): SpendStreamRequest {
  const message: SpendStreamRequest = { $typeName: 'safeguards.v1.SpendStreamRequest' };
  while (wire.isBefore(end)) {
    // A second one would be merged into the first.
    if (wire.field(end) !== 1 || message.item !== undefined) throw NOT_PLAIN;
    message.item = readSpend(wire, wire.end(end));
  }
  return message;
}

/** The number of a hold's ttl. */
const TTL = 5;

function readReserve(wire: WireReader, end: number): ReserveRequest {
  const message: ReserveRequest = {
    $typeName: 'safeguards.v1.ReserveRequest',
    requestId: '',
    agentId: '',
    amount: '',
    mode: 0,
    category: '',
    quantities: {},
    unit: '',
    runId: '',
    metadata: {},
    dryRun: false,
  };
  while (wire.isBefore(end)) {
    const field = wire.field(end);
    // The ttl stands in the middle: what is before it has the numbers of a spend, what is behind it one more.
    if (field === TTL) {
      if (message.ttl !== undefined) throw NOT_PLAIN;
      message.ttl = readDuration(wire, wire.end(end));
    } else {
      const isBehind = Math.abs(field) > TTL;
      readAsked(wire, end, message, isBehind ? field - Math.sign(field) : field);
    }
  }
  return message;
}

function readCommit(wire: WireReader, end: number): CommitRequest {
  const message: CommitRequest = {
    $typeName: 'safeguards.v1.CommitRequest',
    requestId: '',
    reservationId: '',
    overage: 0,
    quantities: {},
    metadata: {},
  };
  while (wire.isBefore(end)) {
    switch (wire.field(end)) {
      case 1:
        message.requestId = wire.text(end);
        break;
      case 2:
        message.reservationId = wire.text(end);
        break;
      case 3:
        message.amount = wire.text(end);
        break;
      case -4:
        message.final = wire.uint(end) > 0;
        break;
      case -5:
        message.overage = wire.uint(end) as OveragePolicy;
        break;
      case 6:
        wire.pair(end, message.quantities);
        break;
      case 7:
        wire.pair(end, message.metadata);
        break;
      default:
        throw NOT_PLAIN;
    }
  }
  return message;
}

function readDuration(wire: WireReader, end: number): Duration {
  const message: Duration = { $typeName: 'google.protobuf.Duration', seconds: 0n, nanos: 0 };
  while (wire.isBefore(end)) {
    const field = wire.field(end);
    if (field === -1) message.seconds = BigInt(wire.uint(end));
    else if (field === -2) message.nanos = wire.uint(end);
    else throw NOT_PLAIN;
  }
  return message;
}
