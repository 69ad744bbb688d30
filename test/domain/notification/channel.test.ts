import { BlockList } from 'node:net';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { addressRefusal, PUBLIC_ONLY } from '../../../src/domain/notification/address-policy.js';
import { webhookViolations } from '../../../src/domain/notification/channel.js';
import { isWanted, type ChannelFilter } from '../../../src/domain/notification/filter.js';
import { isWithin, parseIp, parseIpRange } from '../../../src/domain/notification/ip-address.js';
import { webhookUrlProblem } from '../../../src/domain/notification/webhook-url.js';
import { eventOf } from '../../fakes/notifications.js';
import { runs } from '../../support/seed.js';

const PRIVATE_TOO = { privateAddressesAllowed: true, allowedRanges: [] };
const rangesOnly = (...allowedRanges: string[]) => ({
  privateAddressesAllowed: false,
  allowedRanges,
});

describe('an address', () => {
  test.each([
    // address, why it is refused, why it is when private addresses are allowed
    ['93.184.215.14', undefined, undefined],
    ['2606:2800:21f:cb07:6820:80da:af6b:8b2c', undefined, undefined],
    ['64:ff9b::93.184.215.14', undefined, undefined],
    ['::ffff:93.184.215.14', undefined, undefined],
    ['2002:5db8:d70e::1', undefined, undefined],
    ['127.0.0.1', 'a loopback address', undefined],
    ['127.255.255.254', 'a loopback address', undefined],
    ['::1', 'a loopback address', undefined],
    ['::ffff:127.0.0.1', 'a loopback address', undefined],
    ['::ffff:7f00:1', 'a loopback address', undefined],
    ['64:ff9b::7f00:1', 'a loopback address', undefined],
    ['10.0.0.1', 'a private address', undefined],
    ['172.16.0.1', 'a private address', undefined],
    ['172.31.255.255', 'a private address', undefined],
    ['172.32.0.0', undefined, undefined],
    ['192.168.1.1', 'a private address', undefined],
    ['64:ff9b::192.168.1.1', 'a private address', undefined],
    ['2002:c0a8:0101::', 'a private address', undefined],
    ['fd12:3456::1', 'a private address', undefined],
    ['fec0::1', 'a private address', undefined],
    ['100.64.0.1', 'a shared address', undefined],
    ['169.254.0.1', 'a link-local address', 'a link-local address'],
    ['fe80::1%eth0', 'a link-local address', 'a link-local address'],
    ['169.254.169.254', 'a metadata address', 'a metadata address'],
    ['::ffff:169.254.169.254', 'a metadata address', 'a metadata address'],
    ['64:ff9b::a9fe:a9fe', 'a metadata address', 'a metadata address'],
    ['fd00:ec2::254', 'a metadata address', 'a metadata address'],
    ['100.100.100.200', 'a metadata address', 'a metadata address'],
    ['168.63.129.16', 'a metadata address', 'a metadata address'],
    ['0.0.0.0', 'an unspecified address', 'an unspecified address'],
    ['::', 'an unspecified address', 'an unspecified address'],
    ['224.0.0.1', 'a multicast address', 'a multicast address'],
    ['ff02::1', 'a multicast address', 'a multicast address'],
    ['255.255.255.255', 'the broadcast address', 'the broadcast address'],
    ['192.0.2.1', 'a reserved address', 'a reserved address'],
    ['198.18.0.1', 'a reserved address', 'a reserved address'],
    ['240.0.0.1', 'a reserved address', 'a reserved address'],
    ['2001:db8::1', 'a reserved address', 'a reserved address'],
    ['2001::1', 'a reserved address', 'a reserved address'],
    ['::7f00:1', 'a reserved address', 'a reserved address'],
    ['64:ff9b:1::1', 'a reserved address', 'a reserved address'],
    ['not an address', 'no address', 'no address'],
  ])('%s', (address, byDefault, whenPrivate) => {
    expect(addressRefusal(address, PUBLIC_ONLY)?.what).toBe(byDefault);
    expect(addressRefusal(address, PRIVATE_TOO)?.what).toBe(whenPrivate);
  });

  test.each([
    ['10.1.2.3', ['10.1.0.0/16'], undefined],
    ['10.2.2.3', ['10.1.0.0/16'], 'a private address'],
    ['::ffff:10.1.2.3', ['10.1.0.0/16'], undefined],
    ['169.254.169.254', ['169.254.169.254'], undefined],
    ['64:ff9b::10.1.2.3', ['64:ff9b::/96'], undefined],
    ['0.0.0.0', ['0.0.0.0/0'], 'an unspecified address'],
    ['224.0.0.1', ['0.0.0.0/0'], 'a multicast address'],
    ['10.1.2.3', ['nonsense', '10.0.0.0/33'], 'a private address'],
  ])('%s when %j is allowed', (address, ranges, refusal) => {
    expect(addressRefusal(address, rangesOnly(...ranges))?.what).toBe(refusal);
  });

  test('lies in a range exactly when Node says so', () => {
    const address = fc.oneof(fc.ipV4(), fc.ipV6());
    fc.assert(
      fc.property(address, address, fc.nat(128), (a, b, bits) => {
        const [left, right] = [parseIp(a)!, parseIp(b)!];
        const prefix = left.family === 4 ? bits % 33 : bits;
        // Half of the time the range begins at the very address.
        const base = bits % 2 === 0 ? a : right.family === left.family ? b : a;
        const list = new BlockList();
        list.addSubnet(base, prefix, left.family === 4 ? 'ipv4' : 'ipv6');
        const expected = list.check(a, left.family === 4 ? 'ipv4' : 'ipv6');
        expect(isWithin(left, parseIpRange(`${base}/${prefix}`)!)).toBe(expected);
      }),
      runs('addresses', 1_000),
    );
  });

  test.each([
    '',
    '1.2.3',
    '1.2.3.4.5',
    '256.1.1.1',
    '01.2.3.4',
    '0x7f.0.0.1',
    ':',
    ':::',
    '1::2::3',
  ])('%j is none', (text) => expect(parseIp(text)).toBeUndefined());

  test.each(['1:2:3:4:5:6:7', '1:2:3:4:5:6:7:8:9', '12345::', '1.2.3.4::', '1.2.3.4%eth0'])(
    '%j is none either',
    (text) => expect(parseIp(text)).toBeUndefined(),
  );
});

