import type { Config } from '../config/config.js';
import type { TlsMaterial } from '../rpc/tls.js';
import type { Log } from '../telemetry/log.js';
import type { AdminAuth, AgentAuth } from '../config/protection.js';
import type { Credentials } from '../rpc/access/credentials.js';
import type { Asks } from '../rpc/access/guard.js';
import { credentialsFiles, knownByFiles, readPrincipals } from './credentials-files.js';
import { readTls, tlsFiles, type TlsOwner } from './tls-files.js';
import { watchFiles, type WatchedFiles } from './watched-files.js';

/** What listeners prove themselves with, and whom they let in, as the files say at the start. */
export interface Protection {
  readonly agentTls: TlsMaterial | undefined;
  readonly adminTls: TlsMaterial | undefined;
  /** Whether the listeners of a trust ask who calls. */
  readonly asks: { readonly agent: Asks; readonly admin: Asks };
  readonly credentials: Credentials;
}

/** Takes what the files say later. */
export interface ProtectionTarget {
  setTls(owner: TlsOwner, material: TlsMaterial): void;
  setCredentials(credentials: Credentials): void;
}

/**
 * Finds what is wrong with the files before anything is opened. Throws a ConfigError. The admin token
 * is not looked at: it may be in the data directory, which opening the store makes.
 */
export function checkProtection(config: Config): void {
  const now = Date.now();
  for (const owner of ['agent', 'admin'] as const) readTls(config, owner, now);
  if (config.credentialsFile !== undefined) readPrincipals(config);
}

/** Reads everything that protects listeners. Throws a ConfigError that names what is wrong. */
export function readProtection(config: Config, log: Log): Protection {
  const now = Date.now();
  const tlsOf = (owner: TlsOwner): TlsMaterial | undefined => {
    const read = readTls(config, owner, now);
    for (const warning of read?.warnings ?? []) log.warn({}, warning);
    return read?.material;
  };
  const { credentials, warnings } = knownByFiles(config);
  for (const warning of warnings) log.warn({}, warning);
  const asksOf = (auth: AgentAuth | AdminAuth): Asks => (auth === 'none' ? 'ANYONE' : 'PRINCIPALS');
  return {
    agentTls: tlsOf('agent'),
    adminTls: tlsOf('admin'),
    asks: { agent: asksOf(config.agentAuth), admin: asksOf(config.adminAuth) },
    credentials,
  };
}

/**
 * Follows the files while the sidecar serves: what changed is read, checked and taken. What is wrong
 * is logged, and what was in force stays. Returns what ends it.
 */
export function followProtection(config: Config, target: ProtectionTarget, log: Log): () => void {
  const watched: WatchedFiles[] = [];
  for (const owner of ['agent', 'admin'] as const) {
    const files = tlsFiles(config, owner);
    const taken = () => {
      const read = readTls(config, owner, Date.now());
      if (read === undefined) return;
      target.setTls(owner, read.material);
      for (const warning of read.warnings) log.warn({}, warning);
      log.info({ files: Object.values(files) }, `New certificates for ${owner}_listen`);
    };
    watched.push(follow(Object.values(files), config, log, taken));
  }
  const files = credentialsFiles(config);
  const taken = () => {
    const { credentials, warnings } = knownByFiles(config);
    target.setCredentials(credentials);
    for (const warning of warnings) log.warn({}, warning);
    log.info({ files, principals: credentials.length }, 'New credentials');
  };
  watched.push(follow(files, config, log, taken));
  const hangup = (): void => {
    log.info({}, 'SIGHUP: looking for new certificates and credentials');
    for (const files of watched) files.look();
  };
  // On a terminal the signal means that it was closed, and then the sidecar should end.
  const isDaemon = !process.stdin.isTTY;
  if (isDaemon) process.on('SIGHUP', hangup);
  return () => {
    if (isDaemon) process.off('SIGHUP', hangup);
    for (const files of watched) files.close();
  };
}

function follow(files: readonly string[], config: Config, log: Log, taken: () => void) {
  return watchFiles(files, config.reloadIntervalMs, () => {
    try {
      taken();
    } catch (error) {
      const problem = error instanceof Error ? error.message : String(error);
      log.error({ files, problem }, 'Changed files cannot be used; what was in force stays');
    }
  });
}
