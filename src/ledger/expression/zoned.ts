/** A moment as a zone's clock and calendar show it, to be read with the UTC methods of Date. */
export type Clock = (instant: number) => Date;

/** Zones that one expression may name: each has a table of some ten kilobytes. */
export const ZONES_MAX = 4;

/** Clocks by zone, for one expression. */
export type Clocks = (zone: string) => Clock | 'UNKNOWN' | 'TOO_MANY';

/** UTC, read without a table. */
export const utcClock: Clock = (instant) => new Date(instant);

/** Makes the clocks of one expression. Each zone's table is loaded once. */
export function zoneClocks(): Clocks {
  const clocks = new Map<string, Clock>();
  return (zone) => {
    const known = clocks.get(zone);
    if (known !== undefined) return known;
    if (clocks.size === ZONES_MAX) return 'TOO_MANY';
    const clock = clockOf(zone);
    if (clock === undefined) return 'UNKNOWN';
    clocks.set(zone, clock);
    return clock;
  };
}

// Offsets such as +02:00 know no summer time, and which of them are known depends on the runtime.
const ZONE = /^[A-Za-z][\w+-]*(?:\/[\w+-]+){0,2}$/;

function clockOf(zone: string): Clock | undefined {
  const format = ZONE.test(zone) ? formatOf(zone) : undefined;
  if (format === undefined) return undefined;
  // Formatting takes microseconds, and a second's requests all have the same answer. Zones change
  // their offset at whole seconds, so nothing finer than a second would be more right.
  let second = NaN;
  let shown = 0;
  return (instant) => {
    const asked = Math.floor(instant / 1_000);
    if (asked !== second) {
      shown = shownAt(format, asked * 1_000);
      second = asked;
    }
    return new Date(shown + (instant - asked * 1_000));
  };
}

function formatOf(zone: string): Intl.DateTimeFormat | undefined {
  try {
    return new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      calendar: 'gregory',
      numberingSystem: 'latn',
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
  } catch {
    return undefined;
  }
}

/** The instant at which UTC shows what the zone shows at this one. */
function shownAt(format: Intl.DateTimeFormat, instant: number): number {
  const shown = { year: 0, month: 0, day: 0, hour: 0, minute: 0, second: 0 };
  for (const { type, value } of format.formatToParts(instant)) {
    if (type in shown) shown[type as keyof typeof shown] = Number(value);
  }
  const { year, month, day, hour, minute, second } = shown;
  return Date.UTC(year, month - 1, day, hour, minute, second);
}
