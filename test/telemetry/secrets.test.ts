import { expect, test } from 'vitest';
import { hear, knowKey, knowSecret, refuseHeard, refuseSecrets } from '../support/secrets.js';

test('a secret is found by its name wherever it stands in what was told', () => {
  const secret = knowSecret('a token of this test', 'sgt_a-token-of-this-test');
  const told = [{ fields: { deep: { header: `x ${secret} y` } } }];
  expect(() => refuseSecrets(told, 'the log')).toThrow(
    'a secret stands in the log: a token of this test',
  );
  expect(() => refuseSecrets('-----BEGIN PRIVATE KEY-----')).toThrow('a private key');
  expect(() => refuseSecrets(`sgt_${'a'.repeat(43)}`)).toThrow('a token of 256 bits');
  expect(() => refuseSecrets([{ header: 'sgt_other' }])).not.toThrow();
});

test('a line of a key is found without the rest of it', () => {
  const line = 'MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg';
  knowKey('the key of this test', `-----BEGIN X-----\n${line}\n-----END X-----\n`);
  expect(() => refuseSecrets(`key=${line}`)).toThrow('the key of this test');
});

test('a secret that a process tells is found in whatever pieces it comes', () => {
  knowSecret('a secret in pieces', 'one-half-and-the-other');
  const heard = hear('the log');
  heard('{"token":"one-half-');
  refuseHeard();
  heard('and-the-other"}');
  const name = 'a secret that a process tells is found in whatever pieces it comes';
  expect(refuseHeard).toThrow(`a secret stands in the log of "${name}": a secret in pieces`);
  // It is told once.
  expect(refuseHeard).not.toThrow();
});
