import { SCOPE_KINDS, type Scope } from '../../domain/scope.js';
import type { ScopeRecord } from '../../gen/safeguards/store/v1/records_pb.js';
import { wordsOf } from '../tables.js';
import type { WireWriter } from '../../wire/writer.js';

const scopeKindOf = wordsOf(SCOPE_KINDS);

/** Writes ScopeRecord as a field. */
export function writeScope(wire: WireWriter, field: number, scope: Scope): void {
  wire.message(field, () => {
    wire.uint(1, SCOPE_KINDS[scope.kind]);
    wire.uint(2, scope.uid);
  });
}

/** Reads ScopeRecord. */
export function scopeOf(record: ScopeRecord | undefined): Scope {
  if (record === undefined) throw new Error('a rule has no scope');
  return { kind: scopeKindOf(record.kind), uid: Number(record.uid) };
}
