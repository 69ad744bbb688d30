import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import { ConnectionError, frameSizeError, protocolError } from './errors.js';
import { FrameReader } from './frame-reader.js';
import {
  ERROR,
  type ErrorCode,
  FLAG,
  FRAME,
  SETTING,
  WINDOW_BYTES,
  WINDOW_BYTES_MAX,
} from './frames.js';
import { type HeaderBlock, HeaderReader } from './header-reader.js';
import { linger } from './linger.js';
import { paddingOf } from './padding.js';
import { type RateLimits, Rates } from './rates.js';
import { RecentStreams } from './recent-streams.js';
import { type RequestHeaders, bodyLength } from './request-headers.js';
import { Sender } from './sender.js';
import { initialWindowOf } from './settings.js';
import { StreamTable } from './stream-table.js';
import { Http2Stream } from './stream.js';

/** What a peer may take of a connection. */
export interface ConnectionLimits extends RateLimits {
  /** Most open streams; the peer is told, and streams beyond are refused. */
  readonly streamsMax: number;
  /** Most bytes of a request's header fields, each with 32 more; the peer is told. */
  readonly headerBytesMax: number;
  /** Most bytes of answers that wait until the peer takes them. */
  readonly outputBytesMax: number;
  /** How long a peer that has been told everything may be silent before it is closed, in milliseconds. */
  readonly lingerMs: number;
}

/** Whom a connection serves. */
export interface ConnectionHandler {
  /** A request has begun. It sets the stream's handler before anything else. */
  begin(stream: Http2Stream): void;
  /** The connection is over, all its streams were closed. Told once. */
  closed(): void;
}

/** The same for a peer that is told what it did. */
const FAILED_LINGER_MS = 1_000;

const PING_BYTES = 8;

/**
 * The server's side of an HTTP/2 connection (RFC 9113), as far as gRPC needs it: no push, no priorities,
 * nothing compressed that is sent. A peer that breaks the protocol is told by RST_STREAM or GOAWAY.
 */
export class Connection {
  readonly socket: Socket;
  readonly sender: Sender;
  readonly #limits: ConnectionLimits;
  readonly #handler: ConnectionHandler;
  readonly #frames = new FrameReader((...frame) => this.#take(...frame));
  readonly #headers: HeaderReader;
  readonly #streams = new StreamTable<Http2Stream>();
  readonly #recent = new RecentStreams();
  #hasSettings = false;
  #lastStream = 0;
  /** The last stream that is served, where the peer was told to begin no more. */
  #servedUntil: number | undefined;
  /** What came on all streams since the peer was last told that it was taken. */
  #taken = 0;
  readonly #rates: Rates;
  #pinged: { readonly payload: Buffer; readonly answered: () => void } | undefined;
  #isOver = false;

