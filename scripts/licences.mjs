// Lists the licences of every package of the lock file, and fails on one that is not allowed.
// Usage: node scripts/licences.mjs [package-lock.json]
import process from 'node:process';
import { lockPackages } from './lock-packages.mjs';

/** For whatever runs: permissive, and asks for no more than a notice. */
const ALLOWED = ['MIT', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', '0BSD', 'ISC'];

/** For tools that build and test and are not part of what runs or is shipped. */
const ALLOWED_IN_DEVELOPMENT = [...ALLOWED, 'BlueOak-1.0.0', 'MPL-2.0'];

/** Whether an SPDX expression may be met with the allowed licences: OR one side, AND both. */
function isAllowed(expression, allowed) {
  const bare = expression.replace(/^\((.*)\)$/, '$1');
  if (bare.includes('(')) return false;
  return bare
    .split(' OR ')
    .some((side) => side.split(' AND ').every((one) => allowed.includes(one.trim())));
}

const packages = lockPackages(process.argv[2] ?? 'package-lock.json');
const refused = packages.filter(
  ({ licence, isDevelopment }) =>
    !isAllowed(licence, isDevelopment ? ALLOWED_IN_DEVELOPMENT : ALLOWED),
);

const counts = new Map();
for (const { licence, isDevelopment } of packages) {
  const row = counts.get(licence) ?? { runtime: 0, development: 0 };
  row[isDevelopment ? 'development' : 'runtime'] += 1;
  counts.set(licence, row);
}
console.log('licence                              runtime  development');
for (const [licence, { runtime, development }] of [...counts].sort()) {
  console.log(
    `${(licence || '(none)').padEnd(36)} ${String(runtime).padStart(7)} ${String(development).padStart(12)}`,
  );
}
for (const { name, version, licence, isDevelopment } of refused) {
  const what = isDevelopment ? 'a development' : 'a runtime';
  console.error(`${name} ${version}: "${licence}" is not allowed for ${what} package`);
}
if (packages.length === 0) console.error('the lock file names no packages');
process.exitCode = refused.length > 0 || packages.length === 0 ? 1 : 0;
