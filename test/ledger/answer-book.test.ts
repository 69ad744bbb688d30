import { expect, test } from 'vitest';
import { AnswerBook } from '../../src/ledger/answer-book.js';
import type { IdempotencyRecord, IdempotencyScope } from '../../src/ledger/store.js';

const scopes: readonly IdempotencyScope[] = [
  { uid: 1, method: 'SPEND', requestId: 'r' },
  { uid: 2, method: 'SPEND', requestId: 'r' },
  { uid: 1, method: 'RESERVE', requestId: 'r' },
  { uid: 1, method: 'SPEND', requestId: 's' },
];

const recordOf = (at: number) => ({ sequence: at }) as IdempotencyRecord;

/** A book of some scopes, and what it has of every one. */
function bookOf(added: readonly number[]): (number | undefined)[] {
  const book = new AnswerBook();
  for (const at of added) book.add({ scope: scopes[at]!, record: recordOf(at) });
  expect([...book.all()].map(({ record }) => record.sequence).toSorted()).toEqual(added.toSorted());
  return scopes.map((scope) => book.get({ ...scope })?.sequence);
}

test('answers of one request_id are told apart by agent and method', () => {
  expect(bookOf([])).toEqual([undefined, undefined, undefined, undefined]);
  expect(bookOf([0])).toEqual([0, undefined, undefined, undefined]);
  expect(bookOf([0, 1, 2, 3])).toEqual([0, 1, 2, 3]);
  expect(bookOf([2, 1, 0])).toEqual([0, 1, 2, undefined]);
});
