/** Python's gRPC, which is built on the gRPC C core: nothing of it is ours but the protos. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ROOT, startSidecar, type TestSidecar } from '../support/sidecar.js';
import { hasTool, output, run } from '../support/tools.js';

const python = process.env['SAFEGUARDS_PYTHON'] ?? 'python3';
const isHere = hasTool('Python with examples/python/requirements.txt', python, [
  '-c',
  'import grpc, grpc_tools, grpc_status',
]);
const examples = path.join(ROOT, 'examples/python');

describe.skipIf(!isHere)('Python', () => {
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
        // An id made by the server.
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
      expect(out, err).toBe(
        'processes 32\napproved 10000\ndenied 32\nspent 100\nremaining 0\n',
      );
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
      { name: 'admin on the agent listener', code: 'UNIMPLEMENTED' },
      refusal('no token', 'UNAUTHENTICATED', 16, 'CREDENTIALS_MISSING'),
      refusal('wrong token', 'UNAUTHENTICATED', 16, 'CREDENTIALS_INVALID'),
      { name: 'right token', code: 'OK' },
      refusal('agent call without a token', 'UNAUTHENTICATED', 16, 'CREDENTIALS_MISSING'),
      refusal('unknown agent', 'NOT_FOUND', 5, 'AGENT_NOT_FOUND'),
      {
        ...refusal('malformed', 'INVALID_ARGUMENT', 3, 'INVALID_REQUEST'),
        fields: ['agent_id', 'amount', 'request_id'],
      },
      { name: 'unknown method', code: 'UNIMPLEMENTED' },
    ]);
    function refusal(name: string, code: string, status: number, reason: string): object {
      return { name, code, status, reason, domain };
    }
  });
});

/** What examples/python/README.md shows, with the agent's id replaced. */
const GUIDE = `Budget pools
  critical_services: 1000 USD, priority 9
  standard_services: 2000 USD, priority 5
  background_tasks: 500 USD, priority 2
  in all: 3500
Agent budgets
  Critical agent budget: 200
  Standard agent budget: 300
Fixed allocation
  fixed_budget_agent: 100
Spending
  30: APPROVED; 30 spent, 70 available
  70.01: DENIED DENIAL_REASON_INSUFFICIENT_BUDGET
    limit 100, counted 30, short of 0.01
    largest amount that passes: 70
    Agent AGENT asked for 70.01 USD and has 70 available
The same request twice
  replayed False, 35 spent
  replayed True, 35 spent
A reservation
  60 held: 60 reserved, 5 available
  45 committed: 80 spent, 0 reserved, 20 available
update_budget
  standard_agent: 50 remaining, 0 spent
What cannot be judged is an error with a reason
  unknown agent: NOT_FOUND AGENT_NOT_FOUND
  initial budget below zero: INVALID_ARGUMENT INVALID_REQUEST
  more than the pool has: FAILED_PRECONDITION INSUFFICIENT_POOL_BUDGET
`;
