import { isIP } from 'node:net';
import { reject } from '../domain/answer.js';
import type { Rejection } from '../domain/answer.js';

/** Judges the `Host` of an HTTP/1.1 request; undefined lets it pass. */
export type HostGuard = (host: string | undefined) => Rejection | undefined;

/** Unix sockets: no browser reaches them, and clients send whatever they like. */
export const anyHost: HostGuard = () => undefined;

/**
 * Guards against DNS rebinding: a page whose name its owner lets point to 127.0.0.1 is sent by the
 * browser with that name in `Host`. Loopback names, IP addresses and the given names pass. gRPC
 * needs no such guard, since browsers do not speak HTTP/2 without TLS.
 */
export function hostGuard(allowedHosts: readonly string[]): HostGuard {
  const allowed = new Set(allowedHosts.map((host) => host.toLowerCase()));
  return (host) => {
    const name = nameOf(host ?? '');
    if (name !== undefined && (isLoopbackName(name) || isIP(name) > 0 || allowed.has(name))) {
      return undefined;
    }
    return reject(
      'NOT_PERMITTED',
      'The name in the header Host is not served here. Use an IP address or configure allowed_hosts',
    );
  };
}

const HOST = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+))(?::\d{1,5})?$/i;

/** The name or address in a `Host`, without port, brackets and final dot. */
function nameOf(host: string): string | undefined {
  const match = HOST.exec(host);
  return (match?.[1] ?? match?.[2])?.toLowerCase().replace(/\.$/, '');
}

function isLoopbackName(name: string): boolean {
  return name === 'localhost' || name.endsWith('.localhost');
}
