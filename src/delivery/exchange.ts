import http from 'node:http';
import https from 'node:https';
import type { LookupFunction } from 'node:net';

/** One request of HTTP/1.1. */
export interface ExchangeRequest {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  readonly agent: http.Agent;
  readonly lookup: LookupFunction;
  /** Further authorities in PEM; undefined: those of Node and of NODE_EXTRA_CA_CERTS alone. */
  readonly ca: readonly string[] | undefined;
  /** From the call to the headers of the answer. */
  readonly totalMsMax: number;
  /** Of that, until the connection stands, TLS included. */
  readonly connectMsMax: number;
  /** From the headers to the end of the part that is read. */
  readonly bodyMsMax: number;
  /** The part of the answer's body that is read; what is longer ends the connection. */
  readonly bodyBytesMax: number;
  readonly signal: AbortSignal;
}

/** What a server answered. */
export interface HttpAnswer {
  readonly status: number;
  /** The header, when there is one. */
  readonly retryAfter: string | undefined;
  /** At most bodyBytesMax bytes. */
  readonly body: Uint8Array;
}

/** Why there is no answer. */
export interface NoAnswer {
  /** TimedOut, Abandoned, what the lookup rejected with, or an error of Node. */
  readonly error: unknown;
  /** Whether a connection was used again, which its server may have been closing just then. */
  readonly reused: boolean;
}

/** Something did not come in time. */
export class TimedOut extends Error {
  override readonly name = 'TimedOut';
  /** Such as `no answer within 10000 ms`. */
  readonly what: string;

  constructor(what: string) {
    super(what);
    this.what = what;
  }
}

/** Nobody wants the answer any more. */
export class Abandoned extends Error {
  override readonly name = 'Abandoned';
}

/**
 * Sends a POST and reads the status and the beginning of the answer. Redirects are not followed, and
 * nothing is thrown. Resolves in time whatever the server does; the connection is kept only when the
 * answer was read to its end.
 */
export function exchange(options: ExchangeRequest): Promise<HttpAnswer | NoAnswer> {
  const { url, headers, agent, lookup, ca, signal } = options;
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve({ error: new Abandoned(), reused: false });
      return;
    }
    const secure = url.protocol === 'https:';
    const timers: NodeJS.Timeout[] = [];
    let request: http.ClientRequest;
    const settle = (result: HttpAnswer | NoAnswer) => {
      timers.forEach((timer) => clearTimeout(timer));
      signal.removeEventListener('abort', abandon);
      resolve(result);
    };
    const fail = (error: Error) => {
      settle({ error, reused: false });
      request.destroy();
    };
    const failIn = (ms: number, what: string) => {
      const timer = setTimeout(() => fail(new TimedOut(`${what} within ${ms} ms`)), ms);
      timers.push(timer);
      return timer;
    };
    const abandon = () => fail(new Abandoned());
    try {
      // Verification is asked for by name, or NODE_TLS_REJECT_UNAUTHORIZED=0 would turn it off.
      const common = { method: 'POST', headers, agent, lookup };
      request = secure
        ? https.request(url, { ...common, rejectUnauthorized: true, ...(ca && { ca: [...ca] }) })
        : http.request(url, common);
    } catch (error) {
      settle({ error, reused: false });
      return;
    }
    signal.addEventListener('abort', abandon);
    failIn(options.totalMsMax, 'no answer');
    // It stays for the errors that follow the first one: without a listener they would be thrown.
    request.on('error', (error) => settle({ error, reused: request.reusedSocket }));
    request.once('socket', (socket) => {
      if (!socket.connecting) return;
      const timer = failIn(options.connectMsMax, 'no connection');
      socket.once(secure ? 'secureConnect' : 'connect', () => clearTimeout(timer));
    });
    request.once('response', (response) => {
      timers.forEach((timer) => clearTimeout(timer));
      const answer = (body: Uint8Array) =>
        settle({
          status: response.statusCode ?? 0,
          retryAfter: response.headers['retry-after'],
          body,
        });
      timers.push(readStart(response, options, answer));
    });
    request.end(options.body);
  });
}

/** Reads the beginning of a body and answers once, whether it ends, breaks, hangs or is too long. */
function readStart(
  response: http.IncomingMessage,
  { bodyBytesMax, bodyMsMax }: ExchangeRequest,
  answer: (body: Uint8Array) => void,
): NodeJS.Timeout {
  const chunks: Buffer[] = [];
  let bytes = 0;
  const finish = () => answer(Buffer.concat(chunks).subarray(0, bodyBytesMax));
  const cut = () => {
    finish();
    response.destroy();
  };
  response.on('data', (chunk: Buffer) => {
    if (bytes < bodyBytesMax) chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > bodyBytesMax) cut();
  });
  response.on('end', finish);
  response.on('error', finish);
  response.on('close', finish);
  return setTimeout(cut, bodyMsMax);
}
