import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { VerificationReport } from '../ledger/api.js';
import type { VerificationScope } from '../store/verify.js';
import { BEAT_MS, GETS_ON } from './verify-beat.js';

/** How long it may say nothing: between two beats it reads some thousand rows. */
const SILENCE_MS_MAX = 20 * BEAT_MS;

const PROGRAM = fileURLToPath(new URL('./verify-process.js', import.meta.url));

/** What one is told to do. */
export interface VerifyOrder {
  readonly folder: string;
  readonly scope: VerificationScope;
}

/** A process that verifies one store, once. */
export interface Verifier {
  /**
   * Verifies the store of a folder. Rejects with the reason when the store cannot be opened, or with the
   * signal that the process died of, and ends it when it does not get on.
   */
  verify(folder: string, scope: VerificationScope): Promise<VerificationReport>;
  /** Ends it, whatever it does. */
  close(): void;
}

/** Begins a process that verifies. It loads what it needs at once, and then waits for its order. */
export function beginVerifier({ program = PROGRAM, silenceMsMax = SILENCE_MS_MAX } = {}): Verifier {
  const child = fork(program, {
    // Hashes are bytes, which JSON does not carry.
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  let said = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  let stuck = false;
  const ended = new Promise<never>((_resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      if (stuck) reject(new Error('reading it does not come to an end'));
      else if (signal !== null) reject(new Error(endedBy(signal)));
      else reject(new Error(errorIn(said) ?? `reading it ended with code ${code ?? 'none'}`));
    });
  });
  // It may end before anybody asks.
  ended.catch(() => undefined);
  return {
    verify: (folder, scope) => {
      const silence = setTimeout(() => {
        stuck = true;
        child.kill('SIGKILL');
      }, silenceMsMax);
      const reported = new Promise<VerificationReport>((resolve) => {
        child.on('message', (message) => {
          silence.refresh();
          if (message !== GETS_ON) resolve(message as VerificationReport);
        });
      });
      const order: VerifyOrder = { folder, scope };
      // Where it cannot be told, it has ended, and that says why.
      child.send(order, () => undefined);
      return Promise.race([reported, ended.finally(() => clearTimeout(silence))]);
    },
    close: () => void child.kill('SIGKILL'),
  };
}

/** Verifies the store of a folder in a process of its own: see `Verifier`. */
export function verifyInChild(
  folder: string,
  scope: VerificationScope,
): Promise<VerificationReport> {
  return beginVerifier().verify(folder, scope);
}

/** A page that is not there can only be told from the signal that reading it ends by. */
function endedBy(signal: NodeJS.Signals): string {
  if (signal !== 'SIGBUS') return `reading it ended by ${signal}`;
  return 'reading it ended by SIGBUS: the database is cut short, or its disk cannot be read';
}

/** The message of the error that Node printed, without its stack. */
function errorIn(said: string): string | undefined {
  return /^(?:\w*Error|StoreRefused|CorruptRecord): (.+)$/m.exec(said)?.[1];
}
