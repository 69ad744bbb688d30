import { isWithin, parseIp, parseIpRange, type IpAddress, type IpRange } from './ip-address.js';

/** Which addresses webhooks may be sent to, beside the public ones. */
export interface AddressPolicy {
  /** Whether private networks and this host may be reached. */
  readonly privateAddressesAllowed: boolean;
  /** Further ranges, such as `10.1.0.0/16`: what they name is allowed unless nobody can answer there. */
  readonly allowedRanges: readonly string[];
}

/** Nothing but public addresses: what holds unless an operator says otherwise. */
export const PUBLIC_ONLY: AddressPolicy = { privateAddressesAllowed: false, allowedRanges: [] };

/**
 * PRIVATE: the operator's own networks. RESERVED: nothing that serves webhooks has such an address, but
 * metadata services of clouds do, which hand out credentials. NEVER: not the address of one host.
 */
type AddressClass = 'PRIVATE' | 'RESERVED' | 'NEVER';

interface Special extends IpRange {
  readonly kind: AddressClass;
  readonly what: string;
}

/**
 * IANA's special-purpose registries (RFC 6890 and its successors) and the metadata services outside of
 * link-local space. The first row that holds an address counts.
 */
const SPECIAL: readonly Special[] = [
  special('NEVER', 'an unspecified address', '0.0.0.0/8', '::/128'),
  special('NEVER', 'a multicast address', '224.0.0.0/4', 'ff00::/8'),
  special('NEVER', 'the broadcast address', '255.255.255.255'),
  special('RESERVED', 'a metadata address', '169.254.169.254', '100.100.100.200'),
  special('RESERVED', 'a metadata address', '168.63.129.16', '192.0.0.192'),
  special('RESERVED', 'a metadata address', 'fd00:ec2::254', 'fd20:ce::254'),
  special('RESERVED', 'a link-local address', '169.254.0.0/16', 'fe80::/10'),
  special('PRIVATE', 'a loopback address', '127.0.0.0/8', '::1/128'),
  special('PRIVATE', 'a private address', '10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16'),
  special('PRIVATE', 'a private address', 'fc00::/7', 'fec0::/10'),
  special('PRIVATE', 'a shared address', '100.64.0.0/10'),
  special('RESERVED', 'a reserved address', '192.0.0.0/24', '192.0.2.0/24', '192.88.99.0/24'),
  special('RESERVED', 'a reserved address', '198.18.0.0/15', '198.51.100.0/24', '203.0.113.0/24'),
  special('RESERVED', 'a reserved address', '240.0.0.0/4', '2001::/23', '2001:db8::/32'),
  special('RESERVED', 'a reserved address', '3fff::/20'),
].flat();

/** All that is routed of IPv6. */
const GLOBAL_V6 = rangeOf('2000::/3');

/** Where an IPv4 address stands within an IPv6 one: IPv4-mapped, NAT64 (RFC 6052), 6to4 (RFC 3056). */
const EMBEDDING = [
  { range: rangeOf('::ffff:0:0/96'), shift: 0n },
  { range: rangeOf('64:ff9b::/96'), shift: 0n },
  { range: rangeOf('2002::/16'), shift: 80n },
] as const;

/** Why a webhook may not be sent to an address. */
export interface AddressRefusal {
  /** What it is, as `a loopback address`. */
  readonly what: string;
  /** The settings that would admit it, either of them by itself; none: nothing does. */
  readonly settings: readonly string[];
}

const SETTINGS: Readonly<Record<AddressClass, readonly string[]>> = {
  PRIVATE: ['webhook_private_addresses', 'webhook_allowed_ranges'],
  RESERVED: ['webhook_allowed_ranges'],
  NEVER: [],
};

/**
 * Why a webhook may not be sent to an address; undefined: it may. An IPv6 address that stands for an
 * IPv4 one is judged as that.
 */
export function addressRefusal(text: string, policy: AddressPolicy): AddressRefusal | undefined {
  const parsed = parseIp(text);
  if (parsed === undefined) return { what: 'no address', settings: SETTINGS.NEVER };
  const address = embedded(parsed) ?? parsed;
  const found = SPECIAL.find((range) => isWithin(address, range)) ?? unrouted(address);
  if (found === undefined) return undefined;
  if (found.kind === 'PRIVATE' && policy.privateAddressesAllowed) return undefined;
  if (found.kind !== 'NEVER' && isAllowed(parsed, address, policy)) return undefined;
  return { what: found.what, settings: SETTINGS[found.kind] };
}

function isAllowed(given: IpAddress, meant: IpAddress, { allowedRanges }: AddressPolicy): boolean {
  return allowedRanges.some((text) => {
    const range = parseIpRange(text);
    return range !== undefined && (isWithin(given, range) || isWithin(meant, range));
  });
}

function embedded({ family, bits }: IpAddress): IpAddress | undefined {
  const found = EMBEDDING.find(({ range }) => isWithin({ family, bits }, range));
  return found && { family: 4, bits: (bits >> found.shift) & 0xffff_ffffn };
}

function unrouted(address: IpAddress): Pick<Special, 'kind' | 'what'> | undefined {
  if (address.family === 4 || isWithin(address, GLOBAL_V6)) return undefined;
  return { kind: 'RESERVED', what: 'a reserved address' };
}

function special(kind: AddressClass, what: string, ...ranges: string[]): readonly Special[] {
  return ranges.map((text) => ({ kind, what, ...rangeOf(text) }));
}

function rangeOf(text: string): IpRange {
  const range = parseIpRange(text);
  if (range === undefined) throw new Error(`not a range: ${text}`);
  return range;
}
