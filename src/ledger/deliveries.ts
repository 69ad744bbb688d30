import type { Rejection } from '../domain/answer.js';
import { channelNotFound } from '../domain/decide/channels.js';
import {
  channelPrefix,
  type DeliveryRow,
  type DeliveryState,
} from '../domain/notification/delivery.js';
import type { Page, PageRequest } from './api.js';
import type { DeliveryFilter, DeliveryView } from './channel-views.js';
import { collect, type ListSources } from './lists.js';

/** Where deliveries lie by their state, in the order of the list, and what their pages' keys begin with. */
const PLACES = [
  { state: 'PENDING', collection: 'deliveries', mark: '1/' },
  { state: 'DEAD', collection: 'dead_letters', mark: '2/' },
] as const;

/** Deliveries that wait, then dead letters; each by channel, oldest first. */
export function listDeliveries(
  sources: ListSources,
  { channelId, state }: DeliveryFilter,
  page: PageRequest,
): Page<DeliveryView> | Rejection {
  const { rows } = sources.rows.rules.channels;
  const channel = rows.get(channelId);
  if (channelId !== '' && channel === undefined) return channelNotFound(channelId);
  const prefix = channel === undefined ? '' : channelPrefix(channel.uid);
  return collect(
    walk(sources, { prefix, state }, page.after),
    page.size,
    ({ key }) => key,
    ({ row }) => deliveryView(sources, row),
  );
}

/** A delivery by its key, wherever it is. */
export function deliveryByKey(sources: ListSources, key: string): DeliveryView | undefined {
  const { reader } = sources;
  const row = reader.row('deliveries', key) ?? reader.row('dead_letters', key);
  return row && deliveryView(sources, row);
}

/** A delivery as it is shown; undefined: its channel is gone. */
function deliveryView({ rows }: ListSources, row: DeliveryRow): DeliveryView | undefined {
  const channel = rows.rules.channels.byUid.get(row.channelUid);
  return channel && { row, channelId: channel.id };
}

interface Walk {
  /** Of the keys, or empty. */
  readonly prefix: string;
  readonly state: DeliveryState | undefined;
}

function* walk({ reader }: ListSources, { prefix, state }: Walk, after: string | undefined) {
  for (const place of PLACES) {
    if (state !== undefined && state !== place.state) continue;
    if (after !== undefined && after.slice(0, 2) > place.mark) continue;
    const from = after?.startsWith(place.mark) === true ? { after: after.slice(2) } : {};
    for (const [key, row] of reader.rows(place.collection, { prefix, ...from })) {
      yield { key: `${place.mark}${key}`, row };
    }
  }
}
