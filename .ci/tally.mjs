// Adds up the JSON results that vitest wrote and prints them as one plain line.
// Usage: node .ci/tally.mjs result.json...
import { existsSync, readFileSync } from 'node:fs';
import process from 'node:process';

const tally = { passed: 0, failed: 0, skipped: 0 };
for (const file of process.argv.slice(2)) {
  if (!existsSync(file)) {
    // A suite was to write it: one that died before its first result is a failure, not nothing.
    console.error(`no results in ${file}`);
    tally.failed += 1;
    continue;
  }
  const { testResults } = JSON.parse(readFileSync(file, 'utf8'));
  for (const suite of testResults) {
    for (const { status } of suite.assertionResults) {
      if (status === 'passed' || status === 'failed') tally[status] += 1;
      else tally.skipped += 1;
    }
    // A file that could not be loaded, or whose hook threw, fails without a failed test.
    const blamed = suite.assertionResults.some(({ status }) => status === 'failed');
    if (suite.status === 'failed' && !blamed) tally.failed += 1;
  }
}
const skipped = tally.skipped > 0 ? `, ${tally.skipped} skipped` : '';
console.log(`${tally.passed} passed, ${tally.failed} failed${skipped}`);
process.exitCode = tally.failed > 0 || tally.passed === 0 ? 1 : 0;
