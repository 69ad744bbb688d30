import { create } from '@bufbuild/protobuf';
import type { DescMessage, MessageInitShape, MessageShape } from '@bufbuild/protobuf';
import { expect } from 'vitest';
import type { Rejection } from '../../../src/domain/answer.js';

/** Decodes a request made of a good one with some fields changed. */
export function decoding<D extends DescMessage, T extends object | string>(
  desc: D,
  good: MessageInitShape<D>,
  decode: (request: MessageShape<D>) => T | Rejection,
) {
  return (change: MessageInitShape<D> | object = {}) =>
    decode(create(desc, { ...good, ...change }));
}

/** The fields that a decoder refused, or none. */
export function refusedFields(read: object | string): readonly string[] {
  const { verdict, reason, fields } = read as Partial<Rejection>;
  if (verdict !== 'REJECTED') return [];
  expect(reason).toBe('INVALID_REQUEST');
  for (const { description } of fields ?? []) expect(description).toMatch(/^[A-Z].{8,}[^.]$/);
  return (fields ?? []).map(({ field }) => field);
}
