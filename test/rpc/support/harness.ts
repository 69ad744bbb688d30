import { onTestFinished } from 'vitest';
import { PUBLIC_ONLY } from '../../../src/domain/notification/address-policy.js';
import type { LedgerApi } from '../../../src/ledger/api.js';
import { ADMIN } from '../../../src/rpc/access/principal.js';
import { digestOf } from '../../../src/rpc/access/token.js';
import type { NotificationOptions } from '../../../src/rpc/channel-methods.js';
import type { RpcLimits } from '../../../src/rpc/limits.js';
import type { LogFields } from '../../../src/rpc/log.js';
import { startServer } from '../../../src/rpc/server.js';
import type { ListenOptions, RpcOptions, RunningServer } from '../../../src/rpc/server.js';
import { knowSecret, refuseSecrets } from '../../support/secrets.js';
import { fakeLedger } from './fake-ledger.js';
import { amount } from './rows.js';

export const TOKEN = knowSecret('the admin token', 'a-token-of-some-length');

export const LIMITS: RpcLimits = {
  messageBytesMax: 65_536,
  headerBytesMax: 16_384,
  connectionsMax: 64,
  connectionsPerPeerMax: 64,
  callsMax: 1_024,
  callsPerConnectionMax: 1_000,
  callsPerSecondMax: 0,
  requestBytesMax: 1_048_576,
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 60_000,
  idleTimeoutMs: 1_800_000,
  keepaliveIntervalMs: 30_000,
  keepaliveTimeoutMs: 20_000,
  streamsMax: 8,
  batchItemsMax: 1_000,
  streamItemsInWorkMax: 16,
  watchedAgentsMax: 100,
  forcedAmountMax: amount('1000000'),
};

/** Webhooks to public addresses, and receivers that are content with every test. */
export const NOTIFICATIONS: NotificationOptions = {
  policy: PUBLIC_ONLY,
  test: () => Promise.resolve({ delivered: true, status: 200, reason: '', excerpt: 'ok' }),
};

export interface LogLine {
  readonly level: 'info' | 'warn' | 'error';
  readonly fields: LogFields;
  readonly message: string;
}

export interface Harness extends RunningServer {
  /** `127.0.0.1:port` of the first listener of that trust. */
  readonly agent: string;
  readonly admin: string;
  readonly lines: readonly LogLine[];
}

export interface HarnessOptions extends Partial<Omit<RpcOptions, 'limits'>> {
  readonly ledger?: LedgerApi;
  readonly limits?: Partial<RpcLimits>;
}

const BOTH: readonly ListenOptions[] = [
  { trust: 'agent', address: '127.0.0.1:0' },
  { trust: 'admin', address: '127.0.0.1:0' },
];

/** Serves a fake ledger on both kinds of listeners until the test is over. */
export async function serve({ limits, ...over }: HarnessOptions = {}): Promise<Harness> {
  const lines: LogLine[] = [];
  const log = (level: LogLine['level']) => (fields: LogFields, message: string) => {
    lines.push({ level, fields, message });
  };
  const server = await startServer({
    ledger: fakeLedger(),
    listeners: BOTH,
    asks: { agent: 'ANYONE', admin: 'PRINCIPALS' },
    credentials: [{ principal: ADMIN, digests: [digestOf(TOKEN)], certificates: [] }],
    allowedHosts: ['budget.example.com'],
    version: '1.2.3',
    limitsTable: { message_bytes_max: '65536' },
    log: { info: log('info'), warn: log('warn'), error: log('error') },
    startTime: 1_000,
    notifications: NOTIFICATIONS,
    ...over,
    limits: { ...LIMITS, ...limits },
  });
  onTestFinished(async () => {
    await server.close({ graceMs: 0 });
    refuseSecrets(lines, 'the log');
  });
  const at = (trust: string) =>
    server.addresses.find((listener) => listener.trust === trust)?.address ?? '';
  return { ...server, agent: at('agent'), admin: at('admin'), lines };
}
