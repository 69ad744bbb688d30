import type { DescMethod } from '@bufbuild/protobuf';
import { reject } from '../../domain/answer.js';
import type { Rejection } from '../../domain/answer.js';
import { pathOf } from '../method.js';
import { isFailure } from '../status.js';
import type { Audit } from './audit.js';
import type { Confined } from './confined.js';
import { identify } from './credentials.js';
import type { Credentials, Presented } from './credentials.js';
import { permits } from './matrix.js';
import { ADMIN, ANY_AGENT, isSame, scopeOf } from './principal.js';
import type { Principal } from './principal.js';

/** Whom a listener trusts: agents may do what agents do, operators everything. */
export type Trust = 'agent' | 'admin';

/** Whether a listener asks who calls. ANYONE is an agent, or an admin, by where it calls. */
export type Asks = 'ANYONE' | 'PRINCIPALS';

/** What a call shows of its caller. */
export interface Arrival extends Presented {
  /** Where it came from: an IP address, or `unix`. */
  readonly peer: string;
}

/** A caller who was let in to a method. */
export interface Admitted {
  readonly principal: Principal;
  /** Undefined: every agent is the caller's own. */
  readonly confined: Confined | undefined;
  /** Why the caller would not be let in any more, once the credentials have changed. */
  readonly revoked: () => Rejection | undefined;
}

/** Whoever asks for the health of the sidecar, which is open to all. */
export const OPEN: Admitted = {
  principal: { name: '', role: 'agent', agents: undefined },
  confined: undefined,
  revoked: () => undefined,
};

/** Judges who calls a listener, and whether the role may call the method; before anything else. */
export interface Guard {
  /** What the call shows is looked at only where the listener asks. */
  admit(method: DescMethod, arrive: () => Arrival): Admitted | Rejection;
}

/** What a guard works with. */
export interface GuardOptions {
  readonly trust: Trust;
  readonly asks: Asks;
  /** Who is known at the moment. */
  readonly known: () => Credentials;
  readonly audit: Audit;
}

/**
 * Makes the guard of a listener. Where anyone may call, the listener's wall alone decides: an agent
 * listener mounts nothing that its anyone may not call.
 */
export function makeGuard({ trust, asks, known, audit }: GuardOptions): Guard {
  if (asks === 'ANYONE') {
    const principal = trust === 'agent' ? ANY_AGENT : ADMIN;
    const admitted: Admitted = { principal, confined: undefined, revoked: () => undefined };
    return { admit: () => admitted };
  }
  return {
    admit(method, arrive) {
      const arrival = arrive();
      const principal = identify(known(), arrival);
      const deny = (reason: string, name: string, agentId: string): void => {
        const { peer } = arrival;
        audit.denied({ trust, method: pathOf(method), reason, principal: name, peer, agentId });
      };
      if (isFailure(principal)) {
        deny(principal.reason, '', '');
        return principal;
      }
      if (!permits(principal.role, method)) {
        deny('NOT_PERMITTED', principal.name, '');
        return notPermitted(principal);
      }
      const admits = scopeOf(principal);
      return {
        principal,
        confined: admits && {
          admits,
          denied: (agentId) => deny('NOT_PERMITTED', principal.name, agentId),
        },
        revoked: () => {
          const now = identify(known(), arrival);
          if (isFailure(now)) return now;
          return isSame(now, principal) ? undefined : changed();
        },
      };
    },
  };
}

function notPermitted({ name, role }: Principal): Rejection {
  const message = 'The role of the principal does not allow this method';
  return reject('NOT_PERMITTED', message, { principal: name, role });
}

function changed(): Rejection {
  return reject('CREDENTIALS_INVALID', 'What the credentials allow has changed. Call again');
}
