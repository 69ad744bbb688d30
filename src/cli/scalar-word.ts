import { ScalarType, type DescField } from '@bufbuild/protobuf';
import { UsageError } from './terminal.js';

/** The smallest and the largest value of every type of whole number that requests have. */
const RANGES: Partial<Readonly<Record<ScalarType, readonly [least: bigint, most: bigint]>>> = {
  [ScalarType.INT32]: [-(2n ** 31n), 2n ** 31n - 1n],
  [ScalarType.UINT32]: [0n, 2n ** 32n - 1n],
  [ScalarType.INT64]: [-(2n ** 63n), 2n ** 63n - 1n],
  [ScalarType.UINT64]: [0n, 2n ** 64n - 1n],
};

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/;

/** Throws a UsageError where a word is no number or time, and its field is one. `label` names the field. */
export function checkWord(field: DescField, label: string, text: string): void {
  if (field.fieldKind === 'message' && field.message.typeName === 'google.protobuf.Timestamp') {
    if (TIME.test(text) && !Number.isNaN(Date.parse(text))) return;
    throw new UsageError(`${label}: "${text}" is no time. Write one like 2026-01-31T08:00:00Z.`);
  }
  const scalar =
    field.fieldKind === 'scalar' || field.fieldKind === 'list' ? field.scalar : undefined;
  if (scalar === undefined) return;
  if (scalar === ScalarType.DOUBLE || scalar === ScalarType.FLOAT) {
    if (text.trim() !== '' && Number.isFinite(Number(text))) return;
    throw new UsageError(`${label}: "${text}" is no number.`);
  }
  const [least, most] = RANGES[scalar] ?? [];
  if (least === undefined || most === undefined) return;
  if (/^[+-]?\d+$/.test(text) && BigInt(text) >= least && BigInt(text) <= most) return;
  throw new UsageError(`${label}: "${text}" is no whole number from ${least} to ${most}.`);
}
