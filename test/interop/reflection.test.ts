/** `buf curl` knows nothing of this repository: what it learns comes by reflection. */
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ROOT, startSidecar, type TestSidecar } from '../support/sidecar.js';
import { output, run } from '../support/tools.js';

const buf = path.join(ROOT, 'node_modules/.bin/buf');
const GRPC = ['--protocol', 'grpc', '--http2-prior-knowledge'];

// Folders without any proto: nothing but reflection can tell it what a method takes.
const elsewhere = { cwd: path.join(ROOT, 'docs') };

let sidecar: TestSidecar;
let asOperator: readonly string[];
/** The same token for what reflection is asked. */
const toReflection = ['--reflect-header', '*'];
beforeAll(async () => {
  sidecar = await startSidecar();
  asOperator = ['-H', `authorization: Bearer ${sidecar.token}`];
  const agent = '{"agent_id": "a", "name": "A", "initial_budget": "10"}';
  await curl(
    ...[...GRPC, ...asOperator, ...toReflection, '-d', agent],
    `http://${sidecar.admin}/safeguards.v1.BudgetAdminService/CreateAgent`,
  );
});
afterAll(async () => {
  expect(await sidecar.stop()).toBe(0);
});

interface Failure {
  readonly code: string;
  readonly details: readonly { readonly type: string; readonly value: string }[];
}

const curl = (...words: readonly string[]) => output(buf, ['curl', ...words], elsewhere);
const json = async (...words: readonly string[]) => JSON.parse(await curl(...words)) as unknown;

/** Where a listener is, in buf's words, and what it must be shown. */
const listeners = {
  agent: () => ({ url: `http://${sidecar.agent}`, shown: [] as readonly string[] }),
  admin: () => ({ url: `http://${sidecar.admin}`, shown: asOperator }),
  socket: () => ({ url: 'http://localhost', shown: ['--unix-socket', sidecar.socket] }),
};

function reflecting(name: keyof typeof listeners): ReturnType<(typeof listeners)['agent']> {
  const { url, shown } = listeners[name]();
  return { url, shown: name === 'admin' ? [...shown, ...toReflection] : shown };
}

const AGENT_SERVICES = [
  'grpc.health.v1.Health',
  'safeguards.v1.BudgetService',
  'safeguards.v1.MetricsService',
  'safeguards.v1.ViolationService',
];

describe('reflection over gRPC', { timeout: 60_000 }, () => {
  test.each([
    ['agent', AGENT_SERVICES],
    ['socket', AGENT_SERVICES],
    ['admin', [...AGENT_SERVICES, 'safeguards.v1.BudgetAdminService']],
  ] as const)('lists what the %s listener serves', async (name, services) => {
    const { url, shown } = reflecting(name);
    const listed = (await curl(...GRPC, ...shown, '--list-services', url)).trim().split('\n');
    const own = listed.filter((service) => !service.startsWith('grpc.reflection.'));
    expect(own.sort()).toEqual([...services].sort());
  });

  test.each(['agent', 'socket', 'admin'] as const)(
    'lists methods, and calls one by the descriptors of the %s listener alone',
    async (name) => {
      const { url, shown } = reflecting(name);
      const methods = await curl(...GRPC, ...shown, '--list-methods', url);
      expect(methods).toContain('safeguards.v1.BudgetService/SpendStream');
      expect(methods.includes('safeguards.v1.MetricsService/ExportLedger')).toBe(name === 'admin');
      const spend = ['-d', `{"request_id": "${name}", "agent_id": "a", "amount": "1"}`];
      expect(
        await json(...GRPC, ...shown, ...spend, `${url}/safeguards.v1.BudgetService/Spend`),
      ).toMatchObject({ decision: 'DECISION_APPROVED', grantedAmount: '1' });
    },
  );

  test('does not know the admin service where agents call', async () => {
    const url = `http://${sidecar.agent}/safeguards.v1.BudgetAdminService/ListPools`;
    const { code, err } = await run(buf, ['curl', ...GRPC, '-d', '{}', url], elsewhere);
    expect(code).not.toBe(0);
    expect(err).toContain('failed to find service');
  });
});

// Reflection streams both ways, which needs HTTP/2; grpcweb and connect are served over HTTP/1.1.
const SCHEMA = ['--schema', path.join(ROOT, 'proto')];

describe.each([
  ['grpc', ['--http2-prior-knowledge']],
  ['grpcweb', SCHEMA],
  ['connect', SCHEMA],
] as const)('%s', { timeout: 60_000 }, (protocol, more) => {
  const how = ['--protocol', protocol, ...more];

  test.each(['agent', 'socket', 'admin'] as const)('calls the %s listener', async (name) => {
    const { url, shown } = more === SCHEMA ? listeners[name]() : reflecting(name);
    const request = ['-d', '{"agent_id": "a"}'];
    expect(
      await json(...how, ...shown, ...request, `${url}/safeguards.v1.BudgetService/GetBudget`),
    ).toMatchObject({ budget: { agentId: 'a', allocated: '10' } });
  });

  test('carries the details of an error', async () => {
    const url = `http://${sidecar.agent}/safeguards.v1.BudgetService/Spend`;
    const { code, err } = await run(
      buf,
      ['curl', ...how, '-d', '{"request_id": "x", "agent_id": "nobody", "amount": "1"}', url],
      elsewhere,
    );
    expect(code).not.toBe(0);
    const { code: name, details } = JSON.parse(err) as Failure;
    expect(name).toBe('not_found');
    expect(details.map(({ type }) => type)).toEqual(['google.rpc.ErrorInfo']);
    const info = Buffer.from(details[0]?.value ?? '', 'base64').toString('latin1');
    expect(info).toContain('AGENT_NOT_FOUND');
    expect(info).toContain('safeguards.dev');
  });

  test('streams what changes', async () => {
    const url = `http://${sidecar.agent}/safeguards.v1.BudgetService/WatchBudgets`;
    const words = [...how, '--timeout', '2s', '-d', '{"agent_ids": ["a"]}', url];
    const { out } = await run(buf, ['curl', ...words], elsewhere);
    expect(out).toContain('"available"');
    expect(out).toContain('"snapshotComplete"');
  });
});