const RANGE_ONLY = 'set webhook_allowed_ranges if it is meant to be reached';
const ALLOW =
  'set webhook_private_addresses or webhook_allowed_ranges if it is meant to be reached';

describe('the URL of a webhook', () => {
  test.each([
    'https://hooks.example.com/services/T0/B0/secret?x=1',
    'http://hooks.example.com:8080/',
    'HTTPS://hooks.example.com',
    'https://93.184.215.14/',
    'https://localhost.example.com/',
    'https://hooks.example.com/mail/me@example.com',
  ])('may be %s', (url) => {
    expect(webhookUrlProblem(url, PUBLIC_ONLY)).toBeUndefined();
  });

  test.each([
    ['', 'must start with https:// or http://'],
    ['ftp://example.com', 'must start with https:// or http://'],
    ['https:example.com', 'must start with https:// or http://'],
    ['javascript:alert(1)', 'must start with https:// or http://'],
    ['https://', 'is not a URL'],
    ['https://exa mple.com', 'must not contain spaces, control characters or backslashes'],
    ['https://example.com\n', 'must not contain spaces, control characters or backslashes'],
    [
      'https://good.example\\@10.0.0.1',
      'must not contain spaces, control characters or backslashes',
    ],
    ['https://u@example.com', 'must not contain a user or password; send a header instead'],
    ['https://u:p@example.com', 'must not contain a user or password; send a header instead'],
    ['https://@example.com', 'must not contain a user or password; send a header instead'],
    ['https://example.com/#', 'must not have a fragment'],
    ['https://example.com/#a', 'must not have a fragment'],
    ['https://example.com:0/', 'must not have port 0'],
    ['https://example.com:65536/', 'is not a URL'],
    [`https://example.com/${'a'.repeat(2_030)}`, 'must be at most 2048 characters'],
    ['https://localhost/', `names a loopback address; ${ALLOW}`],
    ['https://LOCALHOST./', `names a loopback address; ${ALLOW}`],
    ['https://api.localhost:9/', `names a loopback address; ${ALLOW}`],
    ['http://127.0.0.1/', `names a loopback address; ${ALLOW}`],
    ['http://127.1/', `names a loopback address; ${ALLOW}`],
    ['http://2130706433/', `names a loopback address; ${ALLOW}`],
    ['http://0x7f000001/', `names a loopback address; ${ALLOW}`],
    ['http://0177.0.0.1/', `names a loopback address; ${ALLOW}`],
    ['http://127.0.0.1./', `names a loopback address; ${ALLOW}`],
    ['http://①②⑦.0.0.1/', `names a loopback address; ${ALLOW}`],
    ['http://[::1]/', `names a loopback address; ${ALLOW}`],
    ['http://[::ffff:127.0.0.1]/', `names a loopback address; ${ALLOW}`],
    ['http://[0:0:0:0:0:ffff:7f00:1]/', `names a loopback address; ${ALLOW}`],
    ['http://169.254.169.254/latest/meta-data', `names a metadata address; ${RANGE_ONLY}`],
    ['http://0/', 'names an unspecified address, which no setting admits'],
  ])('%j %s', (url, problem) => {
    expect(webhookUrlProblem(url, PUBLIC_ONLY)).toBe(problem);
  });

  test('may lead to private addresses when an operator says so', () => {
    expect(webhookUrlProblem('http://localhost:9093/', PRIVATE_TOO)).toBeUndefined();
    expect(webhookUrlProblem('http://localhost/', rangesOnly('127.0.0.0/8'))).toBeUndefined();
    expect(webhookUrlProblem('http://[::1]/', rangesOnly('127.0.0.0/8'))).toBe(
      `names a loopback address; ${ALLOW}`,
    );
  });
});

