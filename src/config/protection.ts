import { formatAddress, isLoopback } from './address.js';
import type { Values } from './settings.js';

/** What agents must show. */
export type AgentAuth = 'principals' | 'none';

/** What operators must show: with `token` either the admin token or credentials of a principal. */
export type AdminAuth = 'token' | 'principals' | 'none';

/** Settles what `auto` means: it depends on whether there are principals, and never on which. */
export function settledAuth({ agentAuth, adminAuth, credentialsFile }: Partial<Values>): {
  readonly agentAuth: AgentAuth;
  readonly adminAuth: AdminAuth;
} {
  const known = credentialsFile !== undefined;
  const given = { agent: agentAuth ?? 'auto', admin: adminAuth ?? 'auto' };
  return {
    agentAuth: given.agent === 'auto' ? (known ? 'principals' : 'none') : given.agent,
    adminAuth: given.admin === 'auto' ? (known ? 'principals' : 'token') : given.admin,
  };
}

/** What is asked for although nobody could show it. */
export function idleAuth({
  agentAuth,
  adminAuth,
  credentialsFile,
}: Partial<Values>): readonly string[] {
  if (credentialsFile !== undefined) return [];
  const asking = [
    ...(agentAuth === 'principals' ? ['agent_auth'] : []),
    ...(adminAuth === 'principals' ? ['admin_auth'] : []),
  ];
  return asking.map((name) => `${name}: there are no principals. Give a credentials_file.`);
}

/** A listener that other hosts can reach although something is missing. */
export interface OpenListener {
  /** Its setting. */
  readonly name: 'agent_listen' | 'admin_listen';
  /** As it would be written. */
  readonly address: string;
  /** What is missing, in words: `TLS`, `authentication` or both. */
  readonly lacks: string;
}

/**
 * The listeners beyond the loopback interface that lack TLS, or anything that tells callers apart:
 * they serve with `insecure` only. Settings that could not be read are left out.
 */
export function openListeners(values: Partial<Values>): readonly OpenListener[] {
  const { agentListen, adminListen } = values;
  const { agentTlsCert, agentTlsClientCa, adminTlsCert, adminTlsClientCa } = values;
  const { agentAuth, adminAuth } = settledAuth(values);
  const listeners = [
    {
      name: 'agent_listen',
      at: agentListen,
      tls: agentTlsCert !== undefined,
      authentication: agentTlsClientCa !== undefined || agentAuth !== 'none',
    },
    {
      name: 'admin_listen',
      at: adminListen,
      tls: adminTlsCert !== undefined,
      authentication: adminTlsClientCa !== undefined || adminAuth !== 'none',
    },
  ] as const;
  return listeners.flatMap(({ name, at, tls, authentication }) => {
    if (at === undefined || isLoopback(at.host) || (tls && authentication)) return [];
    const lacks = [...(tls ? [] : ['TLS']), ...(authentication ? [] : ['authentication'])];
    return [{ name, address: formatAddress(at), lacks: lacks.join(' and no ') }];
  });
}

/** What is wrong with the settings of TLS among themselves. */
export function incompleteTls(values: Partial<Values>): readonly string[] {
  const { agentTlsCert, agentTlsKey, agentTlsClientCa } = values;
  const { adminTlsCert, adminTlsKey, adminTlsClientCa } = values;
  const problems: string[] = [];
  for (const [who, cert, key, clientCa] of [
    ['agent', agentTlsCert, agentTlsKey, agentTlsClientCa],
    ['admin', adminTlsCert, adminTlsKey, adminTlsClientCa],
  ] as const) {
    if (cert !== undefined && key === undefined) {
      problems.push(`${who}_tls_key: it is missing. Give the private key of ${who}_tls_cert.`);
    }
    if (cert === undefined && key !== undefined) {
      problems.push(`${who}_tls_cert: it is missing. Give the certificate of ${who}_tls_key.`);
    }
    if (cert === undefined && clientCa !== undefined) {
      problems.push(
        `${who}_tls_client_ca: clients show certificates over TLS only. ` +
          `Give ${who}_tls_cert and ${who}_tls_key too.`,
      );
    }
  }
  return problems;
}
