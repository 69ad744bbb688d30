// Bundles the sidecar into dist, whole: what is in it needs Node and nothing else. Types are for
// `npm run check:types`.
// A sidecar that runs from dist goes on while another is built: it is built beside dist and swapped.
import {
  cpSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { rolldown } from 'rolldown';
import { lockPackages, resolveAt } from './lock-packages.mjs';

const draft = 'dist.new';
const old = 'dist.old';

/** A native module cannot be in a bundle: it is copied, with what it needs. */
const NATIVE = 'lmdb';

/** Half a megabyte that grpc-js asks for only when its own services are added, which nothing here does. */
const UNUSED = '@grpc/proto-loader';

for (const folder of [draft, old]) rmSync(folder, { recursive: true, force: true });
const bundle = await rolldown({
  input: { main: 'src/main.ts', 'verify-process': 'src/cli/verify-process.ts' },
  external: [NATIVE, UNUSED],
  platform: 'node',
  resolve: { extensionAlias: { '.js': ['.ts', '.js'] } },
  onLog: (level, log, defaultHandler) => {
    if (level === 'warn') throw new Error(log.message);
    defaultHandler(level, log);
  },
});
const { output } = await bundle.write({
  dir: draft,
  format: 'esm',
  // All in one folder, since main.ts and verify-child.ts look for files beside themselves.
  entryFileNames: '[name].js',
  // By digest: a sidecar that still runs from the build before never loads what was built after it.
  chunkFileNames: '[name]-[hash].js',
});
await bundle.close();
const copied = closureOf(NATIVE);
for (const place of copied) cpSync(place, path.join(draft, place), { recursive: true });
const bundled = output.flatMap(({ moduleIds = [] }) => moduleIds.map(packageOf));
writeFileSync(path.join(draft, 'LICENCES.txt'), notices([...bundled, ...copied]));
try {
  renameSync('dist', old);
} catch (error) {
  if (error.code !== 'ENOENT') throw error;
}
renameSync(draft, 'dist');
rmSync(old, { recursive: true, force: true });

/** The places of a package and of everything it needs that is installed for this platform. */
function closureOf(name) {
  const byPlace = new Map(lockPackages('package-lock.json').map((one) => [one.place, one]));
  const found = new Map();
  const add = (one) => {
    if (one === undefined || found.has(one.place) || !existsSync(one.place)) return;
    found.set(one.place, one);
    for (const needed of one.dependencies) add(resolveAt(byPlace, one.place, needed));
  };
  add(byPlace.get(`node_modules/${name}`));
  if (found.size === 0) throw new Error(`${name} is not installed; run npm ci`);
  return [...found.keys()];
}

/** The place of the package that a module is part of, or undefined when it is our own. */
function packageOf(module) {
  const [, place] =
    /(node_modules\/(?:@[^/]+\/)?[^/]+)(?!.*\/node_modules\/)/.exec(
      path.relative('.', module.replace(/^\0/, '').replace(/\?.*$/, '')).replaceAll(path.sep, '/'),
    ) ?? [];
  return place;
}

/** The licences of packages, by name: what is passed on must carry them. */
function notices(places) {
  const known = [...new Set(places)].filter((place) => place !== undefined).sort();
  return known
    .map((place) => {
      const { name, version, license } = JSON.parse(readFileSync(`${place}/package.json`, 'utf8'));
      const texts = readdirSync(place)
        .filter((file) => /^(licen[cs]e|notice)/i.test(file))
        .map((file) => readFileSync(path.join(place, file), 'utf8').trim());
      return [`${name} ${version} (${license})`, ...texts].join('\n\n');
    })
    .join(`\n\n${'-'.repeat(80)}\n\n`);
}
