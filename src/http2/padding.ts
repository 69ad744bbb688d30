import { protocolError } from './errors.js';
import { FLAG } from './frames.js';

/** What padding takes of a frame's payload, with the byte that says how much it is. */
export function paddingOf(flags: number, bytes: Buffer, from: number, to: number): number {
  if ((flags & FLAG.PADDED) === 0) return 0;
  const padding = 1 + (bytes[from] ?? 0);
  if (padding > to - from) throw protocolError('A frame has more padding than bytes');
  return padding;
}
