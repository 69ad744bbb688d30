import { Environment, ParseError, type ASTNode } from '@marcbachmann/cel-js';
import { parseAmount } from '../domain/amount.js';
import type {
  Compiled,
  Evaluated,
  ExpressionInput,
  RefusedExpression,
  SourcePlace,
} from '../domain/expression.js';
import { checkedTerm } from './expression/check.js';
import { refuseWithheld } from './expression/functions.js';
import { Failure, Refusal, type BinaryOperator, type Syntax } from './expression/syntax.js';
import type { Term } from './expression/term.js';

/** The bounds of an expression's source. Each is refused at the place that passes it. */
export const EXPRESSION_LIMITS = {
  /** Of the source in UTF-8. */
  bytes: 2_048,
  /** Literals, names, fields, operators, calls and lists. */
  nodes: 200,
  /** Parentheses, arguments, keys, elements and branches inside each other. */
  depth: 32,
  /** Elements of a list. */
  elements: 64,
} as const;

// Only the grammar is the library's. Its types let a misspelt key or has() through, its functions
// cannot be replaced, and its zones go through the zone of the host, which shows hours that are wrong
// when that one's clocks change; so check.ts and what it calls give an expression its meaning.
const grammar = new Environment({
  limits: {
    maxAstNodes: EXPRESSION_LIMITS.nodes,
    maxDepth: EXPRESSION_LIMITS.depth,
    maxListElements: EXPRESSION_LIMITS.elements,
    maxMapEntries: EXPRESSION_LIMITS.elements,
    maxCallArguments: 4,
  },
});

/** Compiles a monitor's expression: CEL as docs/monitors.md describes it. Throws nothing. */
export function compileExpression(source: string): Compiled {
  try {
    const bytes = Buffer.byteLength(source);
    if (bytes > EXPRESSION_LIMITS.bytes) {
      throw new Refusal(`An expression has at most ${EXPRESSION_LIMITS.bytes} bytes`, 0);
    }
    if (source.trim() === '') throw new Refusal('The expression is empty', 0);
    const term = checkedTerm(syntaxOf(parsed(source), source));
    return {
      kind: 'COMPILED',
      expression: { evaluate: (input) => evaluated(term, input, source) },
    };
  } catch (error) {
    return refused(error, source);
  }
}

function evaluated(term: Term, input: ExpressionInput, source: string): Evaluated {
  try {
    return { kind: 'VALUE', value: term.run(input) === true };
  } catch (error) {
    if (!(error instanceof Failure)) return { kind: 'FAILED', message: 'It cannot be evaluated' };
    const { line, column } = placeOf(source, error.at);
    return { kind: 'FAILED', message: `${error.message} (line ${line} column ${column})` };
  }
}

function parsed(source: string): ASTNode {
  try {
    return grammar.parse(source).ast;
  } catch (error) {
    throw error instanceof ParseError ? parseRefusal(error, source) : error;
  }
}

function refused(error: unknown, source: string): RefusedExpression {
  const { message, at } =
    error instanceof Refusal ? error : new Refusal('This cannot be read as an expression', 0);
  const printable = message.replace(/[^\x20-\x7e]/gu, (character) => codePointName(character));
  return { kind: 'REFUSED', message: printable, ...placeOf(source, at) };
}