  constructor(socket: Socket, limits: ConnectionLimits, handler: ConnectionHandler) {
    this.socket = socket;
    this.sender = new Sender(socket, limits.outputBytesMax);
    this.#limits = limits;
    this.#rates = new Rates(limits);
    this.#handler = handler;
    this.#headers = new HeaderReader(limits.headerBytesMax);
    socket.on('data', (bytes: Buffer) => this.#read(bytes));
    socket.on('close', () => this.#leave());
    this.sender.settings([
      [SETTING.MAX_CONCURRENT_STREAMS, limits.streamsMax],
      [SETTING.MAX_HEADER_LIST_SIZE, limits.headerBytesMax],
    ]);
  }

  /** Whether it takes no more streams. */
  get isEnding(): boolean {
    return this.#isOver || this.#servedUntil !== undefined;
  }

  /** A second has passed: what was counted in it is forgotten. */
  beginSecond(): void {
    this.#rates.beginSecond();
  }

  /** Asks for a sign of life, one at a time. */
  ping(answered: () => void): void {
    // Nobody can tell beforehand what shows that it has been read.
    const payload = randomBytes(PING_BYTES);
    this.#pinged = { payload, answered };
    this.sender.ping(0, payload);
  }

  /** Takes no more streams, lets those that are open finish, and closes. */
  drain(): void {
    if (this.isEnding) return;
    this.#servedUntil = this.#lastStream;
    this.sender.goaway(this.#lastStream, ERROR.NO_ERROR);
    this.#endWhenDrained();
  }

  /** Ends a stream whose answer has left, but for its last header fields. */
  finish(stream: Http2Stream, block: Buffer): void {
    this.sender.headers(stream.id, block, true);
    if (!stream.hasEnded) this.#needNoMore(stream.id);
    this.#close(stream, !stream.hasEnded);
  }

  /**
   * Tells a client that the rest of its request is not needed (RFC 9113, section 8.1). Some take what
   * comes in one piece with the reset for an answer that was lost.
   */
  #needNoMore(stream: number): void {
    setImmediate(() => {
      if (!this.#isOver) this.sender.reset(stream, ERROR.NO_ERROR);
    });
  }

  reset(stream: Http2Stream, code: ErrorCode): void {
    this.sender.reset(stream.id, code);
    this.#close(stream, true);
  }

  /** Lets the peer send as much again as was taken of a stream. */
  widen(stream: Http2Stream): void {
    if (stream.hasEnded || stream.isPaused || stream.ownWindow > WINDOW_BYTES / 2) return;
    this.sender.widen(stream.id, WINDOW_BYTES - stream.ownWindow);
    stream.ownWindow = WINDOW_BYTES;
  }

  #close(stream: Http2Stream, isOurs: boolean): void {
    if (stream.isClosed) return;
    stream.isClosed = true;
    this.#streams.delete(stream.id);
    this.#recent.add(stream.id, isOurs);
    this.sender.forget(stream);
    stream.handler.closed();
    if (this.isEnding) this.#endWhenDrained();
  }

  #endWhenDrained(): void {
    if (this.#streams.size === 0 && !this.#isOver) this.#end(this.#limits.lingerMs);
  }

  /** Closes after what was sent, once the peer has had the time to read it. */
  #end(lingerMs: number): void {
    this.sender.flush();
    this.#frames.stop();
    linger(this.socket, lingerMs);
    this.#leave();
  }

  /** Nothing of the connection counts any more. */
  #leave(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    for (const stream of this.#streams.all()) this.#close(stream, true);
    this.#handler.closed();
  }

  #read(bytes: Buffer): void {
    try {
      this.#frames.read(bytes);
    } catch (cause) {
      if (!(cause instanceof ConnectionError)) throw cause;
      if (this.#isOver) return;
      this.sender.goaway(this.#servedUntil ?? this.#lastStream, cause.code);
      this.#end(FAILED_LINGER_MS);
      return;
    }
    this.sender.flush();
  }

  #take(type: number, flags: number, id: number, bytes: Buffer, from: number, to: number): void {
    if (!this.#hasSettings) {
      if (type !== FRAME.SETTINGS || (flags & FLAG.ACK) !== 0) {
        throw protocolError('The first frame is no SETTINGS');
      }
      this.#hasSettings = true;
    }
    if (this.#headers.isOpen && type !== FRAME.CONTINUATION) {
      throw protocolError('A frame stands within header fields');
    }
    if (type > FRAME.RST_STREAM && type < FRAME.WINDOW_UPDATE) this.#rates.control();
    switch (type) {
      case FRAME.DATA:
        this.#takeData(id, flags, bytes, from, to);
        break;
      case FRAME.HEADERS:
        if (id % 2 === 0) throw protocolError('HEADERS are on no stream of a client');
        this.#takeHeaders(this.#headers.headers(id, flags, bytes, from, to));
        break;
      case FRAME.CONTINUATION:
        this.#takeHeaders(this.#headers.continuation(id, flags, bytes.subarray(from, to)));
        break;
      case FRAME.RST_STREAM:
        this.#takeReset(id, to - from);
        break;
      case FRAME.WINDOW_UPDATE:
        if (to - from !== 4) throw frameSizeError('A WINDOW_UPDATE has another length');
        this.#takeWindow(id, bytes.readUInt32BE(from) & 0x7fffffff);
        break;
      case FRAME.SETTINGS:
        this.#takeSettings(id, flags, bytes.subarray(from, to));
        break;
      case FRAME.PING:
        this.#takePing(id, flags, bytes.subarray(from, to));
        break;
      case FRAME.GOAWAY:
        if (id !== 0) throw protocolError('GOAWAY is on a stream');
        if (to - from < 8) throw frameSizeError('A GOAWAY is too short');
        break;
      case FRAME.PRIORITY:
        this.#rates.control();
        if (id === 0) throw protocolError('PRIORITY is on no stream');
        if (to - from !== 5) this.#streamError(id, ERROR.FRAME_SIZE_ERROR);
        break;
      case FRAME.PUSH_PROMISE:
        throw protocolError('A client pushes');
      default:
        // Frames of other types are left out (section 4.1).
        this.#rates.control();
    }
  }

