import path from 'node:path';
import type { RestoreReport } from '../store/restore.js';
import { EXIT, type Terminal } from './terminal.js';

/** Puts a backup in place of the store of a data directory, and says where the old one lies. */
export async function restore(
  from: string,
  dir: string,
  restoreStore: (from: string, dir: string) => Promise<RestoreReport>,
  terminal: Terminal,
): Promise<number> {
  let report: RestoreReport;
  try {
    report = await restoreStore(path.resolve(from), path.resolve(dir));
  } catch (error) {
    terminal.err(
      `Nothing was restored: ${error instanceof Error ? error.message : String(error)}\n`,
    );
    return EXIT.error;
  }
  const { storeId, entries, balances, headSequence, quarantine } = report;
  const checked = `${entries} entries and ${balances} balances verified, head ${headSequence}`;
  terminal.out(`Restored store ${storeId} into ${path.resolve(dir)}: ${checked}.\n`);
  if (quarantine !== undefined) terminal.out(`The store that was there lies in ${quarantine}.\n`);
  return EXIT.done;
}
