/** What Redis answers (RESP2). An error it reports is a value, so that a pipeline goes on. */
export type Reply = string | number | null | Error | readonly Reply[];

/** A command as Redis reads it: an array of bulk strings. */
export function commandOf(...words: readonly string[]): string {
  const parts = words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`);
  return `*${words.length}\r\n${parts.join('')}`;
}

/** Reads replies out of chunks that end anywhere. */
export class ReplyReader {
  #rest: Buffer = Buffer.alloc(0);

  /** The replies that the chunk completes, in order. */
  read(chunk: Buffer): readonly Reply[] {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const replies: Reply[] = [];
    let at = 0;
    for (;;) {
      const next = replyAt(bytes, at);
      if (next === undefined) break;
      replies.push(next.reply);
      at = next.end;
    }
    this.#rest = bytes.subarray(at);
    return replies;
  }
}

interface Read {
  readonly reply: Reply;
  readonly end: number;
}

/** The reply that begins at a place, or undefined while its end has not come. */
function replyAt(bytes: Buffer, start: number): Read | undefined {
  const lineEnd = bytes.indexOf('\r\n', start, 'latin1');
  if (lineEnd < 0) return undefined;
  const text = bytes.toString('latin1', start + 1, lineEnd);
  const after = lineEnd + 2;
  const kind = String.fromCharCode(bytes[start] ?? 0);
  if (kind === '+') return { reply: text, end: after };
  if (kind === '-') return { reply: new Error(text), end: after };
  if (kind === ':') return { reply: Number(text), end: after };
  if (kind === '$') return bulkAt(bytes, after, Number(text));
  if (kind === '*') return arrayAt(bytes, after, Number(text));
  throw new Error(`Redis sent ${kind}${text}`);
}

function bulkAt(bytes: Buffer, start: number, length: number): Read | undefined {
  if (length < 0) return { reply: null, end: start };
  const end = start + length + 2;
  if (end > bytes.length) return undefined;
  return { reply: bytes.toString('utf8', start, start + length), end };
}

function arrayAt(bytes: Buffer, start: number, length: number): Read | undefined {
  if (length < 0) return { reply: null, end: start };
  const items: Reply[] = [];
  let at = start;
  for (let index = 0; index < length; index += 1) {
    const item = replyAt(bytes, at);
    if (item === undefined) return undefined;
    items.push(item.reply);
    at = item.end;
  }
  return { reply: items, end: at };
}
