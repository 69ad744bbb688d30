/** grpc-go, with stubs made by buf and Go's own plugins. */
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { shownIn } from '../support/readme.js';
import { ROOT, startSidecar, type TestSidecar } from '../support/sidecar.js';
import { hasTool, output, run } from '../support/tools.js';

const example = path.join(ROOT, 'examples/go');
const buf = path.join(ROOT, 'node_modules/.bin/buf');
// Neither needs to look for another Go than the one that is here.
const environment = { GOTOOLCHAIN: 'local', GOFLAGS: '-mod=readonly' };

const isHere =
  process.env['SAFEGUARDS_GO'] !== 'none' &&
  hasTool('Go, as new as examples/go/go.mod asks', 'sh', [
    '-c',
    `cd '${example}' && GOTOOLCHAIN=local go list -m`,
  ]);

describe.skipIf(!isHere)('Go', { timeout: 300_000 }, () => {
  let folder: string;
  let program: string;
  let sidecar: TestSidecar;
  beforeAll(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'safeguards-go-'));
    program = path.join(folder, 'example');
    const generate = ['generate', '--template', 'examples/go/buf.gen.yaml', '--output', folder];
    await output(buf, generate, { cwd: ROOT, environment, timeoutMs: 240_000 });
    const cwd = path.join(folder, 'examples/go');
    for (const file of ['go.mod', 'go.sum', 'main.go']) {
      cpSync(path.join(example, file), path.join(cwd, file));
    }
    await output('go', ['vet', '.'], { cwd, environment, timeoutMs: 240_000 });
    await output('go', ['build', '-o', program, '.'], { cwd, environment, timeoutMs: 240_000 });
    sidecar = await startSidecar();
  }, 600_000);
  afterAll(async () => {
    rmSync(folder, { recursive: true, force: true });
    await sidecar.stop();
  });

  test.each(['TCP', 'a Unix socket'])('the example, over %s', async (over) => {
    const address = over === 'TCP' ? sidecar.agent : `unix://${sidecar.socket}`;
    const where = ['-address', address, '-admin-address', sidecar.admin];
    const { code, out, err } = await run(program, [...where, '-token-file', sidecar.tokenFile]);
    expect(err).toBe('');
    expect([out]).toEqual(shownIn('examples/go/README.md'));
    expect(code).toBe(0);
  });
});
