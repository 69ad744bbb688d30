import { expect, test } from 'vitest';
import { diskLevel, type DiskLevel } from '../../src/domain/disk-level.js';

const marks = { diskSoftBytes: 800, diskHardBytes: 80 };

const rows: readonly [DiskLevel, number, DiskLevel][] = [
  ['OK', 800, 'OK'],
  ['OK', 799, 'LOW'],
  ['OK', 79, 'FULL'],
  ['LOW', 80, 'LOW'],
  ['LOW', 79, 'FULL'],
  ['LOW', 899, 'LOW'],
  ['LOW', 900, 'OK'],
  ['FULL', 89, 'FULL'],
  ['FULL', 90, 'LOW'],
  ['FULL', 899, 'LOW'],
  ['FULL', 900, 'OK'],
];

test.each(rows)('a disk that was %s and has %d bytes free is %s', (before, free, after) => {
  expect(diskLevel(before, free, marks)).toBe(after);
});
