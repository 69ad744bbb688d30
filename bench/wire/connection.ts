import { connect, type Socket } from 'node:net';
import {
  FLAG,
  FRAME,
  FRAME_BYTES_MAX,
  FRAME_HEAD_BYTES,
  PREFACE,
  frameOf,
  headerBlock,
  uint32,
} from './frame.js';
import { PREFIX_BYTES, framed } from './message.js';

/** What comes back on a call. */
export interface CallEvents {
  message(bytes: Buffer): void;
  end(): void;
}

/** A call that messages can be sent on. */
export interface Call {
  send(message: Buffer, last: boolean): void;
}

interface OpenCall {
  readonly events: CallEvents;
  rest: Buffer;
  messages: number;
}

const NOTHING = Buffer.alloc(0);

/** What a peer takes on a connection before it says more. */
const WINDOW_BYTES = 65_535;

/** What we take: all of it, for longer than a benchmark runs. */
const OWN_WINDOW_BYTES = 2 ** 31 - 1;

/** Setting of RFC 9113, section 6.5.2. */
const INITIAL_WINDOW_SIZE = 4;

/**
 * A gRPC client connection that costs as little as it can: header blocks are encoded once, those of
 * answers are not decoded, and what one chunk of answers gives rise to leaves in one write. A call
 * that ends without a message has failed. It heeds the connection's window and not the streams',
 * which the loads here stay far below.
 */
export class Connection {
  readonly #socket: Socket;
  readonly #failed: (error: Error) => void;
  readonly #calls = new Map<number, OpenCall>();
  readonly #blocks = new Map<string, Buffer>();
  #nextStream = 1;
  #out: Buffer[] = [];
  /** Frames of data that wait for the peer's window. */
  #held: Buffer[] = [];
  #window = WINDOW_BYTES;
  #rest: Buffer = NOTHING;
  #closed = false;

  private constructor(socket: Socket, failed: (error: Error) => void, narrow: boolean) {
    this.#socket = socket;
    this.#failed = failed;
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    socket.on('error', (error) => this.#fail(error));
    socket.on('close', () => this.#fail(new Error('the server closed the connection')));
    const window = Buffer.concat([Buffer.of(0, INITIAL_WINDOW_SIZE), uint32(OWN_WINDOW_BYTES)]);
    this.#out.push(PREFACE, frameOf(FRAME.settings, 0, 0, narrow ? NOTHING : window));
    if (!narrow) {
      const more = uint32(OWN_WINDOW_BYTES - WINDOW_BYTES);
      this.#out.push(frameOf(FRAME.windowUpdate, 0, 0, more));
    }
    this.flush();
  }

  /**
   * Connects to `host:port` or `unix:/path`. `failed` is called when it breaks before `close`. One
   * that is narrow takes no more than the protocol's first window, and is not for a load.
   */
  static open(
    address: string,
    failed: (error: Error) => void,
    { narrow = false } = {},
  ): Promise<Connection> {
    const socket = connect(targetOf(address));
    socket.setNoDelay(true);
    return new Promise((resolve, reject) => {
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.off('error', reject);
        resolve(new Connection(socket, failed, narrow));
      });
    });
  }

  /** Begins a call. Nothing leaves before `flush`, or before the next chunk of answers is read. */
  call(path: string, events: CallEvents): Call {
    const stream = this.#nextStream;
    this.#nextStream += 2;
    this.#calls.set(stream, { events, rest: NOTHING, messages: 0 });
    this.#out.push(frameOf(FRAME.headers, FLAG.endHeaders, stream, this.#block(path)));
    return { send: (message, last) => this.#send(stream, message, last) };
  }

  /** Sends one message and gives the one that comes back. */
  unary(path: string, message: Buffer, answered: (response: Buffer) => void): void {
    let response: Buffer = NOTHING;
    const call = this.call(path, {
      message: (bytes) => {
        response = bytes;
      },
      end: () => answered(response),
    });
    call.send(message, true);
  }

  /** Writes what was begun since the last time. */
  flush(): void {
    if (this.#out.length === 0) return;
    this.#socket.write(
      this.#out.length === 1 ? (this.#out[0] ?? NOTHING) : Buffer.concat(this.#out),
    );
    this.#out = [];
  }

  /** Reads nothing more, as a client that hangs. */
  stall(): void {
    this.#socket.pause();
  }

  close(): void {
    this.#closed = true;
    this.#socket.destroy();
  }

  #block(path: string): Buffer {
    const known = this.#blocks.get(path);
    if (known !== undefined) return known;
    const block = headerBlock({
      ':method': 'POST',
      ':scheme': 'http',
      ':path': path,
      ':authority': 'localhost',
      te: 'trailers',
      'content-type': 'application/grpc',
      'user-agent': 'safeguards-bench',
    });
    this.#blocks.set(path, block);
    return block;
  }

