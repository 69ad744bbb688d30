import { SETTING_NAMES } from '../src/config/settings.js';

/** Flags of a sidecar for the settings that it has; what it does not know is left out. */
function flagsOf(values: Readonly<Record<string, string>>): readonly string[] {
  const known: readonly string[] = SETTING_NAMES;
  return Object.entries(values)
    .filter(([name]) => known.includes(name))
    .flatMap(([name, value]) => [`--${name.replaceAll('_', '-')}`, value]);
}

/** Keeps what a large store has while it is measured, however much and however old that is. */
export const KEEP_FLAGS = flagsOf({
  idempotency_ttl: '7d',
  entries_retention: '3650d',
  entries_bytes_max: '1TiB',
});

/** Keeps as little as the settings allow, so that a plateau comes soon. */
export const SHED_FLAGS = flagsOf({
  idempotency_ttl: '1h',
  late_window: '60s',
  entries_retention: '1h',
  entries_bytes_max: '256MiB',
  usage_minutes_retention: '1d',
  violations_max: '1000',
});
