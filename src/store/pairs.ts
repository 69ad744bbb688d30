import type { Metadata } from '../domain/model.js';

/** Pairs of a map, sorted by key again: objects list keys that look like integers first. */
export function metadataOf(map: Record<string, string>): Metadata {
  const pairs = Object.entries(map);
  return pairs.length < 2 ? pairs : pairs.sort(([a], [b]) => (a < b ? -1 : 1));
}
