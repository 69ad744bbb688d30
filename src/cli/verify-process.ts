/**
 * A program of its own: verifies the store of the folder that its parent names, and tells what it found.
 * A file that is damaged deeply enough ends the process that reads it by a signal, and that must not be
 * the one that serves. It imports as little as it can, since every start waits for it.
 */
import { verifyStore, type VerificationScope } from '../store/verify.js';
import { BEAT_MS, GETS_ON } from './verify-beat.js';
import type { VerifyOrder } from './verify-child.js';

process.once('message', ({ folder, scope }: VerifyOrder) => void verify(folder, scope));

async function verify(folder: string, scope: VerificationScope): Promise<void> {
  // Says that it gets on: in pages that were garbled into a circle LMDB reads for ever.
  const beat = setInterval(() => process.send?.(GETS_ON), BEAT_MS);
  beat.unref();
  const report = await verifyStore(folder, scope);
  clearInterval(beat);
  process.send?.(report, () => process.disconnect());
}
