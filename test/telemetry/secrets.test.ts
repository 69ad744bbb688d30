import { expect, test } from 'vitest';
import { refuseSecrets } from '../support/secrets.js';

test('a secret is found wherever it stands in what was told', () => {
  const told = [{ fields: { deep: { header: 'x sgt_abc y' } } }];
  expect(() => refuseSecrets(told, ['sgt_abc'])).toThrow(/a secret stands in the log: sgt_abc/);
  expect(() => refuseSecrets('-----BEGIN PRIVATE KEY-----', [])).toThrow();
  expect(() => refuseSecrets(told, ['sgt_other'])).not.toThrow();
});
