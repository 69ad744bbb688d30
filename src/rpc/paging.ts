import { createHash } from 'node:crypto';
import { reject } from '../domain/answer.js';
import type { Rejection } from '../domain/answer.js';

/** What a list was asked for: the method and the values of its filter. */
export type Filter = readonly [method: string, ...values: readonly unknown[]];

const HASH_BYTES = 12;
const TOKEN = /^[A-Za-z0-9_-]{1,512}$/;

/** Makes the token of the page after the item with that key; empty after the last page. */
export function nextPageToken(filter: Filter, last: string | undefined): string {
  if (last === undefined) return '';
  return Buffer.concat([hashOf(filter, last), Buffer.from(last)]).toString('base64url');
}

/** The key to continue after: undefined at the start. Rejects a token that is not of this filter. */
export function pageStart(filter: Filter, token: string): string | undefined | Rejection {
  if (token === '') return undefined;
  if (TOKEN.test(token)) {
    const bytes = Buffer.from(token, 'base64url');
    const last = bytes.toString('utf8', HASH_BYTES);
    if (nextPageToken(filter, last) === token) return last;
  }
  return {
    ...reject(
      'PAGE_TOKEN_INVALID',
      'The page token is of another filter or was altered. List from the start',
    ),
    fields: [{ field: 'page_token', description: 'Leave it out to list from the start' }],
  };
}

function hashOf(filter: Filter, last: string): Buffer {
  const text = JSON.stringify([...filter, last]);
  return createHash('sha256').update(text).digest().subarray(0, HASH_BYTES);
}