  #takeData(id: number, flags: number, bytes: Buffer, from: number, to: number): void {
    if (id === 0 || this.#isIdle(id)) throw protocolError('DATA is on no stream that was open');
    const length = to - from;
    // What came is taken: more than two frames before the window is empty the peer is told so.
    this.#taken += length;
    if (this.#taken > WINDOW_BYTES / 2) {
      this.sender.widen(0, this.#taken);
      this.#taken = 0;
    }
    const isLast = (flags & FLAG.END_STREAM) !== 0;
    if (length === 0 && !isLast) this.#rates.control();
    const padding = paddingOf(flags, bytes, from, to);
    const stream = this.#streams.get(id);
    if (stream === undefined || stream.hasEnded) {
      if (!this.#recent.isOurs(id)) this.#streamError(id, ERROR.STREAM_CLOSED);
      return;
    }
    stream.ownWindow -= length;
    if (stream.ownWindow < 0) {
      this.#streamError(id, ERROR.FLOW_CONTROL_ERROR);
      return;
    }
    const body =
      padding === 0 ? bytes.subarray(from, to) : bytes.subarray(from + 1, to - padding + 1);
    if (stream.bodyBytes !== undefined) {
      stream.bodyBytes -= body.length;
      if (stream.bodyBytes < 0 || (isLast && stream.bodyBytes > 0)) {
        this.#streamError(id, ERROR.PROTOCOL_ERROR);
        return;
      }
    }
    stream.hasEnded = isLast;
    if (!isLast) this.widen(stream);
    if (body.length > 0 && !stream.isAnswered) stream.handler.data(body);
    if (isLast) this.#tellEnded(stream);
  }

  /** Header fields have come whole, unless more is to come. */
  #takeHeaders(block: HeaderBlock | undefined): void {
    if (block === undefined) return;
    const { stream: id, headers, isLast, isOverlong } = block;
    if (id <= this.#lastStream) {
      this.#takeTrailers(block);
      return;
    }
    this.#lastStream = id;
    if (headers !== undefined) this.#begin(id, headers, isLast);
    else this.#refuse(id, isOverlong ? ERROR.ENHANCE_YOUR_CALM : ERROR.PROTOCOL_ERROR);
  }

  #begin(id: number, headers: RequestHeaders, isLast: boolean): void {
    if (this.#streams.size >= this.#limits.streamsMax || this.#servedUntil !== undefined) {
      this.#refuse(id, ERROR.REFUSED_STREAM);
      return;
    }
    const bodyBytes = bodyLength(headers);
    if (Number.isNaN(bodyBytes) || (isLast && (bodyBytes ?? 0) > 0)) {
      this.#refuse(id, ERROR.PROTOCOL_ERROR);
      return;
    }
    const stream = new Http2Stream(id, headers, this);
    stream.bodyBytes = bodyBytes;
    stream.hasEnded = isLast;
    this.#streams.add(stream);
    this.#handler.begin(stream);
    if (isLast) this.#tellEnded(stream);
  }

