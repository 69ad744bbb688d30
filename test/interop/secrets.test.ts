/** Everything that a built sidecar tells, looked through for every secret that it was given. */
import { toJsonString } from '@bufbuild/protobuf';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import {
  BudgetAdminService,
  GetServerInfoResponseSchema,
} from '../../src/gen/safeguards/v1/budget_admin_service_pb.js';
import {
  ListDeliveriesResponseSchema,
  ListNotificationChannelsResponseSchema,
} from '../../src/gen/safeguards/v1/channel_pb.js';
import { BudgetService } from '../../src/gen/safeguards/v1/budget_service_pb.js';
import { EntrySchema } from '../../src/gen/safeguards/v1/entry_pb.js';
import { MetricsService } from '../../src/gen/safeguards/v1/metrics_service_pb.js';
import { ViolationType } from '../../src/gen/safeguards/v1/violation_pb.js';
import {
  ListViolationsResponseSchema,
  ViolationService,
} from '../../src/gen/safeguards/v1/violation_service_pb.js';
import { formatHash, newToken } from '../../src/rpc/access/token.js';
import { CallFailed, Connection } from '../crash/client.js';
import { respond, startReceiver } from '../delivery/receiver.js';
import { authority } from '../support/certificates.js';
import { knowSecret, refuseSecrets } from '../support/secrets.js';
import { ROOT, startSidecar } from '../support/sidecar.js';
import { hasTool, run } from '../support/tools.js';

const admin = BudgetAdminService.method;

const isHere = hasTool('openssl', 'openssl', ['version']);

