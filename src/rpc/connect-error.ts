import { Code, ConnectError } from '@connectrpc/connect';
import { codeFromString } from '@connectrpc/connect/protocol-connect';
import { detailsOf, nameOf } from './status-details.js';
import type { Failure } from './status.js';

/** A failure as an error of Connect and gRPC-Web, with the details that gRPC has. */
export function connectError(failure: Failure): ConnectError {
  const code = codeFromString(nameOf(failure).toLowerCase()) ?? Code.Unknown;
  return new ConnectError(failure.message, code, undefined, detailsOf(failure));
}
