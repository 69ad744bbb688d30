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
      message: withoutNoise(error.details),
      advice: adviceWithout(code, error.details, address),
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

/** What grpc-js and OpenSSL say of a connection, without where in their code they say it. */
function withoutNoise(message: string): string {
  return message
    .replace(/ \(\d{4}-[\d-]+T[\d:.]+Z\)/, '')
    .replace(/\.?\s*Resolution note:\s*$/, '')
    .replace(/Last error: (Error(?: \[\w+\])?: )?/, 'Last error: ')
    .replace(/[0-9A-F]+:error:[0-9A-F]+:SSL routines:\w*:([^:]+):\S*?:\d+:[^\n]*/, '$1')
    .trim();
}

/** What is known about a connection that did not come about, by grpc-js's or OpenSSL's words. */
const CONNECTION: readonly (readonly [RegExp, (address: string) => string])[] = [
  [
    /altnames/,
    () =>
      'The certificate is of other names: say one of them with --address or --admin-address, ' +
      'or have one issued for this name.',
  ],
  [/certificate has expired|certificate is not yet valid/, () => 'Have it issued anew.'],
  [
    /self.signed|unable to (get|verify)|certificate signature/,
    (address) =>
      `The certificate of ${address} is not trusted: name that of its authority, or itself when it ` +
      'has signed itself, with --tls-ca.',
  ],
  [
    /alert|certificate required/,
    (address) =>
      `${address} does not take the certificate of this client: give --tls-cert and --tls-key, ` +
      'signed by the authority that it trusts.',
  ],
  [
    /wrong version number|packet length too long|http request/,
    (address) => `${address} does not speak TLS: leave --tls-ca (SAFEGUARDS_TLS_CA) out.`,
  ],
  [
    /Failed to connect|ECONNRESET|EPIPE|socket disconnected|socket hang up/,
    (address) =>
      `${address} ended the connection. If it speaks TLS, name the authority of its certificate ` +
      'with --tls-ca; if it asks for certificates of clients, give --tls-cert and --tls-key too.',
  ],
];

/** What to do when the answer did not come from a sidecar, or there was none. */
function adviceWithout(code: string, details: string, address: string): string {
  switch (code) {
    case 'UNAVAILABLE':
      return adviceOnConnection(details, address);
    case 'UNIMPLEMENTED':
      return `${address} does not offer this call. Is it the listener of the other side?`;
    case 'DEADLINE_EXCEEDED':
      return 'It may have happened all the same: repeat it with the same --request-id.';
    default:
      return '';
  }
}

function adviceOnConnection(details: string, address: string): string {
  const known = CONNECTION.find(([words]) => words.test(details));
  if (known !== undefined) return known[1](address);
  return (
    `Nothing answers at ${address}. Start it with "safeguards serve", ` +
    'or say where it is with --address and --admin-address.'
  );
}
