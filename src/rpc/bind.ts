import { chmodSync, chownSync, lstatSync, unlinkSync } from 'node:fs';
import { connect } from 'node:net';
import type { Server } from 'node:net';
import type { Address } from './address.js';

/** Who may connect to a Unix socket. */
export interface SocketAccess {
  /** Permissions. */
  readonly mode: number;
  /** Undefined: the user and the group of the process. */
  readonly owner: SocketOwner | undefined;
}

/** The numbers of a user and a group. */
export interface SocketOwner {
  readonly uid: number;
  readonly gid: number;
}

/** The longest path that a Unix socket takes everywhere: a longer one is cut without a word. */
export const SOCKET_PATH_BYTES_MAX = 103;

/**
 * Lets a server listen and returns where it does: port 0 has become a port. A socket file that
 * nobody listens on any more is taken over; one that is in use, or no socket, is an error.
 */
export async function bind(
  server: Server,
  address: Address,
  access: SocketAccess,
): Promise<Address> {
  if (address.kind === 'tcp') {
    await listening(server, () => server.listen({ host: address.host, port: address.port }));
    const bound = server.address();
    return { ...address, port: typeof bound === 'object' && bound !== null ? bound.port : 0 };
  }
  const { path } = address;
  if (Buffer.byteLength(path) > SOCKET_PATH_BYTES_MAX) {
    throw Object.assign(new Error(`listen ENAMETOOLONG: ${path}`), { code: 'ENAMETOOLONG' });
  }
  const listen = (): void => {
    server.listen({ path });
    // Listening on a path is synchronous: both are set before anybody could be accepted.
    if (server.listening) restrict(path, access);
  };
  try {
    await listening(server, listen);
  } catch (cause) {
    if (!isErrno(cause, 'EADDRINUSE') || !(await isStale(path))) throw cause;
    unlinkSync(path);
    await listening(server, listen);
  }
  return address;
}

function restrict(path: string, { mode, owner }: SocketAccess): void {
  chmodSync(path, mode);
  if (owner === undefined) return;
  const { uid, gid } = owner;
  try {
    chownSync(path, uid, gid);
  } catch (cause) {
    const advice = 'Run as root, or name a group that the process is in.';
    throw new Error(`${path} cannot be given to ${uid}:${gid}. ${advice}`, { cause });
  }
}

function listening(server: Server, listen: () => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (error?: Error): void => {
      server.off('error', settle);
      server.off('listening', settle);
      if (error === undefined) resolve();
      else reject(error);
    };
    server.on('error', settle);
    server.on('listening', settle);
    try {
      listen();
    } catch (cause) {
      server.close();
      settle(cause as Error);
    }
  });
}

/** Whether a socket stands at a path, in use or not. */
export function isSocket(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isSocket() ?? false;
}

/** Whether a path is a socket that refuses connections: its process has died. */
function isStale(path: string): Promise<boolean> {
  if (!isSocket(path)) return Promise.resolve(false);
  return new Promise((resolve) => {
    const probe = connect(path);
    probe.on('connect', () => {
      probe.destroy();
      resolve(false);
    });
    probe.on('error', (cause) => resolve(isErrno(cause, 'ECONNREFUSED')));
  });
}

function isErrno(cause: unknown, code: string): boolean {
  return cause instanceof Error && (cause as NodeJS.ErrnoException).code === code;
}
