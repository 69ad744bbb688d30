/** TLS, principals and their change on the built sidecar, with curl and the command line. */
import { renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { formatHash, newToken } from '../../src/rpc/access/token.js';
import { authority } from '../support/certificates.js';
import { ROOT, startSidecar } from '../support/sidecar.js';
import { knowSecret } from '../support/secrets.js';
import { hasTool, run } from '../support/tools.js';

const isHere = hasTool('openssl', 'openssl', ['version']) && hasTool('curl', 'curl', ['--version']);

const BUDGET = 'safeguards.v1.BudgetService';

describe.skipIf(!isHere)('a sidecar with TLS and principals', () => {
  test('lets in who proves itself, and follows its files', async () => {
    const [ca, clients] = [authority('servers'), authority('clients')];
    const own = ca.server({ days: 30 });
    const client = clients.client('team-a', 'URI:spiffe://example.org/team-a');
    const folder = path.dirname(own.keyFile);
    const file = path.join(folder, 'credentials.yaml');
    const [ops, team] = [newToken(), newToken()];
    knowSecret('the token of ops', ops);
    knowSecret('the token of team-a', team);
    const wrong = knowSecret('a wrong token', 'wrong-token');
    const write = (text: string) => {
      writeFileSync(`${file}.new`, text, { mode: 0o600 });
      renameSync(`${file}.new`, file);
    };
    const credentials = (teamToken: string) => `principals:
  - {name: ops, role: admin, tokens: ["${formatHash(ops)}"]}
  - name: team-a
    role: agent
    agents: [team-a/*]
    tokens: ["${formatHash(teamToken)}"]
    certificates: ["uri:spiffe://example.org/team-a"]
`;
    write(credentials(team));
    const sidecar = await startSidecar({
      flags: [
        ...['--credentials-file', file, '--admin-auth', 'token', '--reload-interval', '1s'],
        ...['--agent-tls-cert', own.certificateFile, '--agent-tls-key', own.keyFile],
        ...['--admin-tls-cert', own.certificateFile, '--admin-tls-key', own.keyFile],
        ...['--admin-tls-client-ca', clients.certificateFile, '--log-level', 'info'],
      ],
    });
    onTestFinished(async () => {
      expect(await sidecar.stop()).toBe(0);
    });
    const port = (address: string) => address.slice(address.lastIndexOf(':') + 1);
    const curl = async (token: string, body: object, ...words: readonly string[]) => {
      const { out } = await run('curl', [
        ...['--silent', '--max-time', '30', '--cacert', ca.certificateFile, ...words],
        ...(token === '' ? [] : ['--header', `authorization: Bearer ${token}`]),
        ...['--header', 'content-type: application/json', '--data', JSON.stringify(body)],
        `https://localhost:${port(sidecar.agent)}/${BUDGET}/Spend`,
      ]);
      const { code, decision } = JSON.parse(out) as { code?: string; decision?: string };
      return code ?? decision;
    };
    const cli = (environment: Record<string, string>, ...words: readonly string[]) =>
      run('node', [path.join(ROOT, 'dist/main.js'), ...words], { environment, cwd: folder });
    const tls = { SAFEGUARDS_TLS_CA: ca.certificateFile };
    const operator = {
      ...tls,
      SAFEGUARDS_ADMIN_ADDRESS: `localhost:${port(sidecar.admin)}`,
      SAFEGUARDS_ADMIN_TOKEN: ops,
      SAFEGUARDS_TLS_CERT: client.certificateFile,
      SAFEGUARDS_TLS_KEY: client.keyFile,
    };

    for (const agent of ['team-a/one', 'team-b/two']) {
      const made = await cli(operator, 'agent', 'create', agent, '--initial-budget', '10');
      expect([made.err, made.code]).toEqual(['', 0]);
    }
    // Without a certificate the admin listener does not even speak.
    const bare = await cli(
      { ...operator, SAFEGUARDS_TLS_CERT: '', SAFEGUARDS_TLS_KEY: '' },
      'pool',
      'list',
    );
    expect(bare.code).toBe(1);
    // The certificate alone is the agent principal, on the operators' listener too.
    const asTeam = { ...operator, SAFEGUARDS_ADMIN_TOKEN: '', SAFEGUARDS_DATA_DIR: folder };
    expect((await cli(asTeam, 'pool', 'list')).err).toContain('NOT_PERMITTED');

    const spend = (agentId: string, requestId: string) => ({ agentId, requestId, amount: '1' });
    expect(await curl(team, spend('team-a/one', '1'))).toBe('DECISION_APPROVED');
    expect(await curl(team, spend('team-b/two', '2'))).toBe('permission_denied');
    expect(await curl(wrong, spend('team-a/one', '3'))).toBe('unauthenticated');
    expect(await curl('', spend('team-a/one', '4'))).toBe('unauthenticated');
    const agent = { ...tls, SAFEGUARDS_ADDRESS: `localhost:${port(sidecar.agent)}` };
    const spent = await cli({ ...agent, SAFEGUARDS_TOKEN: team }, 'spend', 'team-a/one', '2');
    expect([spent.err, spent.code]).toEqual(['', 0]);

    // A broken file changes nothing, and is told.
    write('principals: [');
    await expect
      .poll(() => sidecar.log(), { timeout: 20_000 })
      .toContain('what was in force stays');
    expect(await curl(team, spend('team-a/one', '5'))).toBe('DECISION_APPROVED');
    // Another token is taken, the old one is not any more.
    const next = newToken();
    write(credentials(next));
    await expect.poll(() => sidecar.log(), { timeout: 20_000 }).toContain('New credentials');
    expect(await curl(next, spend('team-a/one', '6'))).toBe('DECISION_APPROVED');
    expect(await curl(team, spend('team-a/one', '7'))).toBe('unauthenticated');
    // Another certificate too, on SIGHUP at the latest.
    const other = authority('renewed');
    const renewed = other.server({ days: 30 });
    writeFileSync(own.keyFile, renewed.key);
    writeFileSync(own.certificateFile, renewed.certificate);
    process.kill(sidecar.pid, 'SIGHUP');
    for (const listener of ['agent_listen', 'admin_listen']) {
      const told = `New certificates for ${listener}`;
      await expect.poll(() => sidecar.log(), { timeout: 20_000 }).toContain(told);
    }
    const renewing = { ...agent, SAFEGUARDS_TOKEN: ops, SAFEGUARDS_TLS_CA: other.certificateFile };
    const violations = await cli(renewing, 'violations', 'list', '--json');
    expect([violations.err, violations.code]).toEqual(['', 0]);
    // By the agent that it asked for.
    expect(violations.out).toContain('UNAUTHORIZED');
    expect(violations.out).toContain('team-b/two');
    expect(sidecar.log()).toContain('Access denied');
  });
});