  #takeTrailers({ stream: id, isLast, isOverlong, areTrailers }: HeaderBlock): void {
    const stream = this.#streams.get(id);
    if (stream === undefined) {
      if (this.#recent.isOurs(id)) return;
      if (!this.#recent.has(id)) throw protocolError('HEADERS are on an earlier stream');
      throw new ConnectionError(ERROR.STREAM_CLOSED, 'HEADERS are on a stream that is over');
    }
    if (stream.hasEnded) this.#streamError(id, ERROR.STREAM_CLOSED);
    else if (isOverlong) this.#streamError(id, ERROR.ENHANCE_YOUR_CALM);
    else if (!isLast || !areTrailers || (stream.bodyBytes ?? 0) > 0) {
      this.#streamError(id, ERROR.PROTOCOL_ERROR);
    } else this.#tellEnded(stream);
  }

  #tellEnded(stream: Http2Stream): void {
    if (stream.isClosed) return;
    stream.hasEnded = true;
    if (!stream.isAnswered) stream.handler.ended();
  }

  #takeReset(id: number, length: number): void {
    if (length !== 4) throw frameSizeError('A RST_STREAM has another length');
    if (id === 0 || this.#isIdle(id)) throw protocolError('RST_STREAM is on no stream');
    this.#rates.reset();
    const stream = this.#streams.get(id);
    if (stream !== undefined) this.#close(stream, false);
  }

  #takeWindow(id: number, bytes: number): void {
    if (id === 0) {
      if (bytes === 0) throw protocolError('A WINDOW_UPDATE is of nothing');
      this.sender.widened(bytes);
      return;
    }
    if (this.#isIdle(id)) throw protocolError('WINDOW_UPDATE is on no stream that was open');
    if (bytes === 0) {
      this.#streamError(id, ERROR.PROTOCOL_ERROR);
      return;
    }
    const stream = this.#streams.get(id);
    if (stream === undefined) return;
    stream.credit += bytes;
    if (stream.window > WINDOW_BYTES_MAX) this.#streamError(id, ERROR.FLOW_CONTROL_ERROR);
  }

  #takeSettings(id: number, flags: number, payload: Buffer): void {
    if (id !== 0) throw protocolError('SETTINGS are on a stream');
    if ((flags & FLAG.ACK) !== 0) {
      if (payload.length > 0) throw frameSizeError('An acknowledgement says something');
      return;
    }
    this.sender.streamWindow = initialWindowOf(payload) ?? this.sender.streamWindow;
    this.sender.settingsAck();
  }

  #takePing(id: number, flags: number, payload: Buffer): void {
    if (id !== 0) throw protocolError('PING is on a stream');
    if (payload.length !== PING_BYTES) throw frameSizeError('A PING has another length');
    if ((flags & FLAG.ACK) === 0) this.sender.ping(FLAG.ACK, payload);
    else if (this.#pinged?.payload.equals(payload) === true) {
      const { answered } = this.#pinged;
      this.#pinged = undefined;
      answered();
    }
  }

  /** Ends a stream for what the peer did on it. */
  #streamError(id: number, code: ErrorCode): void {
    const stream = this.#streams.get(id);
    if (stream === undefined) {
      this.#rates.control();
      this.sender.reset(id, code);
    } else {
      this.#rates.reset();
      this.reset(stream, code);
    }
  }

  /** Ends a stream that never began. */
  #refuse(id: number, code: ErrorCode): void {
    this.#rates.control();
    this.#recent.add(id, true);
    this.sender.reset(id, code);
  }

  #isIdle(id: number): boolean {
    return id > this.#lastStream || id % 2 === 0;
  }
}
