import { existsSync } from 'node:fs';
import path from 'node:path';
import type { VerificationReport } from '../ledger/api.js';
import { findingText } from '../store/finding-text.js';
import { EXIT, type Terminal } from './terminal.js';

/** Verifies the store of a data directory, and prints what was found. */
export async function verify(
  dir: string,
  json: boolean,
  verifyStore: (dir: string) => Promise<VerificationReport>,
  terminal: Terminal,
): Promise<number> {
  const folder = path.resolve(dir);
  let report: VerificationReport;
  try {
    report = await verifyStore(folder);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    if (!existsSync(folder)) {
      terminal.err(`${folder} does not exist. Name the folder of the store with --data-dir.\n`);
      return EXIT.usage;
    }
    terminal.err(`The store in ${folder} cannot be opened: ${message}\n`);
    return EXIT.usage;
  }
  terminal.out(json ? reportJson(report) : reportText(report));
  return report.clean ? EXIT.done : EXIT.error;
}

function reportJson(report: VerificationReport): string {
  const headHash = Buffer.from(report.headHash).toString('hex');
  return `${JSON.stringify({ ...report, headHash }, undefined, 2)}\n`;
}

function reportText(report: VerificationReport): string {
  const { clean, entries, balances, headSequence, headHash, findings, elapsedMs } = report;
  const verdict = clean ? 'Clean' : 'NOT CLEAN';
  const head = `head ${headSequence} ${Buffer.from(headHash).toString('hex')}`;
  const lines = findings.map((finding) => `  ${findingText(finding)}\n`);
  const checked = `${entries} entries and ${balances} balances in ${Math.round(elapsedMs)} ms`;
  return `${verdict}: ${checked}, ${head}.\n${lines.join('')}`;
}
