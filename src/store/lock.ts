import { rename, unlink } from 'node:fs/promises';
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
 * excludes processes of other containers that share the volume, and it needs no other program. It is
 * the polite refusal; what keeps two writers apart for certain is the owner in the store's header,
 * which every transaction checks.
 */
export async function lockFolder(folder: string): Promise<Lock> {
  const path = join(folder, 'lock');
  if (Buffer.byteLength(path) > SOCKET_PATH_BYTES_MAX) {
    const limit = SOCKET_PATH_BYTES_MAX - '/lock'.length;
    throw new Error(
      `The path of the data directory has more than ${limit} bytes; use a shorter one`,
    );
  }
  let server = await listen(path);
  if (server === undefined) {
    if (await answers(path)) {
      throw new StoreRefused(
        'STORE_LOCKED',
        `Another sidecar serves ${folder}; stop it, or use another data directory`,
      );
    }
    // Left by a process that ended without closing it.
    const stale = `${path}.stale`;
    await rename(path, stale);
    await unlink(stale);
    server = await listen(path);
  }
  if (server === undefined) {
    throw new StoreRefused('STORE_LOCKED', `Another sidecar is starting in ${folder}`);
  }
  const held = server;
  held.unref();
  return {
    close: () =>
      new Promise((resolve) => {
        held.close(() => {
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
