import { Composer, Lexer, Parser, isAlias, isMap, isScalar, isSeq } from 'yaml';
import type { CST, Document, YAMLParseError } from 'yaml';
import { refuseField } from './form.js';
import type { Form } from './form.js';

/** A YAML or JSON document in which every scalar is the text that stands there. */
export type Tree = string | readonly Tree[] | ReadonlyMap<string, Tree>;

/** Deepest nesting of the parser's stack; a configuration needs about ten. */
const DEPTH_MAX = 64;

/** Most lexical tokens: about two seconds of work. A configuration of 1 MiB has 400,000. */
const TOKENS_MAX = 500_000;

/**
 * Reads a document. Scalars stay text, so that an amount is never a float and `no` is no boolean.
 * Aliases are refused, so that nothing multiplies. What is wrong with it is noted in the form.
 */
export function treeOf(form: Form, field: string, text: string): Tree | undefined {
  const advice = { text: '' };
  // Scalars are not interpreted, and keys are compared below: the parser compares each with each.
  const options = { schema: 'failsafe', uniqueKeys: false, stringKeys: true } as const;
  const composed = new Composer(options).compose(tokensOf(text, advice), true, text.length);
  const [document, ...others]: Document.Parsed[] = [...composed];
  const error = document?.errors[0];
  if (advice.text !== '') refuseField(form, field, advice.text);
  else if (error !== undefined) refuseField(form, field, syntaxAdvice(text, error));
  else if (others.length > 0) refuseField(form, field, 'Give one document');
  else return nodeOf(form, field, document?.contents, '');
  return undefined;
}

/** What is wrong with a text, and where: lines and columns begin with 1. */
function syntaxAdvice(
  text: string,
  { pos: [offset], message }: Pick<YAMLParseError, 'pos' | 'message'>,
): string {
  const before = text.slice(0, Math.max(offset, 0)).split('\n');
  const column = (before.at(-1)?.length ?? 0) + 1;
  return `Correct the syntax at line ${before.length}, column ${column}. ${message}`;
}

/**
 * The tokens of a text, as far as they are within bounds. The depth must be judged here: what
 * composes the tokens is recursive, and a document nested deeply enough kills the process.
 */
function* tokensOf(text: string, advice: { text: string }): Generator<CST.Token> {
  const parser = new Parser();
  let count = 0;
  for (const lexeme of new Lexer().lex(text)) {
    count += 1;
    yield* parser.next(lexeme);
    if (parser.stack.length > DEPTH_MAX) advice.text = 'Nest less deeply';
    else if (count > TOKENS_MAX) advice.text = 'Split the document';
    if (advice.text !== '') return;
  }
  yield* parser.end();
}

function nodeOf(form: Form, field: string, node: unknown, path: string): Tree {
  if (isMap(node)) {
    const map = new Map<string, Tree>();
    for (const { key, value } of node.items) {
      const name = isScalar(key) ? String(key.value) : '';
      const at = path === '' ? name : `${path}.${name}`;
      if (map.has(name)) refuseField(form, at, 'Give it once');
      map.set(name, nodeOf(form, field, value, at));
    }
    return map;
  }
  if (isSeq(node)) {
    return node.items.map((item, at) => nodeOf(form, field, item, `${path}[${at}]`));
  }
  if (isAlias(node)) refuseField(form, path || field, 'Write it out instead of an alias');
  return isScalar(node) ? String(node.value) : '';
}
