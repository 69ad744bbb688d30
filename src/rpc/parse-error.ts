import { createAsyncIterable } from '@connectrpc/connect/protocol';
import type { UniversalServerResponse } from '@connectrpc/connect/protocol';
import { endStreamFlag, errorToJsonBytes } from '@connectrpc/connect/protocol-connect';
import { trailerFlag, trailerParse } from '@connectrpc/connect/protocol-grpc-web';
import { rejectFields, type FieldViolation } from '../domain/answer.js';
import { connectError } from './connect-error.js';
import { UNREADABLE } from './endpoint.js';
import { endOfConnect, endOfGrpcWeb } from './http-refusal.js';
import type { Failure } from './status.js';

/**
 * Gives the errors that Connect makes of messages it cannot parse, or of whose content type it knows
 * nothing, the code, the reason and the field that all of ours have, and leaves every other response as it
 * is. Connect calls bytes that are no message an error of the server's own.
 */
export async function withReason(
  response: UniversalServerResponse,
): Promise<UniversalServerResponse> {
  const { status, header, body } = response;
  if (status === 415) {
    return { ...response, ...refused(new Headers(header), rejectFields([MEDIA_TYPE])) };
  }
  if (body === undefined || header === undefined || header.has('content-encoding')) return response;
  const type = header.get('content-type') ?? '';
  if (/^application\/(?:grpc-web|connect\+)/.test(type)) {
    return { ...response, body: withEnd(body) };
  }
  if ((status !== 400 && status !== 500) || type !== 'application/json') return response;
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  const bytes = Buffer.concat(chunks);
  const failure = failureOf(JSON.parse(bytes.toString()) as SaidError);
  if (failure === undefined) return { ...response, body: createAsyncIterable([bytes]) };
  return { ...response, status: 400, ...refused(header, failure) };
}

/** An error as Connect says it. */
interface SaidError {
  readonly code?: unknown;
  readonly message?: unknown;
  readonly details?: unknown;
}

/** What we say instead of an error of Connect's parsers; undefined: it is none. */
function failureOf({ code, message, details }: SaidError): Failure | undefined {
  const text = typeof message === 'string' ? message : '';
  if (details !== undefined) return undefined;
  if (code === 'internal' && text.startsWith('parse binary: ')) return UNREADABLE;
  return code === 'invalid_argument' ? rejectFields([violationOf(text)]) : undefined;
}

/** The frames of a stream, whose last one says how it ended. */
async function* withEnd(frames: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  for await (const frame of frames) yield endOf(frame) ?? frame;
}

const FRAME_HEAD_BYTES = 5;

function endOf(frame: Uint8Array): Uint8Array | undefined {
  const data = frame.subarray(FRAME_HEAD_BYTES);
  if (frame[0] === trailerFlag) {
    const trailer = trailerParse(data);
    const known = trailer.get('grpc-status-details-bin') ?? undefined;
    const code = CODES[trailer.get('grpc-status') ?? ''];
    const message = decodeURIComponent(trailer.get('grpc-message') ?? '');
    const failure = failureOf({ code, message, details: known });
    return failure && endOfGrpcWeb(connectError(failure));
  }
  if (frame[0] !== endStreamFlag) return undefined;
  const { error } = JSON.parse(Buffer.from(data).toString()) as { readonly error?: SaidError };
  const failure = error && failureOf(error);
  return failure && endOfConnect(connectError(failure));
}

/** The codes that parsers end with, as gRPC-Web has them. */
const CODES: Readonly<Record<string, string>> = { '3': 'invalid_argument', '13': 'internal' };

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

function refused(header: Headers, failure: Failure) {
  const bytes = errorToJsonBytes(connectError(failure), undefined);
  header.set('content-type', 'application/json');
  header.set('content-length', String(bytes.byteLength));
  return { header, body: createAsyncIterable([bytes]) };
}
