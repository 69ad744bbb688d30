import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, onTestFinished } from 'vitest';

/** A data directory that is not there yet, and gone when the test is over. */
export function temporaryDataDir(): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'safeguards-crash-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return path.join(folder, 'data');
}

/** A folder that is gone when the file's tests are over. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'safeguards-crash-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
