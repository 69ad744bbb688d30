import { request } from 'node:http';
import type { IncomingHttpHeaders, RequestOptions } from 'node:http';
import { connect } from 'node:net';

/** An HTTP/1.1 response as it came. */
export interface HttpResponse {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly json: unknown;
}

/** Posts a body, with any headers, over a connection of its own. */
export function post(
  address: string,
  path: string,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<HttpResponse> {
  const isBytes = body instanceof Uint8Array;
  const payload = isBytes ? body : Buffer.from(JSON.stringify(body));
  return new Promise((resolve, reject) => {
    const call = request(
      {
        ...target(address),
        path,
        method: 'POST',
        agent: false,
        headers: { 'content-type': 'application/json', ...headers },
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          const bytes = Buffer.concat(chunks);
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: bytes,
            json:
              response.headers['content-type'] === 'application/json' ? parsed(bytes) : undefined,
          });
        });
      },
    );
    call.on('error', reject);
    call.end(payload);
  });
}

function parsed(bytes: Buffer): unknown {
  return JSON.parse(bytes.toString());
}

/** What `node:http` and `node:net` call an address. */
export function target(address: string): RequestOptions {
  if (address.startsWith('unix:')) return { socketPath: address.slice(5) };
  const at = address.lastIndexOf(':');
  return { host: address.slice(0, at).replace(/[[\]]/g, ''), port: Number(address.slice(at + 1)) };
}

/** Sends bytes and returns everything that came until the peer closed. */
export function talk(address: string, ...parts: readonly (string | Buffer)[]): Promise<string> {
  return new Promise((resolve) => {
    const { host, port, socketPath } = target(address);
    const socket =
      typeof socketPath === 'string' ? connect(socketPath) : connect(Number(port), host ?? '');
    let heard = '';
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => (heard += text));
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(heard));
    for (const part of parts) socket.write(part);
  });
}

export function envelope(bytes: Uint8Array): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(bytes.byteLength, 1);
  return Buffer.concat([head, bytes]);
}
