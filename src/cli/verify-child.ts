import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { VerificationReport } from '../ledger/api.js';
import type { VerificationScope } from '../store/verify.js';

const PROGRAM = fileURLToPath(new URL('./verify-process.js', import.meta.url));

/**
 * Verifies the store of a folder in a process of its own. Rejects with the reason when the store cannot
 * be opened, or with the signal that the process died of.
 */
export function verifyInChild(
  folder: string,
  scope: VerificationScope,
): Promise<VerificationReport> {
  return new Promise((resolve, reject) => {
    const child = fork(PROGRAM, [folder, scope], {
      // Hashes are bytes, which JSON does not carry.
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    let said = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
    child.once('message', (report) => resolve(report as VerificationReport));
    child.once('error', reject);
    child.once('close', (code, signal) => {
      if (signal !== null) reject(new Error(`reading it ended by ${signal}`));
      else reject(new Error(errorIn(said) ?? `reading it ended with code ${code ?? 'none'}`));
    });
  });
}

/** The message of the error that Node printed, without its stack. */
function errorIn(said: string): string | undefined {
  return /^(?:\w*Error|StoreRefused|CorruptRecord): (.+)$/m.exec(said)?.[1];
}
