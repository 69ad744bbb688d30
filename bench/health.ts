import { setTimeout } from 'node:timers/promises';
import { fieldOf } from './wire/field.js';
import { Connection } from './wire/connection.js';

/** `ServingStatus.SERVING` of grpc.health.v1. */
const SERVING = 1;
const STATUS = 1;

/** Resolves when a server's health says that it serves. Rejects after so many milliseconds. */
export async function serving(address: string, patienceMs = 60_000): Promise<void> {
  const deadline = performance.now() + patienceMs;
  for (;;) {
    const status = await healthOf(address);
    if (status === SERVING) return;
    if (performance.now() > deadline) throw new Error(`${address} does not serve`);
    await setTimeout(5);
  }
}

function healthOf(address: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    Connection.open(address, reject).then((connection) => {
      connection.unary('/grpc.health.v1.Health/Check', Buffer.alloc(0), (answer) => {
        connection.close();
        resolve(fieldOf(answer, STATUS));
      });
      connection.flush();
    }, reject);
  });
}
