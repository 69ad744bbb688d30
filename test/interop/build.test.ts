/** What `npm run build` makes: the whole program, which needs nothing but Node. */
import { cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { BudgetAdminService } from '../../src/gen/safeguards/v1/budget_admin_service_pb.js';
import { Connection } from '../crash/client.js';
import { ROOT, startSidecar } from '../support/sidecar.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'safeguards-build-'));
  for (const name of ['dist', 'package.json']) {
    cpSync(path.join(ROOT, name), path.join(folder, name), { recursive: true });
  }
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

const script = () => path.join(folder, 'dist/main.js');
const health = (address: string) =>
  fetch(`http://${address}/grpc.health.v1.Health/Check`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{}',
  });

test('serves gRPC and JSON from any folder', { timeout: 60_000 }, async () => {
  const sidecar = await startSidecar({ script: script() });
  expect(await serverInfo(sidecar)).toMatch(/^[0-9a-f-]{36}$/);
  expect(await (await health(sidecar.agent)).json()).toEqual({ status: 'SERVING' });
  expect(await sidecar.stop()).toBe(0);
  expect(sidecar.log()).toBe('');
});

test('serves gRPC where what speaks HTTP/1.1 is gone', { timeout: 60_000 }, async () => {
  const dist = path.join(folder, 'dist');
  const parts = readdirSync(dist).filter((name) => name.startsWith('mount-connect-'));
  expect(parts).toHaveLength(1);
  const sidecar = await startSidecar({ script: script() });
  rmSync(path.join(dist, parts[0]!));
  for (let call = 0; call < 2; call += 1) {
    await expect(health(sidecar.agent)).rejects.toThrow('fetch failed');
  }
  expect(await serverInfo(sidecar)).toMatch(/^[0-9a-f-]{36}$/);
  expect(sidecar.log()).toContain('Connect cannot be loaded');
  expect(await sidecar.stop()).toBe(0);
});

async function serverInfo({ admin, token }: { readonly admin: string; readonly token: string }) {
  const operator = new Connection(admin, token);
  try {
    const { storeId } = await operator.call(BudgetAdminService.method.getServerInfo, {});
    return storeId;
  } finally {
    operator.close();
  }
}