describe('a webhook', () => {
  const url = 'https://hooks.example.com/x';
  const format = { preset: 'JSON' } as const;

  test('may have secrets, headers and a template', () => {
    const channel = {
      url,
      format: { preset: 'CUSTOM', contentType: 'text/plain', template: '{{kind}}' },
      secrets: ['0123456789abcdef', 'fedcba9876543210'],
      headers: [{ name: 'Authorization', value: 'Bearer x' }],
    } as const;
    expect(webhookViolations(channel, PUBLIC_ONLY)).toEqual([]);
  });

  test('is refused with everything that is wrong, without repeating secrets', () => {
    const channel = {
      url: 'https://me:hunter2@example.com/',
      format: { preset: 'CUSTOM', contentType: 'application/json', template: '{\n {{kind}}' },
      secrets: ['short', ...Array.from({ length: 4 }, () => 'hunter2'.repeat(4))],
      headers: [
        { name: 'Host', value: 'a' },
        { name: 'safeguards-signature', value: 'a' },
        { name: 'a b', value: 'x\r\ny: hunter2' },
        { name: 'X-A', value: 'a' },
        { name: 'x-a', value: '' },
      ],
    } as const;
    const violations = webhookViolations(channel, PUBLIC_ONLY);
    expect(violations).toEqual([
      { field: 'url', description: 'must not contain a user or password; send a header instead' },
      { field: 'template', description: 'line 2, column 10: this is not JSON: expected a colon' },
      { field: 'secrets', description: 'must be at most 4' },
      {
        field: 'secrets[0]',
        description: 'must be 16 to 256 printable ASCII characters without spaces',
      },
      { field: 'headers[0].name', description: 'is a header that the sidecar sets itself' },
      { field: 'headers[1].name', description: 'is a header that the sidecar sets itself' },
      { field: 'headers[2].name', description: 'is not the name of a header' },
      { field: 'headers[2].value', description: 'must be 1 to 2048 printable ASCII characters' },
      { field: 'headers[4].value', description: 'must be 1 to 2048 printable ASCII characters' },
      { field: 'headers', description: 'must have different names' },
    ]);
    expect(JSON.stringify(violations)).not.toContain('hunter2');
  });

  test('has at most eight headers', () => {
    const headers = Array.from({ length: 9 }, (_, n) => ({ name: `x-${n}`, value: 'a' }));
    expect(webhookViolations({ url, format, secrets: [], headers }, PUBLIC_ONLY)).toEqual([
      { field: 'headers', description: 'must be at most 8' },
    ]);
  });
});

describe('a filter', () => {
  const everything: ChannelFilter = { minSeverity: 'INFO', agentIds: [], poolIds: [], types: [] };
  const event = eventOf('OPENED');
  const ofPool = eventOf('OPENED', { agentId: '' });
  test.each([
    ['everything', {}, event, true],
    ['as severe', { minSeverity: 'MEDIUM' }, event, true],
    ['less severe', { minSeverity: 'HIGH' }, event, false],
    ['the agent', { agentIds: ['x', 'agent-1'] }, event, true],
    ['another agent', { agentIds: ['x'] }, event, false],
    ['a pool as a whole, for agents', { agentIds: ['agent-1'] }, ofPool, false],
    ['a pool as a whole, for its pool', { poolIds: ['pool-1'] }, ofPool, true],
    ['another pool', { poolIds: ['x'] }, event, false],
    ['the type', { types: ['BUDGET_LIMIT_EXCEEDED'] }, event, true],
    ['another type', { types: ['OVERSPEND'] }, event, false],
    ['the agent in another pool', { agentIds: ['agent-1'], poolIds: ['x'] }, event, false],
  ] as const)('%s', (_name, filter, it, wanted) => {
    expect(isWanted({ ...everything, ...filter }, it)).toBe(wanted);
  });
});
