/**
 * A program of its own: verifies the store of a folder and tells its parent what it found. A file that
 * is damaged deeply enough ends the process that reads it by a signal, and that must not be the one
 * that serves. It imports as little as it can, since every start waits for it.
 */
import { verifyStore } from '../store/verify.js';

const [folder = '', scope] = process.argv.slice(2);
const report = await verifyStore(folder, scope === 'TAIL' ? 'TAIL' : 'ALL');
process.send?.(report, () => process.disconnect());
