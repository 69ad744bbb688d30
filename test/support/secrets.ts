import { inspect } from 'node:util';

/** What no log, message or metric may hold, whoever used it. */
const NEVER = ['PRIVATE KEY-----', 'Bearer sgt_', 'hunter2'];

/**
 * Throws when something that was told holds a secret that was used. Every suite that serves calls it
 * with its whole log when it ends.
 */
export function refuseSecrets(told: unknown, secrets: readonly string[]): void {
  const text =
    typeof told === 'string' ? told : inspect(told, { depth: null, maxStringLength: null });
  for (const secret of [...NEVER, ...secrets]) {
    if (secret !== '' && text.includes(secret)) {
      throw new Error(`a secret stands in the log: ${secret.slice(0, 8)}…`);
    }
  }
}
