import { ERROR, type ErrorCode } from './frames.js';

/** What a connection is ended for. */
export class ConnectionError extends Error {
  override readonly name = 'ConnectionError';
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** The peer has sent what nobody may send. */
export function protocolError(what: string): ConnectionError {
  return new ConnectionError(ERROR.PROTOCOL_ERROR, what);
}

/** A frame of the peer has a length that it must not have. */
export function frameSizeError(what: string): ConnectionError {
  return new ConnectionError(ERROR.FRAME_SIZE_ERROR, what);
}

/** The peer has sent more than it may, or lets more be sent than anybody may. */
export function flowControlError(what: string): ConnectionError {
  return new ConnectionError(ERROR.FLOW_CONTROL_ERROR, what);
}

/** The peer makes more work than may be. */
export function excess(what: string): ConnectionError {
  return new ConnectionError(ERROR.ENHANCE_YOUR_CALM, what);
}
