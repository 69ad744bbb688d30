// Compiles beside dist and swaps: a sidecar that runs from dist goes on while another is built.
import { spawnSync } from 'node:child_process';
import { renameSync, rmSync } from 'node:fs';
import process from 'node:process';

const draft = 'dist.new';
const old = 'dist.old';
for (const folder of [draft, old]) rmSync(folder, { recursive: true, force: true });
const tsc = ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json', '--outDir', draft];
const { status } = spawnSync(process.execPath, tsc, { stdio: 'inherit' });
if (status !== 0) process.exit(status ?? 1);
try {
  renameSync('dist', old);
} catch (error) {
  if (error.code !== 'ENOENT') throw error;
}
renameSync(draft, 'dist');
rmSync(old, { recursive: true, force: true });
