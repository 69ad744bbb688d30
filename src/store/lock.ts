import { randomBytes } from 'node:crypto';
import { unlink } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { StoreRefused } from './refused.js';

/** A lock that its process holds until it closes it or ends, by whatever means. */
export interface Lock {
  close(): Promise<void>;
}

/** The longest path that a Unix socket takes: a longer one is cut without a word. */
const SOCKET_PATH_BYTES_MAX = 107;

/** How long a holder may take to answer a knock. */
const KNOCK_MS = 2_000;

/**
 * Locks a folder by listening on a Unix socket in it: the kernel gives it up when the process ends, it
 * excludes processes of other containers that share the volume, and it needs no other program. Of
 * several that find a socket whose process is gone, more than one may get by: `claimOwnership` decides.
 */
export async function lockFolder(folder: string): Promise<Lock> {
  const path = socketPath(folder, 'lock');
  let server = await listen(path);
  if (server === undefined) {
    if (await answers(path)) throw locked(folder);
    // Left by a process that ended without closing it.
    await unlink(path).catch(() => undefined);
    server = await listen(path);
  }
  if (server === undefined) throw locked(folder);
  return lockOf(server);
}

/** Owning a store: a name that its header carries, and a socket of that name that says it lives. */
export interface Ownership extends Lock {
  readonly owner: string;
}

/**
 * Makes this process the owner of a store. `previous` is the owner that the header names; `replace`
 * puts the new one there if it still names that one, in one transaction, and returns whether it did.
 * Of processes that start together exactly one replaces it, and the others are refused.
 */
export async function claimOwnership(
  folder: string,
  previous: string,
  replace: (owner: string) => Promise<boolean>,
): Promise<Ownership> {
  const owner = randomBytes(OWNER_BYTES).toString('hex');
  const server = await listen(socketPath(folder, ownerSocket(owner)));
  if (server === undefined) throw locked(folder);
  const lock = lockOf(server);
  try {
    const path = socketPath(folder, ownerSocket(previous));
    if (previous !== '' && (await answers(path))) throw locked(folder);
    if (!(await replace(owner))) throw locked(folder);
    if (previous !== '') await unlink(path).catch(() => undefined);
    return { owner, close: () => lock.close() };
  } catch (error) {
    await lock.close();
    throw error;
  }
}

/** Bytes of an owner's name: it is hex in the header and in the name of its socket. */
const OWNER_BYTES = 4;

function ownerSocket(owner: string): string {
  return `lock-${owner.slice(0, 2 * OWNER_BYTES)}`;
}

function socketPath(folder: string, name: string): string {
  const limit = SOCKET_PATH_BYTES_MAX - ownerSocket('0'.repeat(2 * OWNER_BYTES)).length - 1;
  if (Buffer.byteLength(folder) > limit) {
    throw new Error(
      `The path of the data directory has more than ${limit} bytes; use a shorter one`,
    );
  }
  return join(folder, name);
}

function locked(folder: string): StoreRefused {
  return new StoreRefused(
    'STORE_LOCKED',
    `Another sidecar serves ${folder}; stop it, or use another data directory`,
  );
}

function lockOf(server: Server): Lock {
  server.unref();
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
      }),
  };
}

/** The listening server, or undefined where the path is taken. */
function listen(path: string): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(undefined);
      else reject(error);
    });
    server.listen(path, () => {
      resolve(server);
    });
  });
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    const end = (alive: boolean): void => {
      socket.destroy();
      resolve(alive);
    };
    socket.setTimeout(KNOCK_MS, () => {
      end(true);
    });
    socket.once('connect', () => {
      end(true);
    });
    socket.once('error', (error: NodeJS.ErrnoException) => {
      end(error.code !== 'ECONNREFUSED' && error.code !== 'ENOENT');
    });
  });
}
