/** Prints a stream item by item; leaving it early leaves the source too. */
export async function* mapped<T, O>(
  source: AsyncIterable<T>,
  print: (item: T) => O,
): AsyncGenerator<O, void, undefined> {
  for await (const item of source) yield print(item);
}
