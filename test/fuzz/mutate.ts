/** Changes of bytes and texts that programs stumble over. */
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';

/** Numbers from 0 up to below 1. */
export type Random = () => number;

/** Values at the edges of lengths, tags and UTF-8. */
const EDGES = [0x00, 0x01, 0x7f, 0x80, 0xbf, 0xc0, 0xc3, 0xed, 0xf4, 0xff];

function below(random: Random, count: number): number {
  return Math.floor(random() * count);
}

/** A copy with one to four changes; `others` are what parts may be taken from. */
export function mutated(bytes: Buffer, others: readonly Buffer[], random: Random): Buffer {
  let result: Buffer = Buffer.from(bytes);
  for (let times = 1 + below(random, 4); times > 0; times -= 1) {
    result = changed(result, others, random);
  }
  return result;
}

function changed(bytes: Buffer, others: readonly Buffer[], random: Random): Buffer {
  const at = below(random, bytes.length + 1);
  const end = Math.min(bytes.length, at + 1 + below(random, 16));
  const head = bytes.subarray(0, at);
  switch (below(random, 7)) {
    case 0: {
      const flipped = Buffer.from(bytes);
      if (at < flipped.length) flipped[at] = flipped[at]! ^ (1 << below(random, 8));
      return flipped;
    }
    case 1:
      return Buffer.concat([
        head,
        Buffer.from([EDGES[below(random, EDGES.length)]!]),
        bytes.subarray(at + 1),
      ]);
    case 2:
      return Buffer.concat([head, bytes.subarray(end)]);
    case 3:
      return Buffer.concat([head, bytes.subarray(at, end), bytes.subarray(at)]);
    case 4:
      return head;
    case 5: {
      const other = others[below(random, others.length)] ?? bytes;
      return Buffer.concat([head, other.subarray(below(random, other.length + 1))]);
    }
    default:
      return Buffer.concat([head, Buffer.from([below(random, 256)]), bytes.subarray(at)]);
  }
}

/** A copy of a text with words and characters of a grammar put into it. */
export function mutatedText(
  text: string,
  others: readonly string[],
  words: readonly string[],
  random: Random,
): string {
  if (random() < 0.4) {
    const bytes = others.map((other) => Buffer.from(other));
    return mutated(Buffer.from(text), bytes, random).toString();
  }
  let result = text;
  for (let times = 1 + below(random, 3); times > 0; times -= 1) {
    const at = below(random, result.length + 1);
    const rest = random() < 0.5 ? at : Math.min(result.length, at + 1 + below(random, 8));
    const word = words[below(random, words.length)] ?? '';
    result = result.slice(0, at) + word.repeat(1 + below(random, 3)) + result.slice(rest);
  }
  return result;
}

/** The texts of a file of the corpus, which are separated by lines of `---`. */
export function corpus(name: string): readonly string[] {
  const folder = path.join(import.meta.dirname, 'corpus');
  const file = readdirSync(folder).find((one) => path.parse(one).name === name);
  if (file === undefined) throw new Error(`no corpus of ${name}`);
  return readFileSync(path.join(folder, file), 'utf8').replace(/\n$/, '').split('\n---\n');
}
