// Bundles the sidecar into dist: with package.json and Node that is all that runs. Types are for
// `npm run check:types`.
// It is built beside dist and swapped, so that a sidecar that runs from there goes on: over gRPC. What it
// has not loaded yet, such as Connect for HTTP/1.1, it asks for in vain then, and says so in its log.
import { cpSync, existsSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { rolldown } from 'rolldown';
import { lockPackages, resolveAt } from './lock-packages.mjs';
import { notices, packageOf } from './notices.mjs';

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
  // The image is built without the repository's tsconfig.json.
  tsconfig: false,
  transform: { target: 'node20.19' },
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
const packages = new Map(lockPackages('package-lock.json').map((one) => [one.place, one]));
const copied = closureOf(NATIVE);
for (const place of copied) cpSync(place, path.join(draft, place), { recursive: true });
const modules = output.flatMap(({ moduleIds = [] }) => moduleIds).map(relative);
const places = new Set([...modules.map(packageOf), ...copied]);
places.delete(undefined);
for (const place of places) {
  if (packages.get(place)?.isDevelopment !== false) throw new Error(`${place} is for development`);
}
writeFileSync(path.join(draft, 'LICENCES.txt'), notices([...places].sort(), modules));
try {
  renameSync('dist', old);
} catch (error) {
  if (error.code !== 'ENOENT') throw error;
}
renameSync(draft, 'dist');
rmSync(old, { recursive: true, force: true });

/** The places of a package and of everything it needs that is installed for this platform. */
function closureOf(name) {
  const found = new Map();
  const add = (one) => {
    if (one === undefined || found.has(one.place) || !existsSync(one.place)) return;
    found.set(one.place, one);
    for (const needed of one.dependencies) add(resolveAt(packages, one.place, needed));
  };
  add(packages.get(`node_modules/${name}`));
  if (found.size === 0) throw new Error(`${name} is not installed; run npm ci`);
  return [...found.keys()];
}

/** A module as a path from here, without what a bundler puts around it. */
function relative(module) {
  return path.relative('.', module.replace(/^\0/, '')).replaceAll(path.sep, '/');
}
