import { readFileSync } from 'node:fs';
import path from 'node:path';
import { ROOT } from './sidecar.js';

/** The outputs that a README shows, in order: its blocks marked as text. */
export function shownIn(readme: string): readonly string[] {
  const text = readFileSync(path.join(ROOT, readme), 'utf8');
  return [...text.matchAll(/^```text\n(.*?)^```$/gms)].map(([, shown = '']) => shown);
}

/** A row of the README's table of RPCs. */
export interface RpcRow {
  readonly service: string;
  readonly area: string;
  readonly rpcs: readonly string[];
  readonly listener: string;
}

/** The README's table of RPCs; a row that names no service belongs to the one above it. */
export function rpcTable(): readonly RpcRow[] {
  const text = readFileSync(path.join(ROOT, 'README.md'), 'utf8');
  const [, table = ''] = /^\| service \|[^\n]*\n\|[-|]+\n((?:\|[^\n]*\n)+)/m.exec(text) ?? [];
  let service = '';
  return table
    .trimEnd()
    .split('\n')
    .map((line) => {
      const [named = '', area = '', rpcs = '', listener = '', ...more] = line
        .replace(/^\||\|$/g, '')
        .split('|')
        .map((cell) => cell.trim());
      if (more.length > 0) throw new Error(`a row of another shape: ${line}`);
      if (named !== '') service = named;
      return { service, area, rpcs: rpcs.split(', '), listener };
    });
}

/** The files that the README links to. */
export function linksOfReadme(): readonly string[] {
  const text = readFileSync(path.join(ROOT, 'README.md'), 'utf8');
  return [...text.matchAll(/\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)/g)].map(([, to = '']) => to);
}
