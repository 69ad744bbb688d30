import { BlockList, isIPv6 } from 'node:net';
import type { Socket } from 'node:net';

/** Whether one more connection of a peer is taken; counts it until it closes. */
export type AdmitPeer = (socket: Socket) => boolean;

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

/**
 * Bounds the connections of each remote IP address. Loopback and Unix sockets are not bounded: all
 * agents of the host share them.
 */
export function boundPeers(connectionsMax: number): AdmitPeer {
  const counts = new Map<string, number>();
  return (socket) => {
    const address = socket.remoteAddress;
    if (address === undefined || isLoopback(address)) return true;
    const count = counts.get(address) ?? 0;
    if (count >= connectionsMax) return false;
    counts.set(address, count + 1);
    socket.once('close', () => {
      const left = (counts.get(address) ?? 1) - 1;
      if (left === 0) counts.delete(address);
      else counts.set(address, left);
    });
    return true;
  };
}

function isLoopback(address: string): boolean {
  // An IPv4 peer of a socket that takes both families: ::ffff:127.0.0.1 is checked as IPv4.
  return LOOPBACK.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
}