describe.skipIf(!isHere)('a sidecar that was given secrets of every kind', () => {
  test('tells none of them, whoever asks and whatever goes wrong', async () => {
    const ca = authority();
    const own = ca.server();
    const folder = path.dirname(own.keyFile);
    const token = knowSecret('the token of team-a', newToken());
    const unknown = knowSecret('a token of nobody', newToken());
    const signing = knowSecret('a signing secret', 'signing-secret-of-the-receiver');
    const header = knowSecret('the header of a receiver', 'header-value-of-the-receiver');
    const place = knowSecret('the path of a receiver', '/services/path-of-the-receiver');
    const secretFile = path.join(folder, 'signing.txt');
    const credentialsFile = path.join(folder, 'credentials.yaml');
    writeFileSync(secretFile, signing);
    writeFileSync(
      credentialsFile,
      `principals:
  - name: team-a
    role: agent
    agents: [team-a/*]
    tokens: ["${formatHash(token)}"]
`,
    );
    // It says back all that it was sent, and takes nothing.
    const receiver = await startReceiver((response, request, number) =>
      respond(500, `${place} ${JSON.stringify(request.headers)} ${signing}`)(
        response,
        request,
        number,
      ),
    );
    onTestFinished(() => receiver.close());
    const sidecar = await startSidecar({
      flags: [
        ...['--credentials-file', credentialsFile, '--admin-auth', 'token'],
        ...['--agent-tls-cert', own.certificateFile, '--agent-tls-key', own.keyFile],
        ...['--webhook-private-addresses', '--log-level', 'info'],
      ],
    });
    const operator = new Connection(sidecar.admin, sidecar.token);
    const agent = new Connection(sidecar.agent, token, ca.certificate);
    const nobody = new Connection(sidecar.agent, unknown, ca.certificate);
    const told: [where: string, text: string][] = [];
    /** What a call that must fail is answered with. */
    const refused = async (where: string, call: Promise<unknown>): Promise<void> => {
      const error: unknown = await call.catch((cause: unknown) => cause);
      if (!(error instanceof CallFailed)) throw new Error(`${where} was not refused`);
      told.push([where, error.told]);
    };
    const cli = async (...words: readonly string[]): Promise<void> => {
      const environment = {
        SAFEGUARDS_ADMIN_ADDRESS: sidecar.admin,
        SAFEGUARDS_ADMIN_TOKEN: sidecar.token,
      };
      const script = path.join(ROOT, 'dist/main.js');
      const { out, err } = await run(process.execPath, [script, ...words], { environment });
      told.push([`what safeguards ${words.slice(0, 2).join(' ')} printed`, `${out}${err}`]);
    };

    await operator.call(admin.createAgent, { agentId: 'team-a/one', name: 'One' });
    await operator.call(admin.createAgent, { agentId: 'team-b/two', name: 'Two' });
    const url = `http://127.0.0.1:${receiver.port}${place}`;
    const headers = [{ name: 'authorization', value: header }];
    const webhook = (over: object = {}) => ({
      case: 'webhook' as const,
      value: { url, headers, secrets: [signing], ...over },
    });
    const { createNotificationChannel } = admin;
    await operator.call(createNotificationChannel, { channelId: 'ops', target: webhook() });
    const channel = { channelId: 'other', target: webhook({ headers: [...headers, ...headers] }) };
    await refused(
      'the answer to a header twice',
      operator.call(createNotificationChannel, channel),
    );
    for (const over of [
      { url: `ftp://user:${header}@127.0.0.1${place}` },
      { secrets: [signing.repeat(20)] },
      { headers: [{ name: header, value: `${header}\n` }] },
    ]) {
      const bad = { channelId: 'other', target: webhook(over) };
      const where = `the answer to bad ${Object.keys(over).join()}`;
      await refused(where, operator.call(createNotificationChannel, bad));
    }
    const spend = { requestId: 'r-1', amount: '1' };
    const spends = BudgetService.method.spend;
    await refused(
      'the answer to a foreign id',
      agent.call(spends, { ...spend, agentId: 'team-b/two' }),
    );
    await refused('the answer to nobody', nobody.call(spends, { ...spend, agentId: 'team-a/one' }));
    const report = { requestId: 'v-1', agentId: 'team-a/one', type: ViolationType.CUSTOM };
    await agent.call(ViolationService.method.reportViolation, { ...report, message: 'seen' });
    await expect.poll(() => receiver.received.length, { timeout: 30_000 }).toBeGreaterThan(0);
    // The receiver did get them: it is what is told that holds none.
    expect(receiver.received[0]?.headers.authorization).toBe(header);
    const deliveries = async () => {
      const answer = await operator.call(admin.listDeliveries, {});
      return toJsonString(ListDeliveriesResponseSchema, answer);
    };
    await expect.poll(deliveries, { timeout: 30_000 }).toContain('500');

    await cli('channel', 'create', 'cli', '--url', url, '--secrets', `@${secretFile}`);
    await cli('channel', 'create', 'bad', '--url', url, '--secrets', `@${own.keyFile}`);
    await cli('channel', 'get', 'ops');
    await cli('channel', 'list', '--json');
    await cli('channel', 'test', 'ops');
    await cli('delivery', 'list');
    await cli('server', 'info');
    await cli('pool', 'list', '--token-file', own.keyFile);
    told.push(['ListDeliveries', await deliveries()]);
    const info = await operator.call(admin.getServerInfo, {});
    told.push(['GetServerInfo', toJsonString(GetServerInfoResponseSchema, info)]);
    const channels = await operator.call(admin.listNotificationChannels, {});
    const shown = toJsonString(ListNotificationChannelsResponseSchema, channels);
    told.push(['ListNotificationChannels', shown]);
    const violations = await operator.call(ViolationService.method.listViolations, {});
    told.push(['ListViolations', toJsonString(ListViolationsResponseSchema, violations)]);
    let entries = '';
    for await (const { entry } of operator.stream(MetricsService.method.exportLedger, {})) {
      if (entry !== undefined) entries += toJsonString(EntrySchema, entry);
    }
    told.push(['the exported ledger', entries]);
    for (const connection of [operator, agent, nobody]) connection.close();
    expect(await sidecar.stop()).toBe(0);
    told.push(['the log', sidecar.log()]);

    // What is looked through is what it should be.
    const all = told.map(([, text]) => text).join('\n');
    for (const mark of ['channel/ops', 'NOT_PERMITTED', 'message_bytes_max', 'Access denied']) {
      expect(all).toContain(mark);
    }
    for (const [where, text] of told) {
      expect(text, where).not.toBe('');
      refuseSecrets(text, where);
    }
  });
});
