import { EventEmitter } from 'node:events';
import { constants, createServer } from 'node:http2';
import type { IncomingHttpHeaders, ServerHttp2Session, ServerHttp2Stream } from 'node:http2';
import type { Socket } from 'node:net';
import type { Arrivals } from './arrivals.js';
import { busy } from './busy.js';
import { follow, startFraming } from './framing.js';
import type { Framing } from './framing.js';
import { type GrpcMethod, NO_METHOD } from './grpc-methods.js';
import { keepAlive } from './keepalive.js';
import type { MountedMethod } from './method.js';
import { CONTROL_FRAMES_PER_SECOND_MAX, SESSION_MEGABYTES_MAX } from './limits.js';
import type { RpcLimits } from './limits.js';
import { refuseStream } from './refuse-stream.js';
import { refuse } from './status.js';
import type { Failure } from './status.js';

/** Serves gRPC on HTTP/2 connections, and bounds what Node leaves unbounded there. */
export interface Http2Guard {
  /** Serves a connection. */
  take(socket: Socket): void;
  /** Lets calls in progress finish; no others begin. */
  drain(): void;
  /** Ends its timers. */
  close(): void;
}

/** A connection. */
interface Seat {
  /** Calls in progress. */
  open: number;
  /** The look before the last one ended. */
  idleSince: number;
  /** What it did in the current second. */
  calls: number;
  controls: number;
}

interface GuardedCall {
  /** Where it stands among the calls. */
  place: number;
  readonly stream: ServerHttp2Stream;
  readonly framing: Framing;
  readonly kind: MountedMethod['kind'];
  /** The sweep before the message in progress began, or before the answer was ready. */
  since: number;
  /** Whether the answer waited for the client at the last sweep. */
  isLeaving: boolean;
  /** Room that was taken of the arrivals. */
  taken: number;
  isRefused: boolean;
}

/** How often late calls are looked for within the time that a request may take. */
const SWEEPS = 10;

/** How often idle connections are looked for within the time that they may be idle. */
const IDLE_LOOKS = 4;

type StreamListener = (
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  flags: number,
  rawHeaders: readonly string[],
) => void;

/**
 * Looks at every call before it is served. A call beyond a bound is answered SERVER_BUSY, one whose
 * request does not arrive in time DEADLINE_EXCEEDED; a connection that floods with control frames, stays
 * idle or gives no sign of life is closed. `methods` are by their paths.
 */
