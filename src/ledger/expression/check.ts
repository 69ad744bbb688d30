import { functionTerm, methodTerm, refuseWithheld } from './functions.js';
import { binaryTerm, entryOf, unaryTerm } from './operators.js';
import { fieldTerm, nameTerm } from './scope.js';
import { Failure, Refusal, type Syntax } from './syntax.js';
import { constantTerm, isElement, unified, type Term, type Value } from './term.js';
import { zoneClocks, type Clocks } from './zoned.js';

/**
 * Checks an expression and makes it ready to run. Its type is bool, every part has a type, and every
 * operator, field and function exists for its types; what does not is refused at its place.
 */
export function checkedTerm(syntax: Syntax): Term {
  const term = termOf(syntax, zoneClocks());
  if (term.type === 'bool') return term;
  throw new Refusal(
    `The expression must come to a bool, true when the request may pass, and it is ${term.type}`,
    syntax.at,
  );
}

// The recursion is as deep as the tree, whose nodes are bounded.
function termOf(syntax: Syntax, clocks: Clocks): Term {
  switch (syntax.kind) {
    case 'LITERAL':
      return literalTerm(syntax.value, syntax.start);
    case 'NAME':
      return nameTerm(syntax.name, syntax.start);
    case 'FIELD': {
      const owner = termOf(syntax.of, clocks);
      return fieldTerm(owner, syntax.name, syntax.at) ?? keyTerm(owner, syntax, clocks);
    }
    case 'INDEX':
      return keyTerm(termOf(syntax.of, clocks), syntax, clocks);
    case 'CALL':
      return callTerm(syntax, clocks);
    case 'METHOD': {
      const { name, at, start } = syntax;
      refuseWithheld(syntax);
      const of = termOf(syntax.of, clocks);
      const args = syntax.args.map((arg) => termOf(arg, clocks));
      return methodTerm({ name, args, at, start, clocks }, of);
    }
    case 'LIST':
      return listTerm(syntax, clocks);
    case 'CHOICE':
      return choiceTerm(syntax, clocks);
    case 'LOGIC':
      return logicTerm(syntax, clocks);
    case 'BINARY': {
      const left = termOf(syntax.left, clocks);
      return binaryTerm(syntax.operator, left, termOf(syntax.right, clocks), syntax.at);
    }
    case 'UNARY':
      return unaryTerm(syntax.operator, termOf(syntax.of, clocks), syntax.start);
  }
}

function literalTerm(value: boolean | bigint | string, start: number): Term {
  if (typeof value === 'bigint') return constantTerm('int', value, start);
  if (typeof value === 'string') return constantTerm('string', value, start);
  return constantTerm('bool', value, start);
}

/** A key of a map, by `.key` or by `[…]`. An absent one fails. */
function keyTerm(map: Term, syntax: Syntax & { kind: 'FIELD' | 'INDEX' }, clocks: Clocks): Term {
  const { at, start } = syntax;
  if (!map.type.startsWith('map<')) {
    const what = syntax.kind === 'FIELD' ? 'fields' : 'keys';
    throw new Refusal(`${map.type} has no ${what}`, syntax.at);
  }
  const key =
    syntax.kind === 'FIELD' ? constantTerm('string', syntax.name, at) : termOf(syntax.key, clocks);
  if (key.type !== 'string') throw new Refusal(`A key is a string, not ${key.type}`, key.start);
  const entry = entryOf(map.type);
  return {
    type: map.type === 'map<string, Amount>' ? 'Amount' : 'string',
    run: (input) => {
      const name = key.run(input) as string;
      const value = entry(map.run(input), name);
      if (value !== undefined) return value;
      throw new Failure(`There is no key ${/^[\w.-]{1,64}$/.test(name) ? name : 'like that'}`, at);
    },
    start,
  };
}

function callTerm(syntax: Syntax & { kind: 'CALL' }, clocks: Clocks): Term {
  const { name, at, start } = syntax;
  if (name === 'has') return hasTerm(syntax, clocks);
  refuseWithheld(syntax);
  const args = syntax.args.map((arg) => termOf(arg, clocks));
  return functionTerm({ name, args, at, start, clocks });
}

/** `has(map.key)`. Fields are always there, so that asking for one is a mistake. */
function hasTerm(syntax: Syntax & { kind: 'CALL' }, clocks: Clocks): Term {
  const [arg] = syntax.args;
  if (syntax.args.length !== 1 || arg?.kind !== 'FIELD') {
    throw new Refusal('has takes one key of a map, as in has(quantities.tokens)', syntax.at);
  }
  const map = termOf(arg.of, clocks);
  if (fieldTerm(map, arg.name, arg.at) !== undefined) {
    throw new Refusal(`${map.type} always has ${arg.name}. has is for keys of a map`, arg.at);
  }
  if (!map.type.startsWith('map<')) throw new Refusal(`${map.type} has no keys`, arg.at);
  const entry = entryOf(map.type);
  const key = arg.name;
  const run: Term['run'] = (input) => entry(map.run(input), key) !== undefined;
  return { type: 'bool', run, start: syntax.start };
}

function listTerm(syntax: Syntax & { kind: 'LIST' }, clocks: Clocks): Term {
  const { start } = syntax;
  if (syntax.items.length === 0) throw new Refusal('The list is empty', start);
  const items = unified(
    syntax.items.map((item) => termOf(item, clocks)),
    'The elements of a list',
  );
  const element = items[0]?.type;
  if (element === undefined || !isElement(element)) {
    throw new Refusal(`A list has no elements of type ${element ?? ''}`, items[0]?.start ?? start);
  }
  const type = `list<${element}>` as const;
  const constants: Value[] = [];
  for (const { constant } of items) if (constant !== undefined) constants.push(constant);
  if (constants.length === items.length) {
    return { type, constant: constants, run: () => constants, start };
  }
  return { type, run: (input) => items.map((item) => item.run(input)), start };
}

function choiceTerm(syntax: Syntax & { kind: 'CHOICE' }, clocks: Clocks): Term {
  const condition = boolTerm(termOf(syntax.condition, clocks), '?');
  const [then, otherwise] = unified(
    [termOf(syntax.then, clocks), termOf(syntax.otherwise, clocks)],
    'Both branches of ?:',
  );
  if (then === undefined || otherwise === undefined) throw new Refusal('A branch lacks', syntax.at);
  const run: Term['run'] = (input) =>
    condition.run(input) === true ? then.run(input) : otherwise.run(input);
  return { type: then.type, run, start: syntax.start };
}

/**
 * CEL's logic does not mind the order: a side that decides hides the other's failure. The right side
 * runs at most once.
 */
function logicTerm(syntax: Syntax & { kind: 'LOGIC' }, clocks: Clocks): Term {
  const { operator, start } = syntax;
  const left = boolTerm(termOf(syntax.left, clocks), operator).run;
  const right = boolTerm(termOf(syntax.right, clocks), operator).run;
  const decides = operator === '||';
  const run: Term['run'] = (input) => {
    let value: Value;
    try {
      value = left(input);
    } catch (error) {
      if (error instanceof Failure && right(input) === decides) return decides;
      throw error;
    }
    return value === decides ? decides : right(input);
  };
  return { type: 'bool', run, start };
}

function boolTerm(term: Term, operator: string): Term {
  if (term.type === 'bool') return term;
  throw new Refusal(`${operator} takes a bool here, not ${term.type}`, term.start);
}
