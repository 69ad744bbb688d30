/** How much of a file may be missing before its database is called cut short. */
import { expect, test } from 'vitest';
import { isCutShort } from '../../src/store/verify.js';

test('a large file may lack what was freed at its end, and no more', () => {
  const extent = 5_072_408_576;
  expect(isCutShort(extent, extent)).toBe(false);
  expect(isCutShort(5_072_359_424, extent)).toBe(false);
  expect(isCutShort(extent - 65 * 4_096, extent)).toBe(true);
  expect(isCutShort(99 * 4_096, 100 * 4_096)).toBe(false);
  expect(isCutShort(98 * 4_096, 100 * 4_096)).toBe(true);
  expect(isCutShort(39 * 4_096, 40 * 4_096)).toBe(true);
});
