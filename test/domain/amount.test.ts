import { Decimal } from 'decimal.js';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  BALANCE_LIMIT,
  fitsScale,
  formatAmount,
  inRange,
  maxAmount,
  minAmount,
  parseAmount,
  parseSignedAmount,
  percentOf,
  storedAmount,
} from '../../src/domain/amount.js';
import { money, runs } from '../support/seed.js';

const Exact = Decimal.clone({ precision: 200, toExpNeg: -1_000, toExpPos: 1_000 });
const settings = runs('amounts', 2_000);

/** Texts of the grammar, with zeros in front of the point and behind it where they may be. */
const unsignedText = fc
  .tuple(
    fc.oneof(
      fc.constant('0'),
      fc.bigInt({ min: 1n, max: 10n ** 18n - 1n }).map(String),
      fc.integer({ min: 1, max: 999 }).map(String),
    ),
    fc.option(fc.stringMatching(/^[0-9]{1,12}$/), { nil: undefined }),
  )
  .map(([whole, decimals]) => (decimals === undefined ? whole : `${whole}.${decimals}`));
const signedText = fc
  .tuple(fc.boolean(), unsignedText)
  .map(([negative, text]) => (negative ? `-${text}` : text));

function printed(value: Decimal): string {
  return value.isZero() ? '0' : value.toFixed();
}

describe('an amount', () => {
  test.each([
    '0',
    '1',
    '10',
    '999999999999999999',
    '0.1',
    '0.000000000001',
    '1.0',
    '1.10',
    '999999999999999999.999999999999',
    '0.0',
  ])('%s is of the grammar', (text) => {
    expect(parseAmount(text)).toBeDefined();
    expect(parseSignedAmount(text)).toBe(parseAmount(text));
  });

  test.each([
    '',
    ' ',
    '-',
    '-1',
    '+1',
    '.5',
    '5.',
    '00',
    '01',
    '1e3',
    '1E3',
    'NaN',
    'Infinity',
    '0x10',
    '1,000',
    '1_000',
    '1 ',
    ' 1',
    '1\n',
    '1.0000000000001',
    '1000000000000000000',
    '1.2.3',
    '١',
    '１',
  ])('%j is refused', (text) => {
    expect(parseAmount(text)).toBeUndefined();
  });

  test.each(['--1', '-', '-.5', '-01', '+1', '- 1', '-1e3', '-1.0000000000001'])(
    '%j is refused where a sign may be, too',
    (text) => {
      expect(parseSignedAmount(text)).toBeUndefined();
    },
  );

  test.each([
    ['1000.0', '1000'],
    ['0.10', '0.1'],
    ['-0', '0'],
    ['-0.000', '0'],
    ['-0.50', '-0.5'],
    ['0.000000000001', '0.000000000001'],
    ['100', '100'],
  ])('%s is printed as %s', (text, canonical) => {
    expect(formatAmount(money(text))).toBe(canonical);
  });

  test('is printed as an exact decimal of the same value', () => {
    fc.assert(
      fc.property(signedText, (text) => {
        expect(formatAmount(money(text))).toBe(printed(new Exact(text)));
      }),
      settings,
    );
  });

  test('comes back from its own print, and from the disk', () => {
    const limit = BALANCE_LIMIT - 1n;
    fc.assert(
      fc.property(fc.bigInt({ min: -limit, max: limit }), (amount) => {
        expect(storedAmount(formatAmount(amount))).toBe(amount);
      }),
      settings,
    );
  });

  test('that is not what was printed does not come from the disk', () => {
    for (const text of ['1e5', '0x1', ' 1', '01', '1.', 'x']) {
      expect(() => storedAmount(text)).toThrow('not a stored amount');
    }
    expect(storedAmount('')).toBe(0n);
  });

  test('is added and compared like an exact decimal', () => {
    fc.assert(
      fc.property(signedText, signedText, (a, b) => {
        const sum = new Exact(a).plus(b);
        expect(formatAmount(money(a) + money(b))).toBe(printed(sum));
        expect(formatAmount(money(a) - money(b))).toBe(printed(new Exact(a).minus(b)));
        expect(money(a) < money(b)).toBe(new Exact(a).lessThan(b));
        expect(formatAmount(maxAmount(money(a), money(b)))).toBe(printed(Exact.max(a, b)));
        expect(formatAmount(minAmount(money(a), money(b)))).toBe(printed(Exact.min(a, b)));
      }),
      settings,
    );
  });

  test('a thousand times a tenth is a hundred', () => {
    let sum = 0n;
    for (let times = 0; times < 1_000; times += 1) sum += money('0.1');
    expect(formatAmount(sum)).toBe('100');
  });

  test('fits a scale when its value needs no more decimals, however it is written', () => {
    fc.assert(
      fc.property(signedText, fc.integer({ min: 0, max: 12 }), (text, scale) => {
        expect(fitsScale(money(text), scale)).toBe(new Exact(text).decimalPlaces() <= scale);
      }),
      settings,
    );
  });

  test.each([
    ['1000.0', 0, true],
    ['0.5', 0, false],
    ['0.000001', 6, true],
    ['0.0000011', 6, false],
    ['-0.0000011', 6, false],
    ['-1.5', 1, true],
    ['0.000000000001', 12, true],
  ])('%s fits scale %i: %s', (text, scale, fits) => {
    expect(fitsScale(money(text), scale)).toBe(fits);
  });

  test('is in range below 10^24 on either side', () => {
    expect(inRange(BALANCE_LIMIT - 1n)).toBe(true);
    expect(inRange(BALANCE_LIMIT)).toBe(false);
    expect(inRange(1n - BALANCE_LIMIT)).toBe(true);
    expect(inRange(-BALANCE_LIMIT)).toBe(false);
    expect(formatAmount(BALANCE_LIMIT)).toBe(`1${'0'.repeat(24)}`);
  });
});

describe('a percentage', () => {
  test.each([
    ['40', '200', '20'],
    ['39.9', '200', '19.95'],
    ['1', '3', '33.3333'],
    ['2', '3', '66.6666'],
    ['-1', '3', '-33.3333'],
    ['-0.00001', '1000', '0'],
    ['150', '100', '150'],
    ['5', '0', '0'],
    ['0', '7', '0'],
    ['70', '100', '70'],
  ])('%s of %s is %s', (part, whole, percent) => {
    expect(percentOf(money(part), money(whole))).toBe(percent);
  });

  test('has at most four decimals, cut towards zero', () => {
    const positive = unsignedText.filter((text) => !new Exact(text).isZero());
    fc.assert(
      fc.property(signedText, positive, (part, whole) => {
        const exact = new Exact(part).times(100).dividedBy(whole);
        const cut = exact.toDecimalPlaces(4, Decimal.ROUND_DOWN);
        expect(percentOf(money(part), money(whole))).toBe(printed(cut));
      }),
      settings,
    );
  });
});
