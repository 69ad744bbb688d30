import { lookup as lookupOfSystem } from 'node:dns/promises';
import type { LookupFunction } from 'node:net';
import { addressRefusal, type AddressPolicy } from '../domain/notification/address-policy.js';
import { withAdvice } from '../domain/notification/webhook-url.js';

/** One address of a host name. */
export interface HostAddress {
  readonly address: string;
  /** 4 or 6. */
  readonly family: number;
}

/** Finds every address of a host name. Rejects when there is none. */
export type Resolve = (host: string) => Promise<readonly HostAddress[]>;

/** The machine's resolver, which knows its hosts file. */
export const resolveBySystem: Resolve = (host) =>
  lookupOfSystem(host, { all: true, order: 'verbatim' });

/** A name that leads where nothing may be sent. */
export class AddressRefused extends Error {
  override readonly name = 'AddressRefused';

  /** `where`: such as `a loopback address`, and what admits it. */
  constructor(where: string) {
    super(`the name of the host leads to ${where}`);
  }
}

/**
 * The lookup of a socket that judges what it finds. The name is resolved once, every address is judged,
 * and the socket connects to those and no others: no second answer of a name server can lead
 * elsewhere. One address that is refused refuses the name, since it could be the one taken.
 */
export function judgingLookup(resolve: Resolve, policy: AddressPolicy): LookupFunction {
  return (host, options, callback) => {
    const judge = async () => {
      const addresses = await resolve(host);
      for (const { address } of addresses) {
        const refusal = addressRefusal(address, policy);
        if (refusal !== undefined) throw new AddressRefused(withAdvice(refusal));
      }
      const [first] = addresses;
      if (first === undefined) throw Object.assign(new Error('no address'), { code: 'ENOTFOUND' });
      return { addresses, first };
    };
    judge().then(
      ({ addresses, first }) => {
        if (options.all === true) callback(null, [...addresses]);
        else callback(null, first.address, first.family);
      },
      (error: unknown) => {
        callback(error instanceof Error ? error : new Error('not resolved'), '', 4);
      },
    );
  };
}
