import type { Config } from '../config/config.js';
import type { Sidecar } from './serve.js';
import { trial } from './trial.js';

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
  return [
    `Safeguards ${sidecar.version} is serving.`,
    ...lines,
    '',
    ...trial(config, sidecar),
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
