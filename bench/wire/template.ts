/** Text in a message that each call replaces by text of the same length. */
export interface Hole {
  readonly text: string;
  /** The text for the next place, in the order of the places in the message. */
  readonly next: () => string;
}

/** A message encoded once: each call gets a copy with its holes filled. */
export function templateOf(message: Uint8Array, holes: readonly Hole[]): () => Buffer {
  const original = Buffer.from(message);
  const places = holes.flatMap((hole) => placesOf(original, hole.text).map((at) => ({ at, hole })));
  return () => {
    const copy = Buffer.from(original);
    for (const { at, hole } of places) copy.write(hole.next(), at, 'latin1');
    return copy;
  };
}

function placesOf(message: Buffer, text: string): readonly number[] {
  const places: number[] = [];
  for (let at = message.indexOf(text); at >= 0; at = message.indexOf(text, at + text.length)) {
    places.push(at);
  }
  if (places.length === 0) throw new Error(`the message has no ${text}`);
  return places;
}
