import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { formatAddress, parseAddress, type Address } from './address.js';
import { SOCKET_PATH_BYTES_MAX, isSocket } from './bind.js';

/** The setting of each side's address. */
const SETTINGS = { agent: 'agent-listen', admin: 'admin-listen' } as const;

/** The setting of the Unix socket, which only agents have. */
const SOCKET_SETTING = 'agent-socket';

/**
 * Says of an address that cannot be listened on why that is, which setting it is from and what to do.
 * The code of the system stays on it. Other errors are given back.
 */
export function bindError(cause: unknown, text: string, trust: keyof typeof SETTINGS): unknown {
  if (!(cause instanceof Error) || !('code' in cause)) return cause;
  const address = parseAddress(text);
  const reason = reasonOf(String(cause.code), address);
  if (reason === undefined) return cause;
  const setting = address.kind === 'unix' ? SOCKET_SETTING : SETTINGS[trust];
  const variable = `SAFEGUARDS_${setting.replaceAll('-', '_').toUpperCase()}`;
  const [what, advice] = reason;
  const message =
    `${formatAddress(address)} cannot be listened on: ${what}. ` +
    `${advice} with --${setting} (${variable}).`;
  return Object.assign(new Error(message, { cause }), { code: cause.code });
}

type Reason = readonly [what: string, advice: string];

function reasonOf(code: string, address: Address): Reason | undefined {
  return address.kind === 'unix' ? socketReason(code, address.path) : portReason(code);
}

function portReason(code: string): Reason | undefined {
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

function socketReason(code: string, path: string): Reason | undefined {
  switch (code) {
    case 'EADDRINUSE':
      return isSocket(path)
        ? ['another process listens there', 'Stop that one, or choose another path']
        : ['what stands there is no socket', 'Move it away, or choose another path'];
    // libuv says EACCES of a folder that is not there, as Windows does.
    case 'EACCES':
    case 'ENOTDIR':
      return existsSync(dirname(path)) && code !== 'ENOTDIR'
        ? ['this user may not write to its folder', 'Choose another path']
        : ['its folder is not there', 'Make the folder, or choose another path'];
    case 'EROFS':
      return ['its file system is read-only', 'Choose another path'];
    case 'ENAMETOOLONG':
      return [
        'its path is too long for a socket',
        `Choose one of at most ${SOCKET_PATH_BYTES_MAX} bytes`,
      ];
    default:
      return undefined;
  }
}
