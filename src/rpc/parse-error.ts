import { createAsyncIterable } from '@connectrpc/connect/protocol';
import type { UniversalServerResponse } from '@connectrpc/connect/protocol';
import { endStreamFlag, errorToJsonBytes } from '@connectrpc/connect/protocol-connect';
import { trailerFlag } from '@connectrpc/connect/protocol-grpc-web';
import { rejectFields, type FieldViolation } from '../domain/answer.js';
import { connectError } from './connect-error.js';
import { endOfConnect, endOfGrpcWeb } from './http-refusal.js';

/**
 * Gives the errors that Connect makes of messages it cannot parse, or of whose content type it knows
 * nothing, the reason and the field that all of ours have, and leaves every other response as it is.
 */
export async function withReason(
  response: UniversalServerResponse,
): Promise<UniversalServerResponse> {
  const { status, header, body } = response;
  if (status === 415) return { ...response, ...refused(new Headers(header), MEDIA_TYPE) };
  const type = header?.get('content-type') ?? '';
  if (status === 200 && body !== undefined && ENVELOPED.test(type)) {
    return { ...response, body: withBinaryReason(body) };
  }
  const isPlain = type === 'application/json' && header?.has('content-encoding') === false;
  if ((status !== 400 && status !== 500) || !isPlain || body === undefined) return response;
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  const bytes = Buffer.concat(chunks);
  const error = JSON.parse(bytes.toString()) as {
    readonly code?: unknown;
    readonly message?: unknown;
    readonly details?: unknown;
  };
  const text = typeof error.message === 'string' ? error.message : '';
  if (error.code === 'internal' && text.startsWith(NO_BINARY)) {
    return { ...response, status: 400, ...refused(header, MESSAGE) };
  }
  if (error.code !== 'invalid_argument' || error.details !== undefined) {
    return { ...response, body: createAsyncIterable([bytes]) };
  }
  return { ...response, ...refused(header, violationOf(text)) };
}

/** How Connect begins to tell of a binary message that it cannot parse: it takes that for a fault. */
const NO_BINARY = 'parse binary: ';

const MESSAGE: FieldViolation = { field: '', description: 'Give a well-formed message' };

/** Streams of Connect, and gRPC-Web, where messages are binary. */
const ENVELOPED = /^application\/(connect\+proto|grpc-web(\+proto)?)$/;

/** The same in envelopes, of which the last tells errors: the first one, where the request is bad. */
async function* withBinaryReason(body: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  let isFirst = true;
  for await (const chunk of body) {
    yield isFirst ? (corrected(chunk) ?? chunk) : chunk;
    isFirst = false;
  }
}

function corrected(chunk: Uint8Array): Uint8Array | undefined {
  const [flags] = chunk;
  const end =
    flags === endStreamFlag ? endOfConnect : flags === trailerFlag ? endOfGrpcWeb : undefined;
  if (end === undefined) return undefined;
  const text = Buffer.from(chunk).toString('latin1');
  const isUnread = text.includes(NO_BINARY) || text.includes(encodeURIComponent(NO_BINARY));
  return isUnread ? end(connectError(rejectFields([MESSAGE]))) : undefined;
}

const MEDIA_TYPE: FieldViolation = {
  field: '',
  description: 'Send the header content-type: application/json, or application/proto',
};

/** Longest name of an unknown field that is told. */
const NAME_LENGTH_MAX = 128;

/**
 * The field that a parser's text names, without the value that came. It knows the field's own name, not its
 * path; of an enum or of what is no message at all it knows the type only.
 */
function violationOf(text: string): FieldViolation {
  const field = /^cannot decode (?:field|oneof) (?:[\w.]*\.)?(\w+) from JSON: /.exec(text)?.[1];
  if (field !== undefined) {
    const description = 'Give a value of its type; amounts are strings, enums are their names';
    return { field, description };
  }
  const unknown = /^cannot decode message [\w.]+ from JSON: key "(.*)" is unknown$/s.exec(
    text,
  )?.[1];
  if (unknown !== undefined) {
    const description = 'Leave it out or correct its name';
    return { field: unknown.slice(0, NAME_LENGTH_MAX), description };
  }
  const type = /^cannot decode (?:message|enum) ([\w.]+) from /.exec(text)?.[1];
  return {
    field: '',
    description:
      type === undefined
        ? 'Correct the headers or the length of the HTTP request'
        : `Give a well-formed ${type}`,
  };
}

function refused(header: Headers, violation: FieldViolation) {
  const bytes = errorToJsonBytes(connectError(rejectFields([violation])), undefined);
  header.set('content-type', 'application/json');
  header.set('content-length', String(bytes.byteLength));
  return { header, body: createAsyncIterable([bytes]) };
}
