import type { Config } from '../config/config.js';
import type { TlsMaterial } from '../rpc/tls.js';
import type { Log } from '../telemetry/log.js';
import { readTls, tlsFiles, type TlsOwner } from './tls-files.js';
import { watchFiles, type WatchedFiles } from './watched-files.js';

/** What listeners prove themselves with, and whom they let in, as the files say at the start. */
export interface Protection {
  readonly agentTls: TlsMaterial | undefined;
  readonly adminTls: TlsMaterial | undefined;
}

/** Takes what the files say later. */
export interface ProtectionTarget {
  setTls(owner: TlsOwner, material: TlsMaterial): void;
}

/** Reads everything that protects listeners. Throws a ConfigError that names what is wrong. */
export function readProtection(config: Config, log: Log): Protection {
  const now = Date.now();
  const tlsOf = (owner: TlsOwner): TlsMaterial | undefined => {
    const read = readTls(config, owner, now);
    for (const warning of read?.warnings ?? []) log.warn({}, warning);
    return read?.material;
  };
  return { agentTls: tlsOf('agent'), adminTls: tlsOf('admin') };
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
