import { expect, test } from 'vitest';
import { canonicalCron, cronMistake } from '../../src/domain/cron.js';

test.each([
  '* * * * *',
  '0 0 1 * *',
  '*/15 9-17 * * MON-FRI',
  '0,30 2-3 1,15,L 1-12/3 0',
  '59 23 31 12 7',
  '0 0 * jan,JUL sun',
  '00 07 01 01 *',
  '0 0 L * *',
  '0 0 l * *',
  '1-59/2 */23 */30 */11 */7',
])('%s is a cron text', (text) => {
  expect(cronMistake(text)).toBeUndefined();
});

const FIVE =
  'Give five fields with single spaces between them: minute hour day-of-month month day-of-week. ' +
  'There are no seconds and no years';

test.each([
  ['', 'Give a cron text such as 0 0 1 * *'],
  ['@daily', 'Write five fields, such as 0 0 * * * for every day'],
  ['0 0 * *', FIVE],
  ['0 0 0 1 * *', FIVE],
  ['0 0 0 1 * * 2026', FIVE],
  ['0  0 1 * *', FIVE],
  [' 0 0 1 * *', FIVE],
  ['0\t0 1 * *', FIVE],
  ['60 * * * *', '"60" is no minute: give 0 to 59, such as 0 or */15'],
  ['0 24 * * *', '"24" is no hour: give 0 to 23, such as 0 or 9-17'],
  ['0 0 0 * *', '"0" is no day of month: give 1 to 31, such as 1 or L for the last'],
  ['0 0 32 * *', '"32" is no day of month: give 1 to 31, such as 1 or L for the last'],
  ['0 0 1 13 *', '"13" is no month: give 1 to 12, such as 1 or JAN'],
  ['0 0 1 0 *', '"0" is no month: give 1 to 12, such as 1 or JAN'],
  ['0 0 * * 8', '"8" is no day of week: give 0 to 7, such as 1-5 or MON'],
  ['0 0 * * FUNDAY', '"FUNDAY" is no day of week: give 0 to 7, such as 1-5 or MON'],
  ['1,,2 * * * *', 'an empty item is no minute: give 0 to 59, such as 0 or */15'],
  ['0 22-2 * * *', '"22-2" is no hour: give 0 to 23, such as 0 or 9-17'],
])('%j is none: %s', (text, mistake) => {
  expect(cronMistake(text)).toBe(mistake);
});

test.each(
  '5/5 /5 */0 */60 */-1 5- -5 1-2-3 */2/2 L 0x1 1e1 +1 ? 15W 1#2 *5 1.5 007 ** １'.split(' '),
)('%s is no minute', (item) => {
  expect(cronMistake(`${item} * * * *`)).toBe(
    `"${item}" is no minute: give 0 to 59, such as 0 or */15`,
  );
});

test.each(['0 0 L-3 * *', '0 0 L/2 * *', '0 0 LW * *', '0 0 15W * *', '0 0 ? * *', '0 0 * * 5L'])(
  '%s is a word of other programs',
  (text) => {
    expect(cronMistake(text)).toMatch(/is no day of/);
  },
);

test('a text of more than 256 characters is refused', () => {
  expect(cronMistake(`${'0,'.repeat(130)}0 * * * *`)).toBe('Use at most 256 characters');
});

test('names are kept in capitals', () => {
  expect(canonicalCron('0 0 l jan mon')).toBe('0 0 L JAN MON');
});
