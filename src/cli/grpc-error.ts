import { fromBinary } from '@bufbuild/protobuf';
import { anyUnpack, type Any } from '@bufbuild/protobuf/wkt';
import { status, type ServiceError } from '@grpc/grpc-js';
import {
  BadRequestSchema,
  ErrorInfoSchema,
  RetryInfoSchema,
} from '../gen/google/rpc/error_details_pb.js';
import { StatusSchema } from '../gen/google/rpc/status_pb.js';
import { adviceFor } from './advice.js';
import { CallError } from './call-error.js';

/** Translates what grpc-js throws. This is the only place that reads its errors. */
export function callErrorOf(error: unknown, address: string): Error {
  if (!isServiceError(error)) return error instanceof Error ? error : new Error(String(error));
  const code = status[error.code];
  const details = error.metadata.get('grpc-status-details-bin')[0];
  if (!(details instanceof Buffer)) {
    return new CallError({
      code,
      message: error.details,
      advice: adviceWithout(code, address),
    });
  }
  const parts = fromBinary(StatusSchema, details).details;
  const info = unpacked(parts, ErrorInfoSchema);
  const delay = unpacked(parts, RetryInfoSchema)?.retryDelay;
  return new CallError({
    code,
    message: error.details,
    reason: info?.reason ?? '',
    metadata: info?.metadata ?? {},
    fields: (unpacked(parts, BadRequestSchema)?.fieldViolations ?? []).map(
      ({ field, description }) => ({ field, description }),
    ),
    retryAfterMs: delay && Number(delay.seconds) * 1_000 + Math.ceil(delay.nanos / 1e6),
    advice: adviceFor(info?.reason ?? ''),
  });
}

function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && 'metadata' in error && 'code' in error && 'details' in error;
}

function unpacked<S extends Parameters<typeof anyUnpack>[1]>(parts: readonly Any[], schema: S) {
  for (const part of parts) {
    const message = anyUnpack(part, schema);
    if (message !== undefined) return message;
  }
  return undefined;
}

/** What to do when the answer did not come from a sidecar, or there was none. */
function adviceWithout(code: string, address: string): string {
  switch (code) {
    case 'UNAVAILABLE':
      return (
        `Nothing answers at ${address}. Start it with "safeguards serve", ` +
        'or say where it is with --address and --admin-address.'
      );
    case 'UNIMPLEMENTED':
      return `${address} does not offer this call. Is it the listener of the other side?`;
    case 'DEADLINE_EXCEEDED':
      return 'It may have happened all the same: repeat it with the same --request-id.';
    default:
      return '';
  }
}
