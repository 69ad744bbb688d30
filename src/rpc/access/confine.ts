import type { Message } from '@bufbuild/protobuf';
import type { Rejection } from '../../domain/answer.js';
import type { LedgerApi } from '../../ledger/api.js';
import type {
  MountedMethod,
  MountedService,
  ServerStreamHandler,
  UnaryHandler,
} from '../method.js';
import type { RpcCaller } from './confined.js';
import { accessOf } from './matrix.js';
import type { Confine } from './matrix.js';

/**
 * The same services, of which an agent principal gets only what is its own: whatever a request asks
 * of other agents is refused before its shape is judged, over every transport.
 */
export function confineAgents(
  services: readonly MountedService[],
  ledger: LedgerApi,
): readonly MountedService[] {
  return services.map((service) => ({
    ...service,
    methods: service.methods.map((method) => confined(method, ledger)),
  }));
}

function confined(method: MountedMethod, ledger: LedgerApi): MountedMethod {
  // The matrix is typed by its methods, and a mounted method by none.
  const confine = accessOf(method.desc)?.agent as Confine<Message> | undefined;
  if (confine === undefined) return method;
  const refuse = (request: Message, { confined: own }: RpcCaller): Rejection | undefined =>
    own && confine(request, own, ledger);
  switch (method.kind) {
    case 'unary': {
      const handler: UnaryHandler<Message, Message> = (request, caller) =>
        refuse(request, caller) ?? method.handler(request, caller);
      return { ...method, handler };
    }
    case 'server_streaming': {
      const handler: ServerStreamHandler<Message, Message> = (request, caller, signal) =>
        refuse(request, caller) ?? method.handler(request, caller, signal);
      return { ...method, handler };
    }
    case 'bidi_streaming':
      return method;
  }
}