  #send(stream: number, message: Buffer, last: boolean): void {
    const bytes = framed(message);
    for (let start = 0; start < bytes.length; start += FRAME_BYTES_MAX) {
      const part = bytes.subarray(start, start + FRAME_BYTES_MAX);
      const ends = last && start + FRAME_BYTES_MAX >= bytes.length;
      this.#held.push(frameOf(FRAME.data, ends ? FLAG.endStream : 0, stream, part));
    }
    this.#release();
  }

  #release(): void {
    let released = 0;
    for (const frame of this.#held) {
      const size = frame.length - FRAME_HEAD_BYTES;
      if (size > this.#window) break;
      this.#window -= size;
      this.#out.push(frame);
      released += 1;
    }
    this.#held = released === this.#held.length ? [] : this.#held.slice(released);
  }

  #receive(chunk: Buffer): void {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    let at = 0;
    while (bytes.length - at >= FRAME_HEAD_BYTES) {
      const end = at + FRAME_HEAD_BYTES + bytes.readUIntBE(at, 3);
      if (end > bytes.length) break;
      const payload = bytes.subarray(at + FRAME_HEAD_BYTES, end);
      this.#take(bytes[at + 3] ?? 0, bytes[at + 4] ?? 0, bytes.readUInt32BE(at + 5), payload);
      at = end;
    }
    this.#rest = bytes.subarray(at);
    this.flush();
  }

  #take(type: number, flags: number, stream: number, payload: Buffer): void {
    if (type === FRAME.data) this.#data(stream, payload);
    else if (type === FRAME.windowUpdate) {
      if (stream !== 0) return;
      this.#window += payload.readUInt32BE(0);
      this.#release();
    } else if (type === FRAME.settings || type === FRAME.ping) {
      if ((flags & FLAG.ack) !== 0) return;
      const echoed = type === FRAME.ping ? payload : NOTHING;
      this.#out.push(frameOf(type, FLAG.ack, 0, echoed));
    } else if (type === FRAME.reset || type === FRAME.goaway) {
      const code = payload.readUInt32BE(type === FRAME.goaway ? 4 : 0);
      this.#fail(new Error(`the server gave up a call or the connection with code ${code}`));
    }
    if (type > FRAME.headers || (flags & FLAG.endStream) === 0) return;
    const call = this.#calls.get(stream);
    this.#calls.delete(stream);
    if (call === undefined || call.messages === 0) {
      this.#fail(new Error('a call ended without an answer'));
    } else call.events.end();
  }

  #data(stream: number, payload: Buffer): void {
    const call = this.#calls.get(stream);
    if (call === undefined) return;
    const bytes = call.rest.length === 0 ? payload : Buffer.concat([call.rest, payload]);
    let at = 0;
    while (bytes.length - at >= PREFIX_BYTES) {
      const end = at + PREFIX_BYTES + bytes.readUInt32BE(at + 1);
      if (end > bytes.length) break;
      call.messages += 1;
      call.events.message(bytes.subarray(at + PREFIX_BYTES, end));
      at = end;
    }
    call.rest = bytes.subarray(at);
  }

  #fail(error: Error): void {
    if (this.#closed) return;
    this.close();
    this.#failed(error);
  }
}

function targetOf(address: string): { path: string } | { host: string; port: number } {
  if (address.startsWith('unix:')) return { path: address.slice('unix:'.length) };
  const colon = address.lastIndexOf(':');
  return { host: address.slice(0, colon), port: Number(address.slice(colon + 1)) };
}
