import type { Instant } from '../domain/model.js';
import type { Channel } from '../domain/notification/channel.js';
import type { Attempt } from '../domain/notification/delivery.js';
import type { Notification } from '../domain/notification/notification.js';

/** A notification on its way to a channel. Its rows are durable before anybody sees it. */
export interface Delivery {
  /** Of the channel as it is now, not as it was when the event happened. */
  readonly channel: Channel;
  readonly notification: Notification;
  /** When it was put into the outbox. */
  readonly createTime: Instant;
  /** Attempts that failed and were recorded. */
  readonly attempts: number;
}

/** What the dispatcher can take on now. */
export interface DueQuery {
  readonly now: Instant;
  /** Most deliveries in the answer, at least 1. */
  readonly limit: number;
  /** The channel that was served last, or empty: begin with the next one by id, around the end. */
  readonly afterChannelId: string;
  /** How many deliveries of a channel can be taken on: 0 passes it over. */
  readonly roomOf: (channelId: string) => number;
  /** Whether a delivery is being sent: it is passed over. */
  readonly isInFlight: (deliveryId: string) => boolean;
}

/** The deliveries to send, and when to ask again. */
export interface Due {
  readonly deliveries: readonly Delivery[];
  /** When the first of those that are not due yet is; undefined: there are none. */
  readonly nextTime: Instant | undefined;
}

/**
 * Where deliveries wait until they are done, durably. A delivery is there from the transaction of its
 * event until `delivered` or `dead`, so a crash between sending and recording sends it again under the
 * same id: at least once. What is recorded of a delivery or channel that is gone meanwhile is dropped
 * without an error.
 */
export interface Outbox {
  /**
   * Deliveries that are due at `now`. Channels take turns: one of each that has any and has room, from
   * the one behind `afterChannelId` on, then a second one, up to `limit`. Of a channel, the earliest due
   * first. Of one violation on a channel only the oldest is offered, waiting or in flight, so that an
   * end never overtakes its beginning.
   */
  next(query: DueQuery): Promise<Due>;
  /** It arrived. */
  delivered(deliveryId: string, attempt: Attempt): Promise<void>;
  /** It failed and is due again at a time; its attempts grow by one. */
  retryLater(deliveryId: string, time: Instant, attempt: Attempt): Promise<void>;
  /** It failed for good and is kept as a dead letter for operators to see. */
  dead(deliveryId: string, attempt: Attempt): Promise<void>;
}
