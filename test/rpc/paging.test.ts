import fc from 'fast-check';
import { expect, test } from 'vitest';
import { nextPageToken, pageStart } from '../../src/rpc/paging.js';

const FILTER = ['ListAgents', 'pool-1', true] as const;

test('the last page has no token, and no token is the first page', () => {
  expect(nextPageToken(FILTER, undefined)).toBe('');
  expect(pageStart(FILTER, '')).toBeUndefined();
});

test('a token leads to where it was made, whatever the key', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 40 }), (last) => {
      const token = nextPageToken(FILTER, last);
      expect(token).toMatch(/^[A-Za-z0-9_-]+$/);
      expect(pageStart(FILTER, token)).toBe(last);
    }),
  );
});

test('no altered token leads anywhere', () => {
  const token = nextPageToken(FILTER, 'agent-17');
  for (let at = 0; at < token.length; at += 1) {
    for (const letter of 'Aa0_') {
      const altered = token.slice(0, at) + letter + token.slice(at + 1);
      if (altered === token) continue;
      expect(pageStart(FILTER, altered)).toMatchObject({ reason: 'PAGE_TOKEN_INVALID' });
    }
  }
  for (const altered of [
    `${token}=`,
    ` ${token}`,
    token.slice(1),
    token.slice(0, -1),
    `${token}A`,
  ]) {
    expect(pageStart(FILTER, altered)).toMatchObject({ reason: 'PAGE_TOKEN_INVALID' });
  }
});

test.each([
  [['ListPools', 'pool-1', true]],
  [['ListAgents', 'pool-2', true]],
  [['ListAgents', 'pool-1', false]],
  [['ListAgents', 'pool-1']],
  [['ListAgents', 'pool-1', 'true']],
] as const)('a token of %j is of no other filter', (filter) => {
  expect(pageStart(FILTER, nextPageToken(filter, 'a'))).toMatchObject({
    reason: 'PAGE_TOKEN_INVALID',
  });
});
