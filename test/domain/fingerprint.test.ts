import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatAmount } from '../../src/domain/amount.js';
import type { Command } from '../../src/domain/command.js';
import { canonicalRequest } from '../../src/domain/fingerprint.js';
import { reviewOf } from '../fakes/annotations.js';
import { applyConfiguration, commit, reserve, setBudget, spend } from '../fakes/commands.js';
import { money, runs } from '../support/seed.js';

/** A name of a field: none that is left out, none that JSON would put first. */
const word = fc.stringMatching(/^[f-j][a-e]{0,3}$/);

const plain = spend('a', '1.5', { requestId: 'r' });

describe('two requests are the same', () => {
  const same: readonly (readonly [string, Command, Command])[] = [
    ['whatever their request_ids are', plain, { ...plain, requestId: 'other' }],
    ['when their amounts are written differently', plain, spend('a', '1.500')],
    [
      'when the quantities are written differently',
      spend('a', '1', { quantities: [{ name: 'tokens', amount: money('2.0') }] }),
      spend('a', '1', { quantities: [{ name: 'tokens', amount: money('2') }] }),
    ],
    ['in whatever order their fields were read', plain, reversed(plain)],
    [
      'in whatever order the fields within were read',
      applyConfiguration({ pools: [{ id: 'p', name: 'P', priority: 3 }] }),
      applyConfiguration({ pools: [{ priority: 3, name: 'P', id: 'p' }] }),
    ],
  ];

  test.each(same)('%s', (_name, a, b) => {
    expect(canonicalRequest(b)).toBe(canonicalRequest(a));
  });

  test('whatever the sidecar found when it scanned for them', () => {
    const review = { method: 'RUN_REVIEW', ...reviewOf() } as const;
    const scanned = (principal: string) => ({ ...review, scanned: { principal } }) as Command;
    expect(canonicalRequest(scanned('ada'))).toBe(canonicalRequest(scanned('bob')));
    const other = { ...scanned('ada'), poolId: 'p' } as Command;
    expect(canonicalRequest(other)).not.toBe(canonicalRequest(scanned('ada')));
  });

  test('when a field without a value was added later', () => {
    for (const nothing of [undefined, '', false, []]) {
      expect(canonicalRequest({ ...plain, later: nothing } as Command)).toBe(
        canonicalRequest(plain),
      );
    }
  });
});

/** The same fields, read in the opposite order. */
function reversed(command: Command): Command {
  return Object.fromEntries(Object.entries(command).reverse()) as unknown as Command;
}

describe('two requests are not the same', () => {
  const pairs: readonly (readonly [string, Command, Command])[] = [
    ['with other amounts', plain, spend('a', '1.6')],
    ['with 0 and with no amount', commit('h', '0'), commit('h', undefined)],
    ['with other agents', plain, spend('b', '1.5')],
    ['with other modes', plain, spend('a', '1.5', { mode: 'FORCE' })],
    ['of other methods', plain, reserve('a', '1.5')],
    ['when only one is final', commit('h', '1'), commit('h', '1', { final: false })],
    ['when only one resets', setBudget('a', '1'), setBudget('a', '1', { resetBaseline: true })],
    [
      'with other metadata',
      spend('a', '1', { metadata: [['k', 'v']] }),
      spend('a', '1', { metadata: [['k', 'w']] }),
    ],
    [
      'when what one says could be read as two fields of the other',
      spend('a', '1', { category: 'x', runId: 'y' }),
      spend('a', '1', { category: 'x"\nrunId="y' }),
    ],
    [
      'when a name and a value change places',
      spend('a', '1', { metadata: [['k', 'v']] }),
      spend('a', '1', { metadata: [['v', 'k']] }),
    ],
  ];

  test.each(pairs)('%s', (_name, a, b) => {
    expect(canonicalRequest(b)).not.toBe(canonicalRequest(a));
  });
});

/** The same form, as a replacer of JSON writes it: what is on disk was made by it or is equal to it. */
function written(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) => {
    if (typeof inner === 'bigint') return formatAmount(inner);
    if (typeof inner !== 'object' || inner === null || Array.isArray(inner)) return inner;
    return Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}

test('fields are written as JSON with sorted keys and amounts as texts', () => {
  const leaf = fc.oneof(fc.string({ unit: 'binary' }), fc.bigInt(), fc.boolean(), fc.integer());
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof({ maxDepth: 3 }, leaf, fc.array(tie('tree')), fc.dictionary(word, tie('tree'))),
  }));
  const check = fc.property(fc.dictionary(word, fc.array(tree, { minLength: 1 })), (fields) => {
    const command = { method: 'SPEND', ...fields } as unknown as Command;
    const lines = Object.keys(fields).sort((a, b) => (a < b ? -1 : 1));
    const expected = lines.map((key) => `\n${key}=${written(fields[key])}`);
    expect(canonicalRequest(command)).toBe(`SPEND${expected.join('')}`);
  });
  fc.assert(check, runs('canonical requests', 200));
});
