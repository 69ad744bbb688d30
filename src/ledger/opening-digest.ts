import { hash } from 'node:crypto';
import { formatAmount } from '../domain/amount.js';
import type { Opening } from '../domain/opening.js';

const MODULUS = 1n << 256n;

/** SHA-256 of what an opening row says, as a number. */
export function digestOf(opening: Opening): bigint {
  const { kind, uid, lastSequence, poolUid, balances, fields } = opening;
  const amounts = balances.map(([field, balance]) => [field, formatAmount(balance)]);
  const text = JSON.stringify([kind, uid, lastSequence, poolUid, amounts, fields]);
  return BigInt(`0x${hash('sha256', text, 'hex')}`);
}

/**
 * A digest of many rows that follows the change of some without reading the others: the sum of theirs,
 * modulo 2^256, in 32 bytes.
 */
export function changedDigest(total: Uint8Array, added: bigint, removed: bigint): Uint8Array {
  const sum = (numberOf(total) + added - removed) % MODULUS;
  const text = (sum < 0n ? sum + MODULUS : sum).toString(16).padStart(64, '0');
  return Buffer.from(text, 'hex');
}

function numberOf(digest: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(digest).toString('hex')}`);
}
