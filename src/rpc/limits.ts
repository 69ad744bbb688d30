import type { Amount } from '../domain/amount.js';

/** The bounds that the transports keep. The names are those of the configuration. */
export interface RpcLimits {
  /** Largest request message in bytes, decompressed. */
  readonly messageBytesMax: number;
  /** Largest sum of the headers of a request in bytes; HTTP/2 counts 32 more for each header. */
  readonly headerBytesMax: number;
  /** Most connections of a listener; more are closed at once. */
  readonly connectionsMax: number;
  /** Most connections of one remote IP address, loopback excepted; more are closed at once. */
  readonly connectionsPerPeerMax: number;
  /** Most calls in progress on a listener: SERVER_BUSY beyond. */
  readonly callsMax: number;
  /** Most calls in progress on one HTTP/2 connection; a client waits before it begins more. */
  readonly callsPerConnectionMax: number;
  /** Most calls that one connection may begin in a second: SERVER_BUSY beyond. 0: any number. */
  readonly callsPerSecondMax: number;
  /** Most bytes that a listener holds of requests that are not whole yet: SERVER_BUSY beyond. */
  readonly requestBytesMax: number;
  /** Most open streaming calls of a listener: TOO_MANY_STREAMS beyond. */
  readonly streamsMax: number;
  /** Most items of a BatchSpend: BATCH_TOO_LARGE beyond. */
  readonly batchItemsMax: number;
  /** Most items of a SpendStream that wait for their answer; beyond, the stream is not read. */
  readonly streamItemsInWorkMax: number;
  /** Most agents of one WatchBudgets. */
  readonly watchedAgentsMax: number;
  /** Largest amount of a spend with SPEND_MODE_FORCE. */
  readonly forcedAmountMax: Amount;
  /** How long a connection may take to say what it speaks, and HTTP/1.1 headers to arrive. */
  readonly headersTimeoutMs: number;
  /** How long a request may take to arrive, and an answer that is ready to be taken. */
  readonly requestTimeoutMs: number;
  /** How long an HTTP/2 connection without calls is kept. */
  readonly idleTimeoutMs: number;
  /** After so much silence an HTTP/2 peer is asked for a sign of life. */
  readonly keepaliveIntervalMs: number;
  /** How long it may take to give it. */
  readonly keepaliveTimeoutMs: number;
}

/**
 * Most frames of one HTTP/2 connection in a second that only ask for an answer or say nothing, such as
 * pings and settings.
 */
export const CONTROL_FRAMES_PER_SECOND_MAX = 10_000;

/** Most calls of one HTTP/2 connection in a second that may end by a reset. */
export const RESETS_PER_SECOND_MAX = 1_000;

/** What may wait of answers on one HTTP/2 connection until its peer takes them, in bytes. */
export const OUTPUT_BYTES_MAX = 67_108_864;

/** How long an idle HTTP/1.1 connection is kept, in milliseconds. */
export const IDLE_MS_MAX = 75_000;

/** Largest page of a list, and the page when none is asked for. */
export const PAGE_SIZE = { max: 1_000, default: 50 } as const;

/** What the details of one error may take in its trailer: clients refuse trailers above 8 KiB. */
export const ERROR_DETAIL_BYTES_MAX = 3_072;

/** Largest document of ApplyConfiguration in bytes. */
export const DOCUMENT_BYTES_MAX = 1_048_576;
