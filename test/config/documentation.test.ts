import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { configurationDocument } from '../../src/config/documentation.js';

test('docs/configuration.md is what `safeguards config docs` prints', () => {
  const file = path.join(import.meta.dirname, '../../docs/configuration.md');
  expect(readFileSync(file, 'utf8')).toBe(configurationDocument());
});
