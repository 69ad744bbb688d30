import { formatAddress } from './address.js';
import type { Config } from './config.js';
import { nearest } from './nearest.js';
import { openListeners } from './protection.js';
import { SETTING_NAMES, variableOf } from './settings.js';

/** Variables that belong to the command line client, not to the sidecar. */
export const CLIENT_VARIABLES = [
  'SAFEGUARDS_CONFIG',
  'SAFEGUARDS_ADDRESS',
  'SAFEGUARDS_ADMIN_ADDRESS',
  'SAFEGUARDS_ADMIN_TOKEN',
  'SAFEGUARDS_TOKEN',
  'SAFEGUARDS_TOKEN_FILE',
  'SAFEGUARDS_TLS_CA',
  'SAFEGUARDS_TLS_CERT',
  'SAFEGUARDS_TLS_KEY',
] as const;

/** What is allowed but worth a line in the log at each start. */
export function startWarnings(
  config: Config,
  environment: Readonly<Record<string, string | undefined>>,
): readonly string[] {
  const warnings = openListeners(config).map(
    ({ address, lacks }) => `Insecure: other hosts can reach ${address}, and there is no ${lacks}`,
  );
  if (config.adminAuth === 'none') {
    const where = formatAddress(config.adminListen);
    warnings.push(`Insecure: whoever reaches ${where} is an operator, since admin_auth is none`);
  }
  return [...warnings, ...unknownVariables(environment)];
}

/**
 * Variables that look like settings and are none. Not an error: Kubernetes puts variables named
 * after services into every pod, such as `SAFEGUARDS_PORT`.
 */
function unknownVariables(
  environment: Readonly<Record<string, string | undefined>>,
): readonly string[] {
  const known: readonly string[] = [...SETTING_NAMES.map(variableOf), ...CLIENT_VARIABLES];
  return Object.keys(environment)
    .filter((name) => name.startsWith('SAFEGUARDS_') && !known.includes(name))
    .filter((name) => !/_SERVICE_(HOST|PORT)|_PORT(_|$)/.test(name))
    .map((name) => `The environment variable ${name} has no effect.${nearest(name, known)}`);
}
