import { createAsyncIterable } from '@connectrpc/connect/protocol';
import type { UniversalServerResponse } from '@connectrpc/connect/protocol';
import { errorToJsonBytes } from '@connectrpc/connect/protocol-connect';
import { reject } from '../domain/answer.js';
import { connectError } from './status-details.js';

/**
 * Gives the errors that Connect makes of messages it cannot parse the reason that all of ours have,
 * and leaves every other response as it is. Its text stays: it names the field and what came.
 */
export async function withReason(
  response: UniversalServerResponse,
): Promise<UniversalServerResponse> {
  const { status, header, body } = response;
  const isPlain = header?.get('content-type') === 'application/json';
  if (status !== 400 || !isPlain || body === undefined || header.has('content-encoding')) {
    return response;
  }
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  const bytes = Buffer.concat(chunks);
  const error = JSON.parse(bytes.toString()) as {
    readonly code?: unknown;
    readonly message?: unknown;
    readonly details?: unknown;
  };
  if (error.code !== 'invalid_argument' || error.details !== undefined) {
    return { ...response, body: createAsyncIterable([bytes]) };
  }
  const text = typeof error.message === 'string' ? error.message : 'The message has another form';
  const reasoned = errorToJsonBytes(connectError(reject('INVALID_REQUEST', text)), undefined);
  header.set('content-length', String(reasoned.byteLength));
  return { ...response, body: createAsyncIterable([reasoned]) };
}
