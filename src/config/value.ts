import { formatAmount, parseAmount, type Amount } from '../domain/amount.js';
import { parseIpRange } from '../domain/notification/ip-address.js';
import { formatAddress, parseAddress, type ListenAddress } from './address.js';

/** How a kind of setting is written, read and printed. */
export interface ValueType<T> {
  /** Bytes, count, duration, and so on: the word of the documentation. */
  readonly unit: string;
  /** What may be written, such as `1h..7d`. */
  readonly range: string;
  /** The value of a text, or undefined when it is not of the form or out of range. */
  read(text: string): T | undefined;
  /** The text of a value; reading it gives the value again. */
  print(value: T): string;
}

/** A type whose values are milliseconds: its field of Config ends in `Ms`. */
export interface DurationType extends ValueType<number> {
  readonly unit: 'duration';
}

const DURATION_UNITS = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1_000, ms: 1 } as const;
const SIZE_UNITS = { TiB: 2 ** 40, GiB: 2 ** 30, MiB: 2 ** 20, KiB: 2 ** 10, B: 1 } as const;

/** Reads a duration such as `250ms`, `60s`, `5m`, `24h` or `7d`, in milliseconds. */
export const parseDuration = (text: string): number | undefined => scaled(text, DURATION_UNITS);

/** Prints milliseconds in the largest unit that leaves no rest; a day is `24h`, a minute `60s`. */
export function formatDuration(ms: number): string {
  const single = ms === DURATION_UNITS.d || ms === DURATION_UNITS.m;
  return single ? unscaled(ms, { h: 3_600_000, s: 1_000 }, 's') : unscaled(ms, DURATION_UNITS, 's');
}

/** Reads a size such as `512KiB`, `4MiB`, `64GiB` or a plain number of bytes. */
export const parseSize = (text: string): number | undefined =>
  /^\d+$/.test(text) ? scaled(`${text}B`, SIZE_UNITS) : scaled(text, SIZE_UNITS);

/** Prints bytes in the largest unit that leaves no rest. */
export const formatSize = (bytes: number): string => unscaled(bytes, SIZE_UNITS, 'B');

/** A duration between two others, both written like `60s` and both included. */
export function duration(min: string, max: string): DurationType {
  return { ...between(min, max, parseDuration, formatDuration), unit: 'duration' };
}

/** A size between two others, both written like `4MiB` and both included. */
export function size(min: string, max: string): ValueType<number> {
  return { ...between(min, max, parseSize, formatSize), unit: 'size' };
}

/** A whole number of something between two others, both included. */
export function count(unit: string, min: number, max: number): ValueType<number> {
  const read = (text: string) => (/^\d{1,15}$/.test(text) ? Number(text) : undefined);
  return { ...between(String(min), String(max), read, String), unit };
}

/** An amount of money up to a largest one, in any pool's unit. */
export function amount(max: string): ValueType<Amount> {
  const limit = parseAmount(max) ?? 0n;
  return {
    unit: 'amount',
    range: `0..${max}`,
    read: (text) => {
      const value = parseAmount(text);
      return value !== undefined && value <= limit ? value : undefined;
    },
    print: formatAmount,
  };
}

/** One of a few words. */
export function choice<const T extends string>(...words: readonly T[]): ValueType<T> {
  const read = (text: string) => words.find((word) => word === text);
  return { unit: 'word', range: words.join(', '), read, print: (word) => word };
}

/** `true` or `false`; a flag without a value means `true`. */
export const flag: ValueType<boolean> = {
  unit: 'flag',
  range: 'true, false',
  read: (text) => ({ true: true, false: false })[text],
  print: String,
};

/** A host and a port. */
export const address: ValueType<ListenAddress> = {
  unit: 'address',
  range: 'host:port',
  read: parseAddress,
  print: formatAddress,
};

/** A path of the file system; empty means none. */
export const path: ValueType<string | undefined> = {
  unit: 'path',
  range: 'any path',
  read: (text) => (text === '' ? undefined : text),
  print: (text) => text ?? '',
};

/** The permissions of a file, octal. */
export const mode: ValueType<number> = {
  unit: 'mode',
  range: '0000..0777',
  read: (text) => (/^0?[0-7]{3}$/.test(text) ? Number.parseInt(text, 8) : undefined),
  print: (value) => value.toString(8).padStart(4, '0'),
};

/** The numbers of a user and a group. */
export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** A user and a group by number; empty means those of the process. */
export const owner: ValueType<Owner | undefined> = {
  unit: 'owner',
  range: 'uid:gid',
  read: (text) => {
    const [, uid, gid] = /^(\d{1,10}):(\d{1,10})$/.exec(text) ?? [];
    const isId = (id: string | undefined) => id !== undefined && Number(id) < 2 ** 32 - 1;
    return isId(uid) && isId(gid) ? { uid: Number(uid), gid: Number(gid) } : undefined;
  },
  print: (value) => (value === undefined ? '' : `${value.uid}:${value.gid}`),
};

/** Host names, separated by commas. */
export const hosts: ValueType<readonly string[]> = {
  unit: 'names',
  range: 'names separated by commas',
  read: (text) => {
    const names = text.split(',').flatMap((name) => name.trim().toLowerCase() || []);
    return names.every((name) => /^[a-z0-9._-]{1,253}$/.test(name)) ? names : undefined;
  },
  print: (names) => names.join(','),
};

/** Ranges of IP addresses such as `10.1.0.0/16`, or single ones, separated by commas. */
export const ranges: ValueType<readonly string[]> = {
  unit: 'ranges',
  range: 'CIDR ranges separated by commas',
  read: (text) => {
    const parts = text.split(',').flatMap((part) => part.trim().toLowerCase() || []);
    return parts.every((part) => parseIpRange(part) !== undefined) ? parts : undefined;
  },
  print: (parts) => parts.join(','),
};

function between(
  min: string,
  max: string,
  parse: (text: string) => number | undefined,
  print: (value: number) => string,
): Omit<ValueType<number>, 'unit'> {
  const [least, most] = [parse(min) ?? 0, parse(max) ?? 0];
  const read = (text: string) => {
    const value = parse(text);
    return value !== undefined && value >= least && value <= most ? value : undefined;
  };
  return { range: `${min}..${max}`, read, print };
}

function scaled(text: string, units: Readonly<Record<string, number>>): number | undefined {
  const match = /^(\d{1,12})([A-Za-z]+)$/.exec(text);
  const factor = units[match?.[2] ?? ''];
  return factor === undefined ? undefined : Number(match?.[1]) * factor;
}

function unscaled(value: number, units: Readonly<Record<string, number>>, zero: string): string {
  if (value === 0) return `0${zero}`;
  for (const [unit, factor] of Object.entries(units)) {
    if (value % factor === 0) return `${value / factor}${unit}`;
  }
  return String(value);
}
