/** Where a text stops being JSON, and what was expected there. */
export interface JsonProblem {
  /** Index of the first character that cannot be; the text's length: it ends too early. */
  readonly at: number;
  readonly expected: string;
}

/** Deepest nesting of arrays and objects. */
const DEPTH_MAX = 64;

const SPACE = /[ \t\n\r]*/y;
/** In a string: whatever is not a quote, a backslash or one of the first 32 characters. */
const STRING = /"(?:[ !#-[\]-\uffff]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const SCALAR = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|true|false|null/y;
/** The beginning of a string up to where it goes wrong. */
const STRING_START = /"(?:[ !#-[\]-\uffff]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*/y;

/**
 * The first place where a text is not one JSON value, or undefined. JSON.parse says where in its
 * message, but each version of V8 in other words or not at all.
 */
export function jsonProblem(text: string): JsonProblem | undefined {
  let at = 0;

  function take(pattern: RegExp): boolean {
    pattern.lastIndex = at;
    if (!pattern.test(text)) return false;
    at = pattern.lastIndex;
    return true;
  }

  function takeChar(char: string): boolean {
    take(SPACE);
    if (text[at] !== char) return false;
    at += 1;
    return true;
  }

  function takeString(): JsonProblem | undefined {
    take(SPACE);
    if (text[at] !== '"') return { at, expected: 'a string' };
    if (take(STRING)) return undefined;
    take(STRING_START);
    return { at, expected: 'the rest of a string' };
  }

  function takeValue(depth: number): JsonProblem | undefined {
    take(SPACE);
    if (depth > DEPTH_MAX) return { at, expected: `at most ${DEPTH_MAX} levels` };
    if (text[at] === '"') return takeString();
    if (takeChar('{')) return takeItems('}', () => takePair(depth));
    if (takeChar('[')) return takeItems(']', () => takeValue(depth + 1));
    return take(SCALAR) ? undefined : { at, expected: 'a value' };
  }

  function takePair(depth: number): JsonProblem | undefined {
    const problem = takeString();
    if (problem !== undefined) return problem;
    return takeChar(':') ? takeValue(depth + 1) : { at, expected: 'a colon' };
  }

  function takeItems(end: string, takeItem: () => JsonProblem | undefined) {
    if (takeChar(end)) return undefined;
    for (;;) {
      const problem = takeItem();
      if (problem !== undefined) return problem;
      if (takeChar(end)) return undefined;
      if (!takeChar(',')) return { at, expected: `a comma or ${end}` };
    }
  }

  const problem = takeValue(0);
  if (problem !== undefined) return problem;
  take(SPACE);
  return at === text.length ? undefined : { at, expected: 'the end' };
}
