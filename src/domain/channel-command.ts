import type { AdminFields } from './command.js';
import type { Channel } from './notification/channel.js';
import type { WebhookHeader } from './notification/channel.js';
import type { ChannelFilter } from './notification/filter.js';
import type { BodyFormat } from './notification/presets.js';

/** A channel without its id, which may be made by the server. */
export type ChannelTarget = Channel extends infer C
  ? C extends Channel
    ? Omit<C, 'id'>
    : never
  : never;

export interface CreateChannelCommand extends AdminFields {
  readonly method: 'CREATE_CHANNEL';
  /** Empty: made by the server. */
  readonly channelId: string;
  /** Empty: the id. */
  readonly name: string;
  readonly target: ChannelTarget;
  readonly filter: ChannelFilter;
  readonly cooldownMs: number;
  readonly enabled: boolean;
}

/** The fields of a channel that an update may name; undefined ones stay. */
export interface ChannelPatch {
  readonly name?: string;
  readonly filter?: Partial<ChannelFilter>;
  readonly cooldownMs?: number;
  readonly enabled?: boolean;
  /** Of a channel that posts. */
  readonly webhook?: {
    readonly url?: string;
    readonly format?: BodyFormat;
    readonly secrets?: readonly string[];
    readonly headers?: readonly WebhookHeader[];
  };
}

export interface UpdateChannelCommand extends AdminFields {
  readonly method: 'UPDATE_CHANNEL';
  readonly channelId: string;
  readonly patch: ChannelPatch;
  readonly expectedRevision: number | undefined;
}

export interface DeleteChannelCommand extends AdminFields {
  readonly method: 'DELETE_CHANNEL';
  readonly channelId: string;
  readonly expectedRevision: number | undefined;
}

export interface RetryDeliveryCommand extends AdminFields {
  readonly method: 'RETRY_DELIVERY';
  readonly deliveryId: string;
}

/** A mutation about notification channels and their deliveries. */
export type ChannelCommand =
  CreateChannelCommand | UpdateChannelCommand | DeleteChannelCommand | RetryDeliveryCommand;
