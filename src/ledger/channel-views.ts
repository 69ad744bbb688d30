import type { DeliveryRow, DeliveryState } from '../domain/notification/delivery.js';
import type { NotificationChannel } from '../domain/notification/notification-channel.js';

/** A channel and what is on its way to it. */
export interface ChannelView {
  readonly row: NotificationChannel;
  readonly pendingCount: number;
  readonly deadLetterCount: number;
}

/** Which deliveries are listed. */
export interface DeliveryFilter {
  /** Empty: of any channel. */
  readonly channelId: string;
  /** Undefined: in any state. */
  readonly state: DeliveryState | undefined;
}

/** A delivery and its channel's id. */
export interface DeliveryView {
  readonly row: DeliveryRow;
  readonly channelId: string;
}