export function guardHttp2(
  limits: RpcLimits,
  arrivals: Arrivals,
  methods: ReadonlyMap<string, GrpcMethod>,
): Http2Guard {
  const server = createServer({
    maxSessionMemory: SESSION_MEGABYTES_MAX,
    // Node closes the connection of an answer that does not fit: what an error tells is bounded by itself.
    maxSendHeaderBlockLength: 2 ** 32 - 1,
    settings: {
      maxConcurrentStreams: limits.callsPerConnectionMax,
      maxHeaderListSize: limits.headerBytesMax,
    },
  });
  const seats = new Map<ServerHttp2Session, Seat>();
  /**
   * Not a Set: V8 leaves each table that one has outgrown pointing to the next, so once one of them is old,
   * every call that a later one held stays in memory until the next full collection. The collector took
   * a sixth less time without, and a quarter less where a stream's listeners go too.
   */
  const calls: GuardedCall[] = [];
  let sweep = 0;
  let look = 0;

  server.on('session', (session: ServerHttp2Session) => {
    seat(session, seats, look);
    keepAlive(session, limits);
  });
  server.on('stream', ((stream, headers, _flags, rawHeaders) => {
    const method = methods.get(headers[':path'] ?? '') ?? NO_METHOD;
    const call: GuardedCall = {
      place: calls.length,
      stream,
      framing: startFraming(),
      kind: method.kind,
      since: sweep,
      isLeaving: false,
      taken: 0,
      isRefused: false,
    };
    calls.push(call);
    const at =
      stream.session === undefined ? undefined : seats.get(stream.session as ServerHttp2Session);
    if (at !== undefined) {
      at.calls += 1;
      at.open += 1;
    }
    stream.once('close', () => {
      leave(call);
      // Node has the streams of a session in a Map: see `calls`. A stream's own way to do this looks for
      // something to read once more.
      EventEmitter.prototype.removeAllListeners.call(stream);
      arrivals.give(call.taken);
      call.taken = 0;
      if (at === undefined) return;
      at.open -= 1;
      at.idleSince = look;
    });
    if (isOverlong(stream, rawHeaders, limits.headerBytesMax)) {
      stream.on('error', () => undefined);
      stream.close(constants.NGHTTP2_ENHANCE_YOUR_CALM);
      return;
    }
    const isFast = limits.callsPerSecondMax > 0 && (at?.calls ?? 0) > limits.callsPerSecondMax;
    if (isFast || calls.length > limits.callsMax) {
      refuseCall(call, busy());
      return;
    }
    stream.on('data', (bytes: Buffer) => arrive(call, bytes));
    method.serve(stream, headers);
  }) satisfies StreamListener);

  /** The last one takes the place of a call that is over. */
  function leave({ place }: GuardedCall): void {
    const last = calls.pop();
    if (last === undefined || last.place === place) return;
    calls[place] = last;
    last.place = place;
  }

  function arrive(call: GuardedCall, bytes: Buffer): void {
    if (call.isRefused) return;
    const { framing } = call;
    const before = framing.messages;
    follow(framing, bytes, limits.messageBytesMax);
    if (framing.messages > before) call.since = sweep;
    const held = Math.min(framing.held, limits.messageBytesMax);
    const more = held + framing.inflatedBytes - call.taken;
    if (more === 0) return;
    if (more < 0) arrivals.give(-more);
    else if (!arrivals.take(more)) {
      refuseCall(call, busy());
      return;
    }
    call.taken += more;
  }

  function judge(call: GuardedCall): void {
    const { stream, framing, kind } = call;
    const isLeaving = stream.writableEnded || (kind === 'unary' && stream.writableLength > 0);
    if (isLeaving !== call.isLeaving) {
      call.isLeaving = isLeaving;
      call.since = sweep;
    }
    const isOpenEnded = kind === 'bidi_streaming';
    const isArriving = isOpenEnded ? framing.prefix > 0 : !stream.readableEnded;
    // What was compressed has been inflated and read since the last sweep.
    if (isOpenEnded && !isArriving && call.taken > 0) {
      arrivals.give(call.taken);
      call.taken = 0;
    }
    // Who is not read from cannot send.
    if (isOpenEnded && stream.isPaused()) call.since = sweep;
    if (sweep - call.since <= SWEEPS) return;
    // A client takes NO_ERROR, which a mere end would tell it, for an answer.
    if (stream.closed) stream.destroy();
    else if (call.isLeaving) stream.close(constants.NGHTTP2_CANCEL);
    else if (isArriving) refuseCall(call, LATE);
  }

  const sweeping = setInterval(
    () => {
      sweep += 1;
      for (const call of [...calls]) judge(call);
    },
    Math.ceil(limits.requestTimeoutMs / SWEEPS),
  );
  const seconds = setInterval(() => {
    for (const own of seats.values()) {
      own.calls = 0;
      own.controls = 0;
    }
  }, 1_000);
  const looking = setInterval(
    () => {
      look += 1;
      for (const [session, own] of seats) {
        if (own.open === 0 && look - own.idleSince > IDLE_LOOKS) session.close();
      }
    },
    Math.ceil(limits.idleTimeoutMs / IDLE_LOOKS),
  );
  sweeping.unref();
  seconds.unref();
  looking.unref();
  return {
    take: (socket) => void server.emit('connection', socket),
    drain() {
      for (const session of seats.keys()) session.close();
    },
    close() {
      clearInterval(sweeping);
      clearInterval(seconds);
      clearInterval(looking);
    },
  };
}

const LATE = refuse('DEADLINE_EXCEEDED', 'The request did not arrive in time');

/** Node holds a peer to the bound of headers once it has acknowledged it; until then this does. */
function isOverlong(
  { session }: ServerHttp2Stream,
  rawHeaders: readonly string[],
  bytesMax: number,
): boolean {
  if (session?.pendingSettingsAck !== true) return false;
  let bytes = 0;
  // 32 for each name with its value (RFC 9113, section 6.5.2).
  for (const text of rawHeaders) bytes += text.length + 16;
  return bytes > bytesMax;
}

/** Counts what a connection does; closes one that floods with pings or settings. */
function seat(
  session: ServerHttp2Session,
  seats: Map<ServerHttp2Session, Seat>,
  idleSince: number,
): void {
  const own: Seat = { open: 0, idleSince, calls: 0, controls: 0 };
  seats.set(session, own);
  session.once('close', () => seats.delete(session));
  const control = (): void => {
    own.controls += 1;
    if (own.controls > CONTROL_FRAMES_PER_SECOND_MAX) {
      session.destroy(undefined, constants.NGHTTP2_ENHANCE_YOUR_CALM);
    }
  };
  session.on('ping', control);
  session.on('remoteSettings', control);
}

/** Answers a call with a failure alone; what still comes of it is not looked at. */
function refuseCall(call: GuardedCall, failure: Failure): void {
  const { stream } = call;
  call.isRefused = true;
  if (!stream.destroyed && !stream.closed) stream.on('error', () => undefined);
  refuseStream(stream, failure);
}
