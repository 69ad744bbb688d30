/**
 * A program of its own: verifies the store of a folder and tells its parent what it found. A file that
 * is damaged deeply enough ends the process that reads it by a signal, and that must not be the one
 * that serves. It imports as little as it can, since every start waits for it.
 */
import { verifyStore } from '../store/verify.js';
import { BEAT_MS, GETS_ON } from './verify-beat.js';

const [folder = '', scope] = process.argv.slice(2);
// Says that it gets on: in pages that were garbled into a circle LMDB reads for ever.
const beat = setInterval(() => process.send?.(GETS_ON), BEAT_MS);
beat.unref();
const report = await verifyStore(folder, scope === 'TAIL' ? 'TAIL' : 'ALL');
clearInterval(beat);
process.send?.(report, () => process.disconnect());
