import { parseAmount } from '../../domain/amount.js';
import type { Metadata, Quantities } from '../../domain/model.js';
import { refuseField } from './form.js';
import type { Form } from './form.js';
import { wellFormed } from './text.js';

/** How much metadata an object may carry. */
export interface MetadataBounds {
  readonly pairs: number;
  /** Of all keys and values in UTF-8. */
  readonly bytes: number;
}

/** What an agent may attach to a spend, reservation or commit. */
export const AGENT_METADATA: MetadataBounds = { pairs: 16, bytes: 1_024 };

/** What an operator may attach to an agent or pool. */
export const ADMIN_METADATA: MetadataBounds = { pairs: 64, bytes: 16_384 };

const QUANTITIES_MAX = 16;
const QUANTITY_NAME = /^[a-z][a-z0-9_]{0,31}$/;

type StringMap = Readonly<Record<string, string>>;

const NO_METADATA: Metadata = [];
const NO_QUANTITIES: Quantities = [];

/** Reads metadata, or another map of texts: sorted by key. */
export function metadataOf(
  form: Form,
  map: StringMap,
  bounds: MetadataBounds,
  field = 'metadata',
): Metadata {
  const pairs = sorted(map);
  if (pairs === undefined) return NO_METADATA;
  let bytes = 0;
  for (const [key, value] of pairs) {
    bytes += Buffer.byteLength(key) + Buffer.byteLength(value);
    wellFormed(form, field, key + value);
  }
  if (pairs.length > bounds.pairs) {
    refuseField(form, field, `Give at most ${bounds.pairs} pairs`);
  }
  if (bytes > bounds.bytes) {
    refuseField(form, field, `Give at most ${bounds.bytes} bytes of keys and values in all`);
  }
  return pairs;
}

/** Reads quantities: sorted by name. */
export function quantitiesOf(form: Form, map: StringMap): Quantities {
  const pairs = sorted(map);
  if (pairs === undefined) return NO_QUANTITIES;
  if (pairs.length > QUANTITIES_MAX) {
    refuseField(form, 'quantities', `Give at most ${QUANTITIES_MAX} quantities`);
    return NO_QUANTITIES;
  }
  return pairs.map(([name, value]) => {
    if (name === 'requests') {
      refuseField(form, 'quantities', 'Leave out requests which the server counts by itself');
    } else if (!QUANTITY_NAME.test(name)) {
      refuseField(
        form,
        'quantities',
        'Name quantities with at most 32 lower case letters, digits and _ and begin with a letter',
      );
    }
    const amount = parseAmount(value);
    if (amount === undefined) {
      refuseField(form, 'quantities', 'Give quantities as amounts that are not negative');
    }
    return { name, amount: amount ?? 0n };
  });
}

/** The pairs by key in code unit order; undefined when there is none. */
function sorted(map: StringMap): (readonly [string, string])[] | undefined {
  for (const _key in map) return Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1));
  return undefined;
}
