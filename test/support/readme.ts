import { readFileSync } from 'node:fs';
import path from 'node:path';
import { ROOT } from './sidecar.js';

/** The outputs that a README shows, in order: its blocks marked as text. */
export function shownIn(readme: string): readonly string[] {
  const text = readFileSync(path.join(ROOT, readme), 'utf8');
  return [...text.matchAll(/^```text\n(.*?)^```$/gms)].map(([, shown = '']) => shown);
}
