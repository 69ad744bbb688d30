/** An address of IPv4 or IPv6. */
export interface IpAddress {
  readonly family: 4 | 6;
  /** The 32 or 128 bits as a number. */
  readonly bits: bigint;
}

/** A range of addresses: those that share the first bits of one. */
export interface IpRange {
  readonly base: IpAddress;
  /** How many bits are shared: 0..32 or 0..128. */
  readonly prefix: number;
}

const WIDTH = { 4: 32, 6: 128 } as const;

/**
 * Reads an address: four decimal numbers, or IPv6 in any of its forms, with a zone that is ignored.
 * Undefined on anything else; octal, hexadecimal and short IPv4 are a matter of URLs, not of addresses.
 */
export function parseIp(text: string): IpAddress | undefined {
  const plain = text.replace(/%.*$/, '');
  if (!plain.includes(':')) {
    const bits = text.includes('%') ? undefined : bitsOfV4(plain);
    return bits === undefined ? undefined : { family: 4, bits };
  }
  const bits = bitsOfV6(plain);
  return bits === undefined ? undefined : { family: 6, bits };
}

/** Reads a range such as `10.0.0.0/8`, or an address as the range of itself. Undefined otherwise. */
export function parseIpRange(text: string): IpRange | undefined {
  const match = /^([0-9A-Fa-f:.]+)(?:\/(0|[1-9]\d{0,2}))?$/.exec(text);
  const base = parseIp(match?.[1] ?? '');
  if (base === undefined) return undefined;
  const prefix = match?.[2] === undefined ? WIDTH[base.family] : Number(match[2]);
  return prefix <= WIDTH[base.family] ? { base, prefix } : undefined;
}

/** Whether an address lies in a range. An IPv4 address never lies in a range of IPv6. */
export function isWithin(address: IpAddress, { base, prefix }: IpRange): boolean {
  if (address.family !== base.family) return false;
  const shift = BigInt(WIDTH[base.family] - prefix);
  return address.bits >> shift === base.bits >> shift;
}

function bitsOfV4(text: string): bigint | undefined {
  const parts = text.split('.');
  const ok = parts.length === 4 && parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part));
  if (!ok || parts.some((part) => Number(part) > 255)) return undefined;
  return parts.reduce((bits, part) => (bits << 8n) | BigInt(part), 0n);
}

function bitsOfV6(text: string): bigint | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const [head, tail] = halves.map((half) => groupsOf(half, half === halves.at(-1)));
  if (head === undefined) return undefined;
  if (halves.length === 1) return head.length === 8 ? joined(head) : undefined;
  if (tail === undefined || head.length + tail.length > 7) return undefined;
  const zeros = Array.from({ length: 8 - head.length - tail.length }, () => 0n);
  return joined([...head, ...zeros, ...tail]);
}

/** The groups of 16 bits in one half of an address; the last half may end in an IPv4 address. */
function groupsOf(half: string, isLast: boolean): readonly bigint[] | undefined {
  if (half === '') return [];
  const groups: bigint[] = [];
  const parts = half.split(':');
  for (const [index, part] of parts.entries()) {
    if (/^[0-9A-Fa-f]{1,4}$/.test(part)) groups.push(BigInt(`0x${part}`));
    else {
      const v4 = isLast && index === parts.length - 1 ? bitsOfV4(part) : undefined;
      if (v4 === undefined) return undefined;
      groups.push(v4 >> 16n, v4 & 0xffffn);
    }
  }
  return groups;
}

function joined(groups: readonly bigint[]): bigint {
  return groups.reduce((bits, group) => (bits << 16n) | group, 0n);
}
