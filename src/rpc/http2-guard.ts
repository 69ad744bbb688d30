import type { Socket } from 'node:net';
import { Connection, type ConnectionLimits } from '../http2/connection.js';
import type { Http2Stream, StreamHandler } from '../http2/stream.js';
import type { Arrivals } from './arrivals.js';
import { busy } from './busy.js';
import { type Framing, follow, startFraming } from './framing.js';
import { type GrpcMethod, NO_METHOD } from './grpc-methods.js';
import { keepAlive } from './keepalive.js';
import {
  CONTROL_FRAMES_PER_SECOND_MAX,
  OUTPUT_BYTES_MAX,
  RESETS_PER_SECOND_MAX,
  type RpcLimits,
} from './limits.js';
import type { MountedMethod } from './method.js';
import { refuseStream } from './refuse-stream.js';
import { type Failure, refuse } from './status.js';

/** Serves gRPC on HTTP/2 connections, and bounds what a client may take of the listener. */
export interface Http2Guard {
  /** Serves a connection. */
  take(socket: Socket): void;
  /** Lets calls in progress finish; no others begin. */
  drain(): void;
  /** Ends its timers. */
  close(): void;
}

/** A connection and what it does. */
interface Seat {
  /** Calls in progress. */
  open: number;
  /** The look before the last one ended. */
  idleSince: number;
  /** What it began in the current second. */
  calls: number;
}

/** How often late calls are looked for within the time that a request may take. */
const SWEEPS = 10;

/** How often idle connections are looked for within the time that they may be idle. */
const IDLE_LOOKS = 4;

/**
 * Looks at every call before it is served. A call beyond a bound is answered SERVER_BUSY, one whose
 * request does not arrive in time DEADLINE_EXCEEDED; a connection that stays idle or gives no sign of
 * life is closed. `methods` are by their paths.
 */
export function guardHttp2(
  limits: RpcLimits,
  arrivals: Arrivals,
  methods: ReadonlyMap<string, GrpcMethod>,
): Http2Guard {
  const connectionLimits: ConnectionLimits = {
    streamsMax: limits.callsPerConnectionMax,
    headerBytesMax: limits.headerBytesMax,
    controlsPerSecondMax: CONTROL_FRAMES_PER_SECOND_MAX,
    resetsPerSecondMax: RESETS_PER_SECOND_MAX,
    outputBytesMax: OUTPUT_BYTES_MAX,
    lingerMs: limits.keepaliveTimeoutMs,
  };
  const seats = new Map<Connection, Seat>();
  /**
   * Not a Set: V8 leaves each table that one has outgrown pointing to the next, so once one of them is old,
   * every call that a later one held stays in memory until the next full collection. The collector took
   * a sixth less time without.
   */
  const calls: GuardedCall[] = [];
  let sweep = 0;
  let look = 0;

  /** A call as its bounds see it, before whoever serves it. */
  class GuardedCall implements StreamHandler {
    /** Where it stands among the calls. */
    place = calls.length;
    readonly stream: Http2Stream;
    readonly #kind: MountedMethod['kind'];
    readonly #seat: Seat;
    readonly #framing: Framing = startFraming();
    #handler: StreamHandler | undefined;
    /** The sweep before the message in progress began, or before the answer was ready. */
    #since = sweep;
    /** Whether the answer waited for the client at the last sweep. */
    #isLeaving = false;
    /** Room that was taken of the arrivals. */
    #taken = 0;

    constructor(stream: Http2Stream, kind: MountedMethod['kind'], seat: Seat) {
      this.stream = stream;
      this.#kind = kind;
      this.#seat = seat;
      calls.push(this);
      seat.calls += 1;
      seat.open += 1;
    }

    serve(method: GrpcMethod): void {
      this.#handler = method.serve(this.stream);
    }

    refuse(failure: Failure): void {
      refuseStream(this.stream, failure);
    }

    data(bytes: Buffer): void {
      const framing = this.#framing;
      const before = framing.messages;
      follow(framing, bytes, limits.messageBytesMax);
      if (framing.messages > before) this.#since = sweep;
      const held = Math.min(framing.held, limits.messageBytesMax);
      const more = held + framing.inflatedBytes - this.#taken;
      if (more < 0) {
        arrivals.give(-more);
      } else if (more > 0 && !arrivals.take(more)) {
        this.refuse(busy());
        return;
      }
      this.#taken += more;
      this.#handler?.data(bytes);
    }

    ended(): void {
      this.#handler?.ended();
    }

    drained(): void {
      this.#handler?.drained();
    }

    closed(): void {
      const last = calls.pop();
      if (last !== undefined && last !== this) {
        // The last one takes the place of a call that is over.
        calls[this.place] = last;
        last.place = this.place;
      }
      arrivals.give(this.#taken);
      this.#taken = 0;
      this.#seat.open -= 1;
      this.#seat.idleSince = look;
      this.#handler?.closed();
    }

    judge(): void {
      const { stream } = this;
      const isLeaving = stream.isAnswered;
      if (isLeaving !== this.#isLeaving) {
        this.#isLeaving = isLeaving;
        this.#since = sweep;
      }
      const isOpenEnded = this.#kind === 'bidi_streaming';
      const isArriving = isOpenEnded ? this.#framing.prefix > 0 : !stream.hasEnded;
      // What was compressed has been inflated and read since the last sweep.
      if (isOpenEnded && !isArriving && this.#taken > 0) {
        arrivals.give(this.#taken);
        this.#taken = 0;
      }
      // Who is not read from cannot send.
      if (isOpenEnded && stream.isPaused) this.#since = sweep;
      if (sweep - this.#since <= SWEEPS) return;
      if (isLeaving) stream.reset();
      else if (isArriving) this.refuse(LATE);
    }
  }

  function begin(stream: Http2Stream, seat: Seat): void {
    const method = methods.get(stream.headers[':path'] ?? '') ?? NO_METHOD;
    const call = new GuardedCall(stream, method.kind, seat);
    stream.handler = call;
    const isFast = limits.callsPerSecondMax > 0 && seat.calls > limits.callsPerSecondMax;
    if (isFast || calls.length > limits.callsMax) call.refuse(busy());
    else call.serve(method);
  }

  function take(socket: Socket): void {
    const seat: Seat = { open: 0, idleSince: look, calls: 0 };
    const connection: Connection = new Connection(socket, connectionLimits, {
      begin: (stream) => begin(stream, seat),
      closed() {
        seats.delete(connection);
        forget();
      },
    });
    const forget = keepAlive(connection, limits);
    seats.set(connection, seat);
  }

  const sweeping = setInterval(
    () => {
      sweep += 1;
      for (const call of [...calls]) call.judge();
    },
    Math.ceil(limits.requestTimeoutMs / SWEEPS),
  );
  const seconds = setInterval(() => {
    for (const [connection, seat] of seats) {
      seat.calls = 0;
      connection.beginSecond();
    }
  }, 1_000);
  const looking = setInterval(
    () => {
      look += 1;
      for (const [connection, seat] of seats) {
        if (seat.open === 0 && look - seat.idleSince > IDLE_LOOKS) connection.drain();
      }
    },
    Math.ceil(limits.idleTimeoutMs / IDLE_LOOKS),
  );
  sweeping.unref();
  seconds.unref();
  looking.unref();
  return {
    take,
    drain() {
      for (const connection of [...seats.keys()]) connection.drain();
    },
    close() {
      clearInterval(sweeping);
      clearInterval(seconds);
      clearInterval(looking);
    },
  };
}

const LATE = refuse('DEADLINE_EXCEEDED', 'The request did not arrive in time');
