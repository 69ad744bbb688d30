import { readFileSync, writeFileSync } from 'node:fs';
import type { Result } from './report.js';
import { sizingTable } from './sizing.js';
import { tablesOf } from './tables.js';

/** The page that the results stand in. */
const PAGE = 'docs/performance.md';

/** Where plots lie, as the page links them. */
const PLOTS = '../bench/results';

/** Puts results into the page of the documentation. */
export function writeDocument(results: readonly Result[]): void {
  writeFileSync(PAGE, documentWith(readFileSync(PAGE, 'utf8'), results));
}

/** A page with its generated parts made anew. Throws where a part is missing. */
export function documentWith(page: string, results: readonly Result[]): string {
  const parts = { results: tablesOf(results), sizing: sizingTable(results), plots: plots(results) };
  return Object.entries(parts).reduce((text, [name, lines]) => {
    const begin = `<!-- ${name}: written by npm run bench -->\n`;
    const end = `<!-- end of ${name} -->\n`;
    const from = text.indexOf(begin);
    const to = text.indexOf(end);
    if (from < 0 || to < from) throw new Error(`the page has no part for its ${name}`);
    const part = lines.length === 0 ? 'Not measured yet.' : lines.join('\n');
    return `${text.slice(0, from + begin.length)}\n${part}\n\n${text.slice(to)}`;
  }, page);
}

function plots(results: readonly Result[]): readonly string[] {
  return results.flatMap(({ scenario, outcome }) =>
    outcome.plots.map(({ name, title }) => `![${title}](${PLOTS}/${scenario}.${name}.svg)`),
  );
}
