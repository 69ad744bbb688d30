/** JSON over HTTP/1.1 with nothing but curl. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startSidecar, type TestSidecar } from '../support/sidecar.js';
import { hasTool, output } from '../support/tools.js';

// --json is younger than curl on some machines; a header and --data do the same.
const JSON_CALL = ['--silent', '--show-error', '--header', 'content-type: application/json'];

const BUDGET = '/safeguards.v1.BudgetService';
const ADMIN = '/safeguards.v1.BudgetAdminService';

const PROCESSES = 32;
const CALLS_EACH = 330;

describe.skipIf(!hasTool('curl', 'curl', ['--version']))('curl', { timeout: 180_000 }, () => {
  let sidecar: TestSidecar;
  let folder: string;
  beforeAll(async () => {
    sidecar = await startSidecar();
    folder = mkdtempSync(path.join(tmpdir(), 'safeguards-curl-'));
  });
  afterAll(async () => {
    rmSync(folder, { recursive: true, force: true });
    expect(await sidecar.stop()).toBe(0);
  });

  /** One call; the answer and the HTTP status. */
  const call = async (words: readonly string[], body: object): Promise<Answer> => {
    const shown = ['--write-out', '\n%{http_code}', '--max-time', '30'];
    const data = ['--data', JSON.stringify(body)];
    const out = await output('curl', [...JSON_CALL, ...shown, ...data, ...words]);
    const [json = '', status] = out.split('\n');
    return { status: Number(status), json: JSON.parse(json) as unknown };
  };
  const agent = (method: string, body: object) =>
    call([`http://${sidecar.agent}${BUDGET}/${method}`], body);
  const operator = (method: string, body: object) => {
    const token = ['--header', `authorization: Bearer ${sidecar.token}`];
    return call([...token, `http://${sidecar.admin}${ADMIN}/${method}`], body);
  };
  const overSocket = (method: string, body: object) =>
    call(['--unix-socket', sidecar.socket, `http://localhost${BUDGET}/${method}`], body);

  test('makes a pool and an agent, spends, and is told why not', async () => {
    const pool = { pool_id: 'research', name: 'Research', initial_budget: '1000.0', priority: 9 };
    expect(await operator('CreatePool', pool)).toMatchObject({
      status: 200,
      json: { pool: { id: 'research', funded: '1000', free: '1000', priority: 9 } },
    });
    const made = { agent_id: 'writer', name: 'Writer', pool_id: 'research', initial_budget: '10' };
    expect(await operator('CreateAgent', made)).toMatchObject({
      status: 200,
      json: { budget: { available: '10', poolId: 'research' } },
    });
    expect(
      await agent('Spend', { request_id: 'r-1', agent_id: 'writer', amount: '2.50' }),
    ).toMatchObject({
      status: 200,
      json: { decision: 'DECISION_APPROVED', budget: { spent: '2.5', available: '7.5' } },
    });
    expect(
      await agent('Spend', { request_id: 'r-2', agent_id: 'writer', amount: '8' }),
    ).toMatchObject({
      status: 200,
      json: {
        decision: 'DECISION_DENIED',
        grantedAmount: '0',
        denial: {
          reason: 'DENIAL_REASON_INSUFFICIENT_BUDGET',
          limit: '10',
          counted: '2.5',
          shortfall: '0.5',
          largestAmount: '7.5',
        },
      },
    });
  });

  test('reserves and commits over the Unix socket, once per request_id', async () => {
    await operator('CreateAgent', { agent_id: 'holder', name: 'Holder', initial_budget: '100' });
    const held = await overSocket('Reserve', {
      request_id: 'h-1',
      agent_id: 'holder',
      amount: '60',
    });
    expect(held.json).toMatchObject({ budget: { reserved: '60', available: '40' } });
    const { id } = (held.json as { reservation: { id: string } }).reservation;
    const commit = { request_id: 'h-2', reservation_id: id, amount: '45' };
    for (const replayed of [undefined, true]) {
      const { json } = await overSocket('Commit', commit);
      expect(json).toMatchObject({ budget: { spent: '45', available: '55' } });
      expect((json as { replayed?: boolean }).replayed).toBe(replayed);
    }
  });

  test('gets errors with a reason and every offending field', async () => {
    const { status, json } = await agent('Spend', { agent_id: '-', amount: '1e3' });
    expect(status).toBe(400);
    const { code, details } = json as ConnectError;
    expect(code).toBe('invalid_argument');
    expect(details.map(({ type, debug }) => [type, debug])).toMatchObject([
      ['google.rpc.ErrorInfo', { reason: 'INVALID_REQUEST', domain: 'safeguards.dev' }],
      ['google.rpc.BadRequest', { fieldViolations: [{}, {}, {}] }],
    ]);
    const pools = `http://${sidecar.admin}${ADMIN}/ListPools`;
    expect(await call([pools], {})).toMatchObject({
      status: 401,
      json: { code: 'unauthenticated', details: [{ debug: { reason: 'CREDENTIALS_MISSING' } }] },
    });
    const onAgents = `http://${sidecar.agent}${ADMIN}/ListPools`;
    expect(await call([onAgents], {})).toMatchObject({ status: 501 });
  });

  test.each(['TCP', 'a Unix socket'])(
    `${PROCESSES} processes spend 0.01 from 100 over %s: 10,000 times and no more`,
    async (over) => {
      const agentId = over === 'TCP' ? 'race-tcp' : 'race-socket';
      await operator('CreateAgent', { agent_id: agentId, name: agentId, initial_budget: '100' });
      const isTcp = over === 'TCP';
      const url = `http://${isTcp ? sidecar.agent : 'localhost'}${BUDGET}/Spend`;
      const racers = Array.from({ length: PROCESSES }, async (_, racer) => {
        const file = path.join(folder, `${agentId}-${racer}.curl`);
        const requests = Array.from({ length: CALLS_EACH }, (_call, at) => [
          `url = "${url}"`,
          'header = "content-type: application/json"',
          'silent',
          'show-error',
          ...(isTcp ? [] : [`unix-socket = "${sidecar.socket}"`]),
          'write-out = "\\n"',
          `data = "{\\"request_id\\": \\"${racer}-${at}\\", \\"agent_id\\": \\"${agentId}\\", \\"amount\\": \\"0.01\\"}"`,
        ]);
        writeFileSync(file, requests.map((lines) => lines.join('\n')).join('\nnext\n'));
        return output('curl', ['--config', file], { timeoutMs: 150_000 });
      });
      const answers = (await Promise.all(racers)).flatMap((out) => out.trim().split('\n'));
      const decisions = answers.map((line) => (JSON.parse(line) as Judged).decision);
      const count = (wanted: string) => decisions.filter((found) => found === wanted).length;
      expect(answers).toHaveLength(PROCESSES * CALLS_EACH);
      expect(count('DECISION_APPROVED')).toBe(10_000);
      expect(count('DECISION_DENIED')).toBe(PROCESSES * CALLS_EACH - 10_000);
      expect((await agent('GetBudget', { agent_id: agentId })).json).toMatchObject({
        budget: { spent: '100', remaining: '0', available: '0' },
      });
    },
  );

  test('sees a ledger that agrees with all of that', async () => {
    expect((await operator('VerifyLedger', {})).json).toMatchObject({ clean: true });
  });
});

interface Answer {
  readonly status: number;
  readonly json: unknown;
}

interface Judged {
  readonly decision: string;
}

interface ConnectError {
  readonly code: string;
  readonly details: readonly { readonly type: string; readonly debug: unknown }[];
}
