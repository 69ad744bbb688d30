import type { IncomingMessage, ServerResponse } from 'node:http';
import { inflatedBytes } from './arrivals.js';
import type { Arrivals } from './arrivals.js';
import { busy } from './busy.js';
import type { RpcLimits } from './limits.js';
import type { Failure } from './status.js';

/** Bounds what Node leaves unbounded on HTTP/1.1 connections. */
export interface Http1Guard {
  /** Takes a request, or tells what it is to be answered with instead. */
  admit(request: IncomingMessage, response: ServerResponse): Failure | undefined;
  /** Ends its timer. */
  close(): void;
}

/** How often answers that are not taken are looked for within the time that they have. */
const SWEEPS = 10;

/**
 * Takes a request while there is room for its body, which one with `content-length` tells, and cuts
 * off peers that do not take their answer in time.
 */
export function guardHttp1(limits: RpcLimits, arrivals: Arrivals): Http1Guard {
  /** Responses, and since how many sweeps they are ready and not taken. */
  const open = new Map<ServerResponse, number>();
  /** Requests that each connection has begun in the current second. */
  const begun = new Map<object, number>();
  const sweeping = setInterval(
    () => {
      for (const [response, waited] of open) {
        if (!response.writableEnded) continue;
        if (waited > SWEEPS) response.destroy();
        else open.set(response, waited + 1);
      }
    },
    Math.ceil(limits.requestTimeoutMs / SWEEPS),
  );
  const seconds = setInterval(() => begun.clear(), 1_000);
  sweeping.unref();
  seconds.unref();

  function isTooFast({ socket }: IncomingMessage): boolean {
    if (limits.callsPerSecondMax === 0) return false;
    const count = (begun.get(socket) ?? 0) + 1;
    begun.set(socket, count);
    return count > limits.callsPerSecondMax;
  }

  return {
    admit(request, response) {
      const bytes = bytesOf(request, limits.messageBytesMax);
      if (isTooFast(request) || open.size >= limits.callsMax || !arrivals.take(bytes)) {
        return busy();
      }
      open.set(response, 0);
      let held = bytes;
      const give = (): void => {
        arrivals.give(held);
        held = 0;
      };
      response.once('close', () => {
        open.delete(response);
        give();
      });
      // What was compressed is inflated once it is there.
      if (!isCompressed(request)) request.once('close', give);
      return undefined;
    },
    close() {
      clearInterval(sweeping);
      clearInterval(seconds);
    },
  };
}

/** The most bytes of a request that are held at a time. */
function bytesOf(request: IncomingMessage, messageBytesMax: number): number {
  const { headers } = request;
  const length = headers['content-length'];
  if (length === undefined) return headers['transfer-encoding'] === undefined ? 0 : messageBytesMax;
  const bytes = Math.min(Number(length), messageBytesMax);
  return isCompressed(request) ? bytes + inflatedBytes(bytes, messageBytesMax) : bytes;
}

function isCompressed({ headers }: IncomingMessage): boolean {
  const encodings = ['content-encoding', 'connect-content-encoding', 'grpc-encoding'];
  return encodings.some((name) => (headers[name] ?? 'identity') !== 'identity');
}