function codePointName(character: string): string {
  return `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;
}

function placeOf(source: string, at: number): SourcePlace {
  const before = source.slice(0, at);
  const lines = before.split('\n');
  const length = (text: string) => Array.from(text).length;
  return { line: lines.length, column: length(lines.at(-1) ?? '') + 1, offset: length(before) };
}

/** What the library's parser refuses, in our words where a person needs them. */
function parseRefusal(error: ParseError, source: string): Refusal {
  const at = error.range?.start ?? 0;
  switch (error.code) {
    case 'limit_exceeded':
      return new Refusal(limitMessage(error.summary), at);
    case 'unexpected_character':
    case 'unexpected_token':
    case 'expected_token':
      return new Refusal(unexpected(source, at), at);
    case 'invalid_macro_argument': {
      refuseWithheld(loopBefore(source, error.node?.start ?? at));
      return new Refusal(error.summary, at);
    }
    default:
      return new Refusal(error.summary, at);
  }
}

function limitMessage(summary: string): string {
  const { nodes, depth, elements } = EXPRESSION_LIMITS;
  if (summary.includes('maxAstNodes')) return `An expression has at most ${nodes} nodes`;
  if (summary.includes('maxDepth')) return `An expression is nested at most ${depth} deep`;
  if (summary.includes('maxCallArguments')) return 'No function takes that many arguments';
  return `A list has at most ${elements} elements`;
}

function unexpected(source: string, at: number): string {
  const word = /\w{1,40}|[^]/uy;
  word.lastIndex = at;
  const found = word.exec(source)?.[0];
  return found === undefined ? 'The expression breaks off here' : `Unexpected ${found} here`;
}

/** The loop whose first argument begins at a place. The library wants a variable's name there. */
function loopBefore(source: string, at: number): { name: string; at: number } {
  const call = /\b(\w+)\s*\([\s(]*$/.exec(source.slice(0, at));
  return { name: call?.[1] ?? '', at: call?.index ?? at };
}

/** The library's tree in our forms. Refuses what monitors do not have. */
function syntaxOf(node: ASTNode, source: string): Syntax {
  const { start } = node;
  const of = (inner: ASTNode) => syntaxOf(inner, source);
  const after = (inner: ASTNode) => tokenAfter(source, inner.end);
  switch (node.op) {
    case 'value': {
      const value = literalOf(node.args, source.slice(start, node.end), start);
      return { kind: 'LITERAL', value, start, at: start };
    }
    case 'id':
      return { kind: 'NAME', name: node.args, start, at: start };
    case '.':
      return { kind: 'FIELD', of: of(node.args[0]), name: node.args[1], start, at: node.pos };
    case '[]': {
      const [map, key] = node.args;
      return { kind: 'INDEX', of: of(map), key: of(key), start, at: after(map) };
    }
    case 'call':
      return { kind: 'CALL', name: node.args[0], args: node.args[1].map(of), start, at: start };
    case 'rcall': {
      const [name, receiver, args] = node.args;
      const at = tokenAfter(source, after(receiver) + 1);
      return { kind: 'METHOD', of: of(receiver), name, args: args.map(of), start, at };
    }
    case 'list':
      return { kind: 'LIST', items: node.args.map(of), start, at: start };
    case '?:': {
      const [condition, then, otherwise] = node.args.map(of) as [Syntax, Syntax, Syntax];
      return { kind: 'CHOICE', condition, then, otherwise, start, at: after(node.args[0]) };
    }
    case '!_':
    case '-_': {
      const operator = node.op === '!_' ? '!' : '-';
      return { kind: 'UNARY', operator, of: of(node.args), start, at: start };
    }
    case 'map':
      throw new Refusal('Maps are not written in expressions. Use ?: to choose a value', start);
    case '.?':
    case '[?]':
      throw new Refusal('There are no optional values. Use has', start);
    case '&&':
    case '||':
    case '==':
    case '!=':
    case '<':
    case '<=':
    case '>':
    case '>=':
    case 'in':
    case '+':
    case '-':
    case '*':
    case '/':
    case '%':
      return operationOf(node, of, after(node.args[0]));
  }
}

type Operation = Extract<ASTNode, { readonly op: '&&' | '||' | BinaryOperator }>;

function operationOf(node: Operation, of: (inner: ASTNode) => Syntax, at: number): Syntax {
  const { op: operator, start } = node;
  const left = of(node.args[0]);
  const right = of(node.args[1]);
  return operator === '&&' || operator === '||'
    ? { kind: 'LOGIC', operator, left, right, start, at }
    : { kind: 'BINARY', operator, left, right, start, at };
}

function literalOf(value: unknown, text: string, start: number): boolean | bigint | string {
  if (typeof value === 'boolean' || typeof value === 'string') return value;
  if (typeof value === 'bigint') {
    if (value < 2n ** 63n) return value;
    throw new Refusal('The int is beyond 64 bits. An amount is written decimal("1")', start);
  }
  if (typeof value === 'number') {
    const decimal = parseAmount(text) === undefined ? '0.1' : text;
    throw new Refusal(`There are no doubles. Write decimal("${decimal}")`, start);
  }
  const what =
    value === null
      ? 'is no null. Ask with has whether a key is there'
      : value instanceof Uint8Array
        ? 'are no bytes. Write a string'
        : 'are no unsigned ints. Leave out the u';
  throw new Refusal(`There ${what}`, start);
}

/** Where the next token stands that is no closing parenthesis. Comments are passed over. */
function tokenAfter(source: string, end: number): number {
  const gap = /(?:[\s)]|\/\/[^\n]*)*/y;
  gap.lastIndex = end;
  gap.test(source);
  return gap.lastIndex;
}
