import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { VerificationReport } from '../ledger/api.js';
import type { VerificationScope } from '../store/verify.js';
import { BEAT_MS, GETS_ON } from './verify-beat.js';

/** How long it may say nothing: between two beats it reads some thousand rows. */
const SILENCE_MS_MAX = 20 * BEAT_MS;

const PROGRAM = fileURLToPath(new URL('./verify-process.js', import.meta.url));

/**
 * Verifies the store of a folder in a process of its own. Rejects with the reason when the store cannot
 * be opened, or with the signal that the process died of, and ends it when it does not get on.
 */
export function verifyInChild(
  folder: string,
  scope: VerificationScope,
  { program = PROGRAM, silenceMsMax = SILENCE_MS_MAX } = {},
): Promise<VerificationReport> {
  return new Promise((resolve, reject) => {
    const child = fork(program, [folder, scope], {
      // Hashes are bytes, which JSON does not carry.
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    let said = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
    let stuck = false;
    const silence = setTimeout(() => {
      stuck = true;
      child.kill('SIGKILL');
    }, silenceMsMax);
    child.on('message', (message) => {
      silence.refresh();
      if (message !== GETS_ON) resolve(message as VerificationReport);
    });
    child.once('error', reject);
    child.once('close', (code, signal) => {
      clearTimeout(silence);
      if (stuck) reject(new Error('reading it does not come to an end'));
      else if (signal !== null) reject(new Error(`reading it ended by ${signal}`));
      else reject(new Error(errorIn(said) ?? `reading it ended with code ${code ?? 'none'}`));
    });
  });
}

/** The message of the error that Node printed, without its stack. */
function errorIn(said: string): string | undefined {
  return /^(?:\w*Error|StoreRefused|CorruptRecord): (.+)$/m.exec(said)?.[1];
}
