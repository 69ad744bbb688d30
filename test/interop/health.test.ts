/** grpc.health.v1 on every listener, as probes and load balancers ask for it. */
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ROOT, startSidecar, type TestSidecar } from '../support/sidecar.js';
import { output, run } from '../support/tools.js';

let sidecar: TestSidecar;
beforeAll(async () => {
  sidecar = await startSidecar();
});
afterAll(async () => {
  await sidecar.stop('SIGKILL');
});

const buf = path.join(ROOT, 'node_modules/.bin/buf');
const GRPC = ['--protocol', 'grpc', '--http2-prior-knowledge'];

describe('health', { timeout: 60_000 }, () => {
  // Without a token: a probe has none.
  test.each(['agent', 'admin'] as const)('of the %s listener, as JSON', async (name) => {
    const url = `http://${sidecar[name]}/grpc.health.v1.Health/Check`;
    for (const service of ['', 'safeguards.v1.BudgetService']) {
      const response = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ service }),
      });
      expect(response.status).toBe(200);
      expect(await response.json()).toEqual({ status: 'SERVING' });
    }
  });

  const places = {
    agent: () => ({ host: sidecar.agent, how: [] as readonly string[] }),
    socket: () => ({ host: 'localhost', how: ['--unix-socket', sidecar.socket] }),
    // Only what reflection is asked shows the token.
    admin: () => ({
      host: sidecar.admin,
      how: ['--reflect-header', `authorization: Bearer ${sidecar.token}`],
    }),
  };

  test.each(['agent', 'socket', 'admin'] as const)('of the %s listener, as gRPC', async (name) => {
    const { host, how } = places[name]();
    const url = `http://${host}/grpc.health.v1.Health/Check`;
    const answer = await output(buf, ['curl', ...GRPC, ...how, '-d', '{}', url]);
    expect(JSON.parse(answer)).toEqual({ status: 'SERVING' });
  });

  test('does not know what is not served there', async () => {
    const url = `http://${sidecar.agent}/grpc.health.v1.Health/Check`;
    const data = '{"service": "safeguards.v1.BudgetAdminService"}';
    const { err } = await run(buf, ['curl', ...GRPC, '-d', data, url]);
    expect(err).toContain('not_found');
  });
});

describe('the probe of the image', () => {
  const script = path.join(ROOT, 'deploy/health.mjs');
  const probe = (address: string) => run(process.execPath, [script, address]);

  test('ends with 0 where the sidecar serves, over TCP and the socket', async () => {
    expect(await probe(sidecar.agent)).toMatchObject({ code: 0, err: '' });
    expect(await probe(`unix:${sidecar.socket}`)).toMatchObject({ code: 0, err: '' });
  });

  test('ends with 1 where nobody does, and says so', async () => {
    const gone = await startSidecar();
    await gone.stop();
    const { code, err } = await probe(gone.agent);
    expect(code).toBe(1);
    expect(err).toContain('ECONNREFUSED');
  });

  test('ends with 1 within seconds where nobody answers', async () => {
    const hung = await startSidecar();
    process.kill(hung.pid, 'SIGSTOP');
    try {
      const { code, err } = await probe(hung.agent);
      expect(code).toBe(1);
      expect(err).toContain('No answer');
    } finally {
      process.kill(hung.pid, 'SIGCONT');
      await hung.stop();
    }
  });
});
