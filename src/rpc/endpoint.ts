import type { DescMessage, Message } from '@bufbuild/protobuf';
import { reject } from '../domain/answer.js';
import type { RpcCaller } from './access/confined.js';
import { OPEN } from './access/guard.js';
import type { Admitted, Arrival, Guard } from './access/guard.js';
import { traceIdOf } from './caller.js';
import { readMessage } from './decode/messages.js';
import { messageBytes } from './encode/messages.js';
import type { Log } from './log.js';
import { type MountedMethod, type MountedService, pathOf } from './method.js';
import { type Failure, rejectFault } from './status.js';
import type { StreamGate } from './stream-gate.js';

/** What every method of a listener shares, whatever it speaks. */
export interface Mount {
  readonly services: readonly MountedService[];
  readonly guard: Guard;
  readonly gate: StreamGate;
  readonly log: Log;
}

/** One method of a mount, as gRPC sees it. */
export interface Endpoint {
  readonly mount: Mount;
  readonly path: string;
  readonly input: DescMessage;
  readonly output: DescMessage;
  /** Judges who calls, before anything of the message is decoded. */
  readonly admit: (arrive: () => Arrival) => Admitted | Failure;
}

/** Every method of a mount with its endpoint. */
export function endpointsOf(mount: Mount): readonly (readonly [MountedMethod, Endpoint])[] {
  return mount.services.flatMap(({ methods, open }) =>
    methods.map((method) => {
      const { desc } = method;
      const { input, output } = desc;
      const admit: Endpoint['admit'] = open
        ? () => OPEN
        : (arrive) => mount.guard.admit(desc, arrive);
      return [method, { mount, path: pathOf(desc), input, output, admit }] as const;
    }),
  );
}

/** What bytes are answered with that are no message of the method's. */
export const UNREADABLE: Failure = reject(
  'INVALID_REQUEST',
  'The message is not what the method takes',
);

/** Reads a request. */
export function decode({ input }: Endpoint, bytes: Buffer): Message | Failure {
  try {
    return readMessage(input, bytes);
  } catch {
    return UNREADABLE;
  }
}

/** Writes a response, behind so much room. */
export function encode({ output }: Endpoint, message: Message, room: number): Buffer {
  return messageBytes(output, message, room);
}

/** Who calls, as the handlers see it. */
export function callerOf(
  { principal, confined }: Admitted,
  traceparent: unknown,
  abandoned: () => boolean,
): RpcCaller {
  return { principal: principal.name, confined, traceId: traceIdOf(traceparent), abandoned };
}

/** What a client is told of a fault. */
export function fault({ path, mount }: Endpoint, cause: unknown): Failure {
  return rejectFault(cause, path, mount.log);
}
