import { formatAddress, parseAddress } from './address.js';

/** The setting of each side's address. */
const SETTINGS = { agent: 'agent-listen', admin: 'admin-listen' } as const;

/**
 * Says of an address that cannot be listened on why that is, which setting it is from and what to do.
 * The code of the system stays on it. Other errors, and those of Unix sockets, are given back.
 */
export function bindError(cause: unknown, text: string, trust: keyof typeof SETTINGS): unknown {
  if (!(cause instanceof Error) || !('code' in cause) || text.startsWith('unix:')) return cause;
  const reason = reasonOf(String(cause.code));
  if (reason === undefined) return cause;
  const flag = `--${SETTINGS[trust]}`;
  const variable = `SAFEGUARDS_${SETTINGS[trust].replaceAll('-', '_').toUpperCase()}`;
  const [what, advice] = reason;
  const message =
    `${formatAddress(parseAddress(text))} cannot be listened on: ${what}. ` +
    `${advice} with ${flag} (${variable}).`;
  return Object.assign(new Error(message, { cause }), { code: cause.code });
}

function reasonOf(code: string): readonly [what: string, advice: string] | undefined {
  switch (code) {
    case 'EADDRINUSE':
      return ['another process listens there', 'Stop that one, or choose another port'];
    case 'EADDRNOTAVAIL':
      return ['it is no address of this host', 'Choose one that is, such as 127.0.0.1,'];
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return ['its host has no address', 'Choose another, such as 127.0.0.1,'];
    case 'EACCES':
      return ['this user may not have that port', 'Choose one above 1023'];
    default:
      return undefined;
  }
}
