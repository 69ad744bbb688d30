import { randomBytes } from 'node:crypto';
import path from 'node:path';
import type { Config } from '../config/config.js';
import { TABLE } from '../config/settings.js';
import type { Sidecar } from './serve.js';

/** What `serve` prints when it serves: where it listens, where things are, what to try. */
export function banner(config: Config, sidecar: Sidecar): string {
  const { agentSocket, agentTlsCert, agentTlsClientCa, adminTlsCert, adminTlsClientCa } = config;
  const toAgents = wall(agentTlsCert, agentTlsClientCa, config.agentAuth);
  const toOperators = wall(adminTlsCert, adminTlsClientCa, config.adminAuth);
  const onSocket = wall(undefined, undefined, config.agentAuth);
  const rows: readonly (readonly [string, string])[] = [
    ['agents', `${sidecar.agentAddress} (${toAgents})`],
    ...(agentSocket === undefined ? [] : [['', `unix:${agentSocket} (${onSocket})`] as const]),
    ['operators', `${sidecar.adminAddress} (${toOperators})`],
    ['data', config.dataDir],
    ...(config.adminAuth === 'token' ? [['admin token', config.adminTokenFile] as const] : []),
    ...(config.credentialsFile === undefined
      ? []
      : [['principals', config.credentialsFile] as const]),
  ];
  const lines = rows.map(([name, value]) => `  ${name.padEnd(12)} ${value}`);
  // A new name each time, so that the lines work after every start.
  const agent = `hello-${randomBytes(3).toString('hex')}`;
  const cli = commandLine();
  return [
    `Safeguards ${sidecar.version} is serving.`,
    ...lines,
    '',
    'Make an agent and spend, from another terminal in this folder:',
    `  ${cli} agent create ${agent} --initial-budget 10${adminFlags(config, sidecar)}`,
    `  ${cli} spend ${agent} 2.50${agentFlags(sidecar)}`,
    '',
  ].join('\n');
}

/** How a listener is protected, in words: what it speaks, and who is let in. */
function wall(
  certificate: string | undefined,
  clientCa: string | undefined,
  auth: Config['agentAuth'] | Config['adminAuth'],
): string {
  const speaks = certificate === undefined ? 'plain text' : 'TLS';
  const mutual = clientCa === undefined ? '' : ' with client certificates';
  const lets = {
    none: 'whoever reaches it',
    token: 'the admin token',
    principals: 'principals',
  }[auth];
  return `${speaks}${mutual}, ${lets}`;
}

/** How this program was called, so that a line can be pasted. */
export function commandLine(): string {
  const script = process.argv[1] ?? 'safeguards';
  if (path.extname(script) !== '.js') return path.basename(script);
  return `node ${quoted(path.relative(process.cwd(), script))}`;
}

function adminFlags(config: Config, { adminAddress }: Sidecar): string {
  const address =
    adminAddress === TABLE.admin_listen.default ? [] : ['--admin-address', adminAddress];
  const standard = path.resolve(TABLE.data_dir.default, 'admin.token');
  const isElsewhere = config.adminAuth === 'token' && config.adminTokenFile !== standard;
  const token = isElsewhere ? ['--token-file', quoted(config.adminTokenFile)] : [];
  return [...address, ...token].map((word) => ` ${word}`).join('');
}

function agentFlags({ agentAddress }: Sidecar): string {
  return agentAddress === TABLE.agent_listen.default ? '' : ` --address ${agentAddress}`;
}

function quoted(word: string): string {
  return /^[\w./:@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
