import { create, toBinary } from '@bufbuild/protobuf';
import type { DescMessage, Message, MessageShape } from '@bufbuild/protobuf';
import { anyPack } from '@bufbuild/protobuf/wkt';
import type { FieldViolation } from '../domain/answer.js';
import { Code } from '../gen/google/rpc/code_pb.js';
import {
  BadRequestSchema,
  ErrorInfoSchema,
  RetryInfoSchema,
} from '../gen/google/rpc/error_details_pb.js';
import { StatusSchema } from '../gen/google/rpc/status_pb.js';
import { durationOf } from './encode/time.js';
import { ERROR_DETAIL_BYTES_MAX } from './limits.js';
import { CODES } from './status.js';
import type { CodeName, Failure } from './status.js';

/** The domain of every google.rpc.ErrorInfo. */
export const ERROR_DOMAIN = 'safeguards.dev';

/** The status of a gRPC call. */
export interface GrpcStatus {
  readonly code: Code;
  readonly message: string;
  /** A google.rpc.Status, for `grpc-status-details-bin`. */
  readonly details: Uint8Array;
}

/** One of google.rpc's details. */
export interface Detail {
  readonly desc: DescMessage;
  readonly value: Message;
}

/** The number of a failure's gRPC code. */
export function codeOf(failure: Failure): Code {
  return Code[nameOf(failure)];
}

/** A failure as the status of a gRPC call. */
export function grpcStatus(failure: Failure): GrpcStatus {
  const code = codeOf(failure);
  const { message } = failure;
  const status = create(StatusSchema, {
    code,
    message,
    details: detailsOf(failure).map(({ desc, value }) => anyPack(desc, value)),
  });
  return { code, message, details: toBinary(StatusSchema, status) };
}

/** The name of a failure's gRPC code. */
export function nameOf(failure: Failure): CodeName {
  return failure.verdict === 'REFUSED' ? failure.code : CODES[failure.reason];
}

/** Everything that a failure tells beside its code and message. */
export function detailsOf(failure: Failure): Detail[] {
  if (failure.verdict === 'REFUSED') return [];
  const { fields, omitted } = bounded(failure.fields);
  const metadata = { ...failure.metadata };
  if (omitted > 0) {
    metadata['fields'] = [...new Set(fields.map(({ field }) => field))].join(',');
    metadata['violations_omitted'] = String(omitted);
  }
  const details = [
    detail(ErrorInfoSchema, { reason: failure.reason, domain: ERROR_DOMAIN, metadata }),
  ];
  if (fields.length > 0) {
    const fieldViolations = fields.map(({ field, description }) => ({ field, description }));
    details.push(detail(BadRequestSchema, { fieldViolations }));
  }
  if (failure.retryAfterMs !== undefined) {
    details.push(detail(RetryInfoSchema, { retryDelay: durationOf(failure.retryAfterMs) }));
  }
  return details;
}

function detail<D extends DescMessage>(desc: D, init: Parameters<typeof create<D>>[1]): Detail {
  const value: MessageShape<D> = create(desc, init);
  return { desc, value };
}

/** Details travel in a trailer, which clients bound: as many violations as fit. */
function bounded(all: readonly FieldViolation[]) {
  let bytes = 0;
  const fields = all.filter(({ field, description }) => {
    bytes += Buffer.byteLength(description) + 2 * Buffer.byteLength(field) + 8;
    return bytes <= ERROR_DETAIL_BYTES_MAX;
  });
  return { fields, omitted: all.length - fields.length };
}
