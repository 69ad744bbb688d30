import type { Page, PageRequest } from './api.js';
import type { ChannelView } from './channel-views.js';
import type { DurableOutbox } from './durable-outbox.js';
import { collect } from './lists.js';
import type { DurableRows } from './rows.js';

/** A channel by its id. */
export function channelView(
  { rules }: DurableRows,
  outbox: Pick<DurableOutbox, 'counts'>,
  id: string,
): ChannelView | undefined {
  const row = rules.channels.rows.get(id);
  if (row === undefined) return undefined;
  const { pending, dead } = outbox.counts(row.uid);
  return { row, pendingCount: pending, deadLetterCount: dead };
}

/** Channels by id. */
export function listChannels(
  rows: DurableRows,
  outbox: Pick<DurableOutbox, 'counts'>,
  { after = '', size }: PageRequest,
): Page<ChannelView> {
  const ids = [...rows.rules.channels.rows.keys()].filter((id) => id > after).sort();
  return collect(
    ids,
    size,
    (id) => id,
    (id) => channelView(rows, outbox, id),
  );
}
