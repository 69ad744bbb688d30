import { formatAmount } from '../../domain/amount.js';
import type { Metadata, Quantities } from '../../domain/model.js';

type StringMap = Record<string, string>;

/** Prints metadata as a map. */
export function metadataMap(metadata: Metadata): StringMap {
  const map: StringMap = {};
  for (const [key, value] of metadata) map[key] = value;
  return map;
}

/** Prints quantities as a map of amounts. */
export function quantityMap(quantities: Quantities): StringMap {
  const map: StringMap = {};
  for (const { name, amount } of quantities) map[name] = formatAmount(amount);
  return map;
}
