/** The frames of HTTP/2, what they may say, and how they are written (RFC 9113, sections 4, 6 and 7). */

/** Types of frames. */
export const FRAME = {
  DATA: 0,
  HEADERS: 1,
  PRIORITY: 2,
  RST_STREAM: 3,
  SETTINGS: 4,
  PUSH_PROMISE: 5,
  PING: 6,
  GOAWAY: 7,
  WINDOW_UPDATE: 8,
  CONTINUATION: 9,
} as const;

/** Flags of frames. One bit says END_STREAM on DATA and HEADERS, ACK on SETTINGS and PING. */
export const FLAG = { END_STREAM: 1, ACK: 1, END_HEADERS: 4, PADDED: 8, PRIORITY: 32 } as const;

/** Settings that are read or sent. */
export const SETTING = {
  HEADER_TABLE_SIZE: 1,
  ENABLE_PUSH: 2,
  MAX_CONCURRENT_STREAMS: 3,
  INITIAL_WINDOW_SIZE: 4,
  MAX_FRAME_SIZE: 5,
  MAX_HEADER_LIST_SIZE: 6,
} as const;

/** Why a stream or a connection ends. */
export const ERROR = {
  NO_ERROR: 0,
  PROTOCOL_ERROR: 1,
  INTERNAL_ERROR: 2,
  FLOW_CONTROL_ERROR: 3,
  STREAM_CLOSED: 5,
  FRAME_SIZE_ERROR: 6,
  REFUSED_STREAM: 7,
  CANCEL: 8,
  COMPRESSION_ERROR: 9,
  ENHANCE_YOUR_CALM: 11,
} as const;

/** One of the codes that end a stream or a connection. */
export type ErrorCode = (typeof ERROR)[keyof typeof ERROR];

/** Bytes in front of every frame's payload. */
export const FRAME_HEAD_BYTES = 9;

/** The largest payload of a frame that every peer takes, and that is taken here. */
export const FRAME_BYTES_MAX = 16_384;

/** What either side may send at first, on each stream and on the connection, in bytes. */
export const WINDOW_BYTES = 65_535;

/** The largest that a window may become. */
export const WINDOW_BYTES_MAX = 2 ** 31 - 1;

/** What a client begins with. */
export const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
