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
function bookOf(added: readonly number[], deleted: readonly number[] = []): (number | undefined)[] {
  const book = new AnswerBook();
  for (const at of added) book.add({ scope: scopes[at]!, record: recordOf(at) });
  for (const at of deleted) book.delete({ ...scopes[at]! });
  const left = added.filter((at) => !deleted.includes(at));
  expect([...book.all()].map(({ record }) => record.sequence).toSorted()).toEqual(left.toSorted());
  return scopes.map((scope) => book.get({ ...scope })?.sequence);
}

test('answers of one request_id are told apart by agent and method', () => {
  expect(bookOf([])).toEqual([undefined, undefined, undefined, undefined]);
  expect(bookOf([0])).toEqual([0, undefined, undefined, undefined]);
  expect(bookOf([0, 1, 2, 3])).toEqual([0, 1, 2, 3]);
  expect(bookOf([2, 1, 0])).toEqual([0, 1, 2, undefined]);
});

test('one that is taken away leaves the others of its request_id', () => {
  expect(bookOf([0, 1, 2, 3], [0])).toEqual([undefined, 1, 2, 3]);
  expect(bookOf([0, 1, 2, 3], [1, 3])).toEqual([0, undefined, 2, undefined]);
  expect(bookOf([0, 1, 2, 3], [0, 2, 1, 3])).toEqual(scopes.map(() => undefined));
});

test('a request_id that is free again may be taken while another scope still has it', () => {
  const book = new AnswerBook();
  book.add({ scope: scopes[0]!, record: recordOf(0) });
  book.add({ scope: scopes[1]!, record: recordOf(1) });
  book.delete(scopes[0]!);
  book.add({ scope: scopes[2]!, record: recordOf(2) });
  expect(scopes.map((scope) => book.get(scope)?.sequence)).toEqual([undefined, 1, 2, undefined]);
});
