import { randomUUID } from 'node:crypto';
import { reject, type Outcome } from '../domain/answer.js';
import { channelNotFound } from '../domain/decide/channels.js';
import type { AddressPolicy } from '../domain/notification/address-policy.js';
import { sampleNotification } from '../domain/notification/notification.js';
import type { BudgetAdminService } from '../gen/safeguards/v1/budget_admin_service_pb.js';
import type { Delivery, NotificationChannel } from '../gen/safeguards/v1/channel_pb.js';
import type { LedgerApi } from '../ledger/api.js';
import type { TestChannel } from '../ledger/channel-test.js';
import { tellWithoutEntry } from './access/audit.js';
import { commandMethod } from './command-method.js';
import {
  decodeCreateChannel,
  decodeDeleteChannel,
  decodeListChannels,
  decodeListDeliveries,
  decodeRetryDelivery,
  decodeUpdateChannel,
} from './decode/channel.js';
import { decodeId } from './decode/query.js';
import { written } from './encode/admin.js';
import { encodeChannel, encodeDelivery } from './encode/channel.js';
import type { Log } from './log.js';
import type { HandlersOf } from './method.js';
import { nextPageToken } from './paging.js';
import { isFailure } from './status.js';

/** What the methods on channels need besides the ledger. */
export interface NotificationOptions {
  /** Where webhooks may lead. */
  readonly policy: AddressPolicy;
  readonly test: TestChannel;
}

/** After so long a test that was refused since others went on may be tried again. */
const TEST_RETRY_MS = 1_000;

/** The operator's methods on notification channels and deliveries. */
export function channelMethods(ledger: LedgerApi, { policy, test }: NotificationOptions, log: Log) {
  /** The channel that an outcome names, as it is now. */
  const channelOf = ({ object }: Outcome): { readonly channel?: NotificationChannel } => {
    const view = object && ledger.channel(object.key);
    return view === undefined ? {} : { channel: encodeChannel(view) };
  };
  const deliveryOf = ({ object }: Outcome): { readonly delivery?: Delivery } => {
    const view = object && ledger.delivery(object.key);
    return view === undefined ? {} : { delivery: encodeDelivery(view) };
  };
  return {
    createNotificationChannel: commandMethod(
      ledger,
      (request) => decodeCreateChannel(request, policy),
      (outcome) => ({
        $typeName: 'safeguards.v1.CreateNotificationChannelResponse',
        ...written(outcome),
        ...channelOf(outcome),
      }),
    ),
    updateNotificationChannel: commandMethod(
      ledger,
      (request) => decodeUpdateChannel(request, policy),
      (outcome) => ({
        $typeName: 'safeguards.v1.UpdateNotificationChannelResponse',
        ...written(outcome),
        ...channelOf(outcome),
      }),
    ),
    deleteNotificationChannel: commandMethod(ledger, decodeDeleteChannel, (outcome) => ({
      $typeName: 'safeguards.v1.DeleteNotificationChannelResponse',
      ...written(outcome),
    })),
    retryDelivery: commandMethod(ledger, decodeRetryDelivery, (outcome) => ({
      $typeName: 'safeguards.v1.RetryDeliveryResponse',
      ...written(outcome),
      ...deliveryOf(outcome),
    })),

    getNotificationChannel: ({ channelId }) => {
      const id = decodeId('channel_id', channelId);
      if (typeof id !== 'string') return id;
      const view = ledger.channel(id);
      if (view === undefined) return channelNotFound(id);
      const channel = encodeChannel(view);
      return { $typeName: 'safeguards.v1.GetNotificationChannelResponse', channel };
    },

    listNotificationChannels: (request) => {
      const listing = decodeListChannels(request);
      if (isFailure(listing)) return listing;
      const page = ledger.listChannels(listing.page);
      return {
        $typeName: 'safeguards.v1.ListNotificationChannelsResponse',
        channels: page.items.map(encodeChannel),
        nextPageToken: nextPageToken(listing.identity, page.last),
      };
    },

    testNotificationChannel: async ({ channelId }, { principal }) => {
      const id = decodeId('channel_id', channelId);
      if (typeof id !== 'string') return id;
      tellWithoutEntry(log, { method: 'TestNotificationChannel', principal, channelId: id });
      const view = ledger.channel(id);
      if (view === undefined) return channelNotFound(id);
      const names = {
        deliveryId: `test-${randomUUID()}`,
        channelId: id,
        storeId: ledger.info().storeId,
      };
      const result = await test(view.row.channel, sampleNotification(names, ledger.now()));
      if (result !== undefined) {
        return { $typeName: 'safeguards.v1.TestNotificationChannelResponse', ...result };
      }
      const busy = reject('SERVER_BUSY', 'Other tests of channels are going on. Try again soon');
      return { ...busy, retryAfterMs: TEST_RETRY_MS };
    },

    listDeliveries: (request) => {
      const listing = decodeListDeliveries(request);
      if (isFailure(listing)) return listing;
      const page = ledger.listDeliveries(listing.filter, listing.page);
      if (isFailure(page)) return page;
      return {
        $typeName: 'safeguards.v1.ListDeliveriesResponse',
        deliveries: page.items.map(encodeDelivery),
        nextPageToken: nextPageToken(listing.identity, page.last),
      };
    },
  } satisfies HandlersOf<typeof BudgetAdminService>;
}
