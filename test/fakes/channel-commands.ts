import type * as C from '../../src/domain/channel-command.js';
import { freshId } from './commands.js';

/** Commands about channels with defaults, as the decoders would make them. */

type Over<Command> = Partial<Omit<Command, 'method'>>;

export const EVERYTHING = { minSeverity: 'INFO', agentIds: [], poolIds: [], types: [] } as const;

export const SECRET = 'a-secret-of-the-receiver-1';
export const HEADER_VALUE = 'Bearer a-token-of-the-receiver';
export const SECRET_URL = 'https://hooks.example.com/services/T0/B0/a-path-that-is-a-key';

/** A webhook with a secret in every place that can hold one. */
export const WEBHOOK: C.ChannelTarget = {
  kind: 'WEBHOOK',
  url: SECRET_URL,
  format: { preset: 'JSON' },
  secrets: [SECRET],
  headers: [{ name: 'authorization', value: HEADER_VALUE }],
};

/** Everything of WEBHOOK that nobody may read again. */
export const SECRETS = [SECRET, HEADER_VALUE, 'a-path-that-is-a-key'] as const;

export function createChannel(
  channelId: string,
  over: Over<C.CreateChannelCommand> = {},
): C.CreateChannelCommand {
  return {
    method: 'CREATE_CHANNEL',
    requestId: freshId(),
    reason: 'monday',
    channelId,
    name: '',
    target: WEBHOOK,
    filter: EVERYTHING,
    cooldownMs: 300_000,
    enabled: true,
    ...over,
  };
}

export function updateChannel(
  channelId: string,
  patch: C.ChannelPatch,
  over: Over<C.UpdateChannelCommand> = {},
): C.UpdateChannelCommand {
  const expectedRevision = undefined;
  const requestId = freshId();
  return {
    method: 'UPDATE_CHANNEL',
    requestId,
    reason: '',
    channelId,
    patch,
    expectedRevision,
    ...over,
  };
}

export function deleteChannel(
  channelId: string,
  expectedRevision?: number,
): C.DeleteChannelCommand {
  return {
    method: 'DELETE_CHANNEL',
    requestId: freshId(),
    reason: '',
    channelId,
    expectedRevision,
  };
}

export function retryDelivery(deliveryId: string, requestId = freshId()): C.RetryDeliveryCommand {
  return { method: 'RETRY_DELIVERY', requestId, reason: 'mended', deliveryId };
}
