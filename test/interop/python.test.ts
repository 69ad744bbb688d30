/** Python's gRPC, which is built on the gRPC C core: nothing of it is ours but the protos. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { shownIn } from '../support/readme.js';
import { ROOT, startSidecar, type TestSidecar } from '../support/sidecar.js';
import { hasTool, output, run } from '../support/tools.js';

const python = process.env['SAFEGUARDS_PYTHON'] ?? 'python3';
const isHere = hasTool('Python with examples/python/requirements.txt', python, [
  '-c',
  'import grpc, grpc_tools, grpc_status',
]);
const examples = path.join(ROOT, 'examples/python');
/** What the README shows is what is printed; AGENT stands for an id made by the server. */
const [GUIDE, RACE] = shownIn('examples/python/README.md');

describe.skipIf(!isHere)('Python', { timeout: 300_000 }, () => {
  let stubs: string;
  let sidecar: TestSidecar;
  beforeAll(async () => {
    stubs = mkdtempSync(path.join(tmpdir(), 'safeguards-stubs-'));
    const environment = { PYTHON: python };
    await output('bash', [path.join(examples, 'generate.sh'), stubs], { environment });
    sidecar = await startSidecar();
  });
  afterAll(async () => {
    rmSync(stubs, { recursive: true, force: true });
    await sidecar.stop();
  });

  const script = (file: string, words: readonly string[]) =>
    run(python, [file, ...words], {
      timeoutMs: 240_000,
      environment: { PYTHONPATH: stubs, PYTHONDONTWRITEBYTECODE: '1' },
    });
  const example = (name: string, { admin, tokenFile }: TestSidecar, address: string) => {
    const where = ['--address', address, '--admin-address', admin, '--token-file', tokenFile];
    return script(path.join(examples, name), where);
  };

  test('stubs come from one folder of protos', async () => {
    const { code, err } = await script('-c', [
      'from safeguards.v1 import metrics_service_pb2_grpc, budget_service_pb2',
    ]);
    expect(err).toBe('');
    expect(code).toBe(0);
  });

  test.each(['TCP', 'a Unix socket'])(
    'the guide’s pools, agents and budgets, over %s',
    async (over) => {
      // Pools have names that are not unique: each walk through the guide wants a fresh store.
      const fresh = await startSidecar();
      try {
        const address = over === 'TCP' ? fresh.agent : `unix:${fresh.socket}`;
        const { code, out, err } = await example('guide.py', fresh, address);
        expect(err).toBe('');
        expect(out.replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/, 'AGENT')).toBe(GUIDE);
        expect(code).toBe(0);
      } finally {
        expect(await fresh.stop()).toBe(0);
      }
    },
  );

  test.each(['TCP', 'a Unix socket'])(
    '32 processes spend 0.01 from 100 over %s: 10,000 times and no more',
    async (over) => {
      const address = over === 'TCP' ? sidecar.agent : `unix:${sidecar.socket}`;
      const { code, out, err } = await example('race.py', sidecar, address);
      expect(RACE).toContain('approved 10000');
      expect(out, err).toBe(RACE);
      expect(code).toBe(0);
    },
  );

  test('sees what is wrong as wrong, and why', async () => {
    const file = path.join(import.meta.dirname, 'refusals.py');
    const { out, err } = await script(file, [sidecar.agent, sidecar.admin, sidecar.token]);
    const seen = out.trim().split('\n');
    const domain = 'safeguards.dev';
    expect(
      seen.map((line) => JSON.parse(line) as object),
      err,
    ).toEqual([
      { name: 'admin on the agent listener', code: 'UNIMPLEMENTED', status: 12 },
      refusal('no token', 'UNAUTHENTICATED', 16, 'CREDENTIALS_MISSING'),
      refusal('wrong token', 'UNAUTHENTICATED', 16, 'CREDENTIALS_INVALID'),
      { name: 'right token', code: 'OK' },
      refusal('agent call without a token', 'UNAUTHENTICATED', 16, 'CREDENTIALS_MISSING'),
      refusal('unknown agent', 'NOT_FOUND', 5, 'AGENT_NOT_FOUND'),
      {
        ...refusal('malformed', 'INVALID_ARGUMENT', 3, 'INVALID_REQUEST'),
        fields: ['agent_id', 'amount', 'request_id'],
      },
      { name: 'unknown method', code: 'UNIMPLEMENTED', status: 12 },
    ]);
    function refusal(name: string, code: string, status: number, reason: string): object {
      return { name, code, status, reason, domain };
    }
  });
});
