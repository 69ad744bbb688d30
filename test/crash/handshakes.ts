/** What hostile peers do before TLS stands, and with it afterwards. Each resolves when it is over. */
import { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import type { Dial } from '../support/dial.js';
import { closed, drip, many, opened } from './attacks.js';

/** Carries an attack out: `plain` dials without TLS, `address` is the same place. */
export type HandshakeAttack = (plain: Dial) => Promise<void>;

/** The first message of a client, as Node's OpenSSL says it. */
export function clientHello(): Promise<Buffer> {
  return new Promise((resolve) => {
    const socket = new Duplex({
      read: () => undefined,
      write: (bytes: Buffer, _encoding, done) => {
        resolve(bytes);
        done();
      },
    });
    connectTls({ socket, servername: 'localhost', ALPNProtocols: ['h2'] }).on(
      'error',
      () => undefined,
    );
  });
}

/** Attacks on the handshake of a listener that speaks TLS. */
export const HANDSHAKE_ATTACKS: Readonly<Record<string, HandshakeAttack>> = {
  'handshakes that never begin': async (plain) => {
    await Promise.all(many(600, () => closed(opened(plain))));
  },
  'slow handshakes': async (plain) => {
    const hello = await clientHello();
    await Promise.all(many(100, () => drip(plain, hello, 50)));
  },
  'handshakes that stop half way': async (plain) => {
    const hello = await clientHello();
    await Promise.all(
      many(100, () => {
        const socket = opened(plain);
        socket.write(hello);
        return closed(socket);
      }),
    );
  },
  'handshakes that are none': async (plain) => {
    await Promise.all(
      many(100, (at) => {
        const socket = opened(plain);
        // The head of a record of the handshake that is as long as may be, and then anything.
        socket.write(Buffer.concat([Buffer.from([22, 3, 1, 0x40, 0]), Buffer.alloc(20_000, at)]));
        return closed(socket);
      }),
    );
  },
  'handshakes that are begun and dropped, one after the other': async (plain) => {
    const hello = await clientHello();
    for (let round = 0; round < 20; round += 1) {
      await Promise.all(
        many(50, async () => {
          const socket = opened(plain);
          socket.write(hello);
          await new Promise<void>((resolve) => {
            // The server has signed by then, which is what costs.
            socket.once('data', () => resolve());
            socket.once('close', () => resolve());
          });
          socket.resetAndDestroy();
          await closed(socket);
        }),
      );
    }
  },
  'renegotiations without end': async (plain) => {
    await Promise.all(
      many(10, async () => {
        const options = { maxVersion: 'TLSv1.2', rejectUnauthorized: false } as const;
        const socket = connectTls({ ...options, socket: opened(plain) });
        socket.on('error', () => undefined);
        await new Promise<void>((resolve) => {
          socket.once('secureConnect', () => resolve());
          socket.once('close', () => resolve());
        });
        for (let at = 0; at < 20 && !socket.destroyed; at += 1) {
          await new Promise<void>((resolve) => {
            socket.once('close', () => resolve());
            if (!socket.renegotiate({ rejectUnauthorized: false }, () => resolve())) resolve();
          });
        }
        await closed(socket);
      }),
    );
  },
};
