import { connect, type Socket } from 'node:net';
import { commandOf, ReplyReader, type Reply } from './resp.js';

/** A connection to Redis that keeps commands in flight: replies come in their order. */
export class RedisConnection {
  readonly #socket: Socket;
  readonly #reader = new ReplyReader();
  readonly #waiting: ((reply: Reply) => void)[] = [];
  #first = 0;
  #out: string[] = [];

  private constructor(socket: Socket, failed: (error: Error) => void) {
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    socket.on('error', failed);
  }

  static open(port: number, failed: (error: Error) => void): Promise<RedisConnection> {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true });
    return new Promise((resolve, reject) => {
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.off('error', reject);
        resolve(new RedisConnection(socket, failed));
      });
    });
  }

  /** Sends at the next flush, or when the next replies have been read. */
  send(command: string, replied: (reply: Reply) => void): void {
    this.#out.push(command);
    this.#waiting.push(replied);
  }

  /** Sends one command and resolves with its reply. */
  async ask(...words: readonly string[]): Promise<Exclude<Reply, Error>> {
    const reply = await new Promise<Reply>((resolve) => {
      this.send(commandOf(...words), resolve);
      this.flush();
    });
    if (reply instanceof Error) throw reply;
    return reply;
  }

  flush(): void {
    if (this.#out.length === 0) return;
    this.#socket.write(this.#out.join(''));
    this.#out = [];
  }

  close(): void {
    this.#socket.removeAllListeners('error').on('error', () => undefined);
    this.#socket.destroy();
  }

  #receive(chunk: Buffer): void {
    for (const reply of this.#reader.read(chunk)) this.#waiting[this.#first++]?.(reply);
    // Taken from the front one by one it would cost as much as the rest.
    if (this.#first > 10_000) {
      this.#waiting.splice(0, this.#first);
      this.#first = 0;
    }
    this.flush();
  }
}
