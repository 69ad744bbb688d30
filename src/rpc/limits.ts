import type { Amount } from '../domain/amount.js';

/** The bounds that the transports keep. The names are those of the configuration. */
export interface RpcLimits {
  /** Largest request message in bytes, decompressed. */
  readonly messageBytesMax: number;
  /** Largest sum of the headers of an HTTP/1.1 request in bytes; HTTP/2 allows 64 KiB. */
  readonly headerBytesMax: number;
  /** Most connections of a listener; more are closed at once. */
  readonly connectionsMax: number;
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
  /** How long a connection may take to say what it speaks, in milliseconds. Default 10,000. */
  readonly firstBytesMsMax?: number;
}

/** Most calls in progress on one HTTP/2 connection; a client waits before it begins more. */
export const CALLS_PER_CONNECTION_MAX = 1_000;

/** What one HTTP/2 connection may hold in memory outside of its streams, in millions of bytes. */
export const SESSION_MEGABYTES_MAX = 64;

/** After so much silence an HTTP/2 peer is asked for a sign of life, in milliseconds. */
export const KEEPALIVE_MS = 30_000;

/** How long it may take to give it, in milliseconds. */
export const KEEPALIVE_TIMEOUT_MS = 20_000;

/** How long an HTTP/1.1 request may take to arrive, in milliseconds. */
export const REQUEST_MS_MAX = 60_000;

/** How long an idle HTTP/1.1 connection is kept, in milliseconds. */
export const IDLE_MS_MAX = 75_000;

/** Largest page of a list, and the page when none is asked for. */
export const PAGE_SIZE = { max: 1_000, default: 50 } as const;

/** What the details of one error may take in its trailer: clients refuse trailers above 8 KiB. */
export const ERROR_DETAIL_BYTES_MAX = 3_072;

/** Largest document of ApplyConfiguration in bytes. */
export const DOCUMENT_BYTES_MAX = 1_048_576;
