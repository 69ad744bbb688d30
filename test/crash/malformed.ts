/** Frames that RFC 9113 forbids, and what a sidecar makes of each. */
import { FLAG, FRAME, call, callFields, fields, frame, settings } from '../support/http2-frames.js';

const SPEND = '/safeguards.v1.BudgetService/Spend';

const PROTOCOL_ERROR = 1;
const FLOW_CONTROL_ERROR = 3;
const FRAME_SIZE_ERROR = 6;
const COMPRESSION_ERROR = 9;

/**
 * How it ends: the connection by GOAWAY or stream 1 by RST_STREAM, with the code, or nothing does.
 */
export type End =
  { readonly by: 'GOAWAY' | 'RST_STREAM'; readonly code: number } | { readonly by: 'nothing' };

const connection = (code: number): End => ({ by: 'GOAWAY', code });
const stream = (code: number): End => ({ by: 'RST_STREAM', code });
const nothing: End = { by: 'nothing' };

/** A block of header fields as the head of stream 1. */
const head = (block: Buffer): Buffer => frame(FRAME.HEADERS, FLAG.END_HEADERS, 1, block);

/** By what is wrong with them. */
export const MALFORMED: Readonly<Record<string, readonly [bytes: Buffer, end: End]>> = {
  'data on stream 0': [frame(FRAME.DATA, 0, 0, Buffer.alloc(1)), connection(PROTOCOL_ERROR)],
  'data on a stream that is not open': [
    frame(FRAME.DATA, 0, 99, Buffer.alloc(1)),
    connection(PROTOCOL_ERROR),
  ],
  'headers on an even stream': [call(2, SPEND), connection(PROTOCOL_ERROR)],
  'headers on stream 0': [call(0, SPEND), connection(PROTOCOL_ERROR)],
  'a frame longer than may be': [
    frame(FRAME.DATA, 0, 1, Buffer.alloc(100), 0xffffff),
    connection(FRAME_SIZE_ERROR),
  ],
  'settings of half a pair': [
    frame(FRAME.SETTINGS, 0, 0, Buffer.alloc(5)),
    connection(FRAME_SIZE_ERROR),
  ],
  'settings on a stream': [frame(FRAME.SETTINGS, 0, 1), connection(PROTOCOL_ERROR)],
  'a window of more than may be': [settings([4, 0xffffffff]), connection(FLOW_CONTROL_ERROR)],
  'a frame size below the least': [settings([5, 1]), connection(PROTOCOL_ERROR)],
  'a window update of nothing': [
    frame(FRAME.WINDOW_UPDATE, 0, 0, Buffer.alloc(4)),
    connection(PROTOCOL_ERROR),
  ],
  'a window update that overflows': [
    Buffer.concat([
      frame(FRAME.WINDOW_UPDATE, 0, 0, Buffer.from([0x7f, 0xff, 0xff, 0xff])),
      frame(FRAME.WINDOW_UPDATE, 0, 0, Buffer.from([0x7f, 0xff, 0xff, 0xff])),
    ]),
    connection(FLOW_CONTROL_ERROR),
  ],
  'a reset of an idle stream': [
    frame(FRAME.RST_STREAM, 0, 77, Buffer.alloc(4)),
    connection(PROTOCOL_ERROR),
  ],
  'a short reset': [frame(FRAME.RST_STREAM, 0, 1, Buffer.alloc(2)), connection(FRAME_SIZE_ERROR)],
  'a push of a client': [
    frame(FRAME.PUSH_PROMISE, FLAG.END_HEADERS, 1, Buffer.alloc(8)),
    connection(PROTOCOL_ERROR),
  ],
  'a short ping': [frame(FRAME.PING, 0, 0, Buffer.alloc(3)), connection(FRAME_SIZE_ERROR)],
  'a ping on a stream': [frame(FRAME.PING, 0, 3, Buffer.alloc(8)), connection(PROTOCOL_ERROR)],
  'a short goaway': [frame(FRAME.GOAWAY, 0, 0, Buffer.alloc(3)), connection(FRAME_SIZE_ERROR)],
  'a continuation of nothing': [
    frame(FRAME.CONTINUATION, FLAG.END_HEADERS, 1, Buffer.alloc(1)),
    connection(PROTOCOL_ERROR),
  ],
  'more padding than frame': [
    Buffer.concat([call(1, SPEND), frame(FRAME.DATA, FLAG.PADDED, 1, Buffer.from([200, 0, 0]))]),
    connection(PROTOCOL_ERROR),
  ],
  'a stream that depends on itself': [
    frame(FRAME.PRIORITY, 0, 3, Buffer.from([0, 0, 0, 3, 16])),
    // RFC 9113 leaves priorities out.
    nothing,
  ],
  'an index that no table has': [
    head(Buffer.from([0xff, 0xff, 0x7f])),
    connection(COMPRESSION_ERROR),
  ],
  'a header table of 4 GiB': [
    head(Buffer.from([0x3f, 0xff, 0xff, 0xff, 0xff, 0x0f])),
    connection(COMPRESSION_ERROR),
  ],
  'a name in capitals': [
    head(fields({ ...callFields(SPEND), Upper: 'x' })),
    stream(PROTOCOL_ERROR),
  ],
  'no path': [head(fields({ ':method': 'POST', ':scheme': 'http' })), stream(PROTOCOL_ERROR)],
  'two paths': [
    head(Buffer.concat([fields(callFields(SPEND)), fields({ ':path': '/' })])),
    stream(PROTOCOL_ERROR),
  ],
  'a connection header': [call(1, SPEND, { connection: 'close' }), stream(PROTOCOL_ERROR)],
  'a line break in a value': [call(1, SPEND, { x: 'a\r\nb: c' }), stream(PROTOCOL_ERROR)],
  'a frame of an unknown type': [frame(0xee, 0xff, 1, Buffer.alloc(20)), nothing],
};
