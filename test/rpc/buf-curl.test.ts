import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { TOKEN, serve } from './support/harness.js';

const root = path.resolve(import.meta.dirname, '../..');
const buf = path.join(root, 'node_modules/.bin/buf');

/** A client that is not ours: what it understands, others do. */
async function curl(...args: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(buf, ['curl', ...args], { cwd: root });
  return stdout;
}

const GRPC = ['--protocol', 'grpc', '--http2-prior-knowledge'];
const REQUEST = ['-d', '{"request_id": "r-1", "agent_id": "agent-1", "amount": "10"}'];
const SPEND = 'safeguards.v1.BudgetService/Spend';

describe('buf curl', { timeout: 60_000 }, () => {
  test('lists, describes and calls over gRPC by reflection', async () => {
    const { agent, admin } = await serve();
    const listed = await curl(...GRPC, '--list-methods', `http://${agent}`);
    expect(listed).toContain('safeguards.v1.BudgetService/SpendStream');
    expect(listed).toContain('safeguards.v1.MetricsService/GetUsageHistory');
    expect(listed).not.toContain('Admin');
    expect(listed).not.toContain('ExportLedger');
    const answer = JSON.parse(
      await curl(...GRPC, ...REQUEST, `http://${agent}/${SPEND}`),
    ) as object;
    expect(answer).toMatchObject({ decision: 'DECISION_APPROVED', grantedAmount: '10' });

    const operator = ['-H', `authorization: Bearer ${TOKEN}`, '--reflect-header', '*'];
    const info = 'safeguards.v1.BudgetAdminService/GetServerInfo';
    expect(await curl(...GRPC, ...operator, '--list-methods', `http://${admin}`)).toContain(info);
    const told = JSON.parse(
      await curl(...GRPC, ...operator, '-d', '{}', `http://${admin}/${info}`),
    ) as object;
    expect(told).toMatchObject({ version: '1.2.3', durability: 'fsync' });
  });

  test('streams both ways over gRPC', async () => {
    const { agent } = await serve();
    const item = (id: string) =>
      `{"item": {"request_id": "${id}", "agent_id": "a", "amount": "1"}}`;
    const answers = await curl(
      ...GRPC,
      '-d',
      `${item('r-1')}${item('r-2')}`,
      `http://${agent}/safeguards.v1.BudgetService/SpendStream`,
    );
    expect([...answers.matchAll(/"requestId":\s*"(r-\d)"/g)].map(([, id]) => id)).toEqual([
      'r-1',
      'r-2',
    ]);
  });

  test.each(['connect', 'grpcweb'])('calls over HTTP/1.1 with %s', async (protocol) => {
    const { agent } = await serve();
    const schema = ['--protocol', protocol, '--schema', 'proto'];
    const answer = JSON.parse(
      await curl(...schema, ...REQUEST, `http://${agent}/${SPEND}`),
    ) as object;
    expect(answer).toMatchObject({ grantedAmount: '10', budget: { available: '64.5' } });
    const failed = curl(...schema, '-d', '{}', `http://${agent}/${SPEND}`);
    await expect(failed).rejects.toMatchObject({
      stderr: expect.stringContaining('google.rpc.ErrorInfo') as string,
    });
  });
});
