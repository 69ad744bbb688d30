/** The expressions of docs/monitors.md, each with a request that passes and one that does not. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import type { CompileExpression, Evaluated } from '../../src/domain/expression.js';
import { compileExpression } from '../../src/ledger/expression.js';
import { SCOPE } from '../../src/ledger/expression/scope.js';
import { expressionInput, type Request } from '../fakes/expression-input.js';
import { money } from '../support/seed.js';

const document = readFileSync(path.join(import.meta.dirname, '../../docs/monitors.md'), 'utf8');

const compile: CompileExpression = compileExpression;

function evaluated(source: string, request: Request): Evaluated {
  const compiled = compile(source);
  if (compiled.kind === 'REFUSED') throw new Error(compiled.message);
  return compiled.expression.evaluate(expressionInput(request));
}

const examples = [...document.matchAll(/^### (.+)\n\n```cel\n([^`]+)```$/gm)].map(
  ([, title = '', source = '']) => ({ title, source }),
);

/** By title: requests that pass and requests that do not. */
const requests: Readonly<Record<string, { pass: readonly Request[]; deny: readonly Request[] }>> = {
  'At most 50 cents for a search, 5 for anything else': {
    pass: [{ category: 'search', amount: '0.5' }, { amount: '5' }],
    deny: [{ category: 'search', amount: '0.500001' }, { amount: '5.000001' }],
  },
  'Office hours in Vienna': {
    pass: [{ now: '2026-07-01T06:00:00Z' }, { now: '2026-01-02T16:59:59.999Z' }],
    deny: [
      { now: '2026-07-01T05:59:59Z' },
      { now: '2026-01-02T17:00:00Z' },
      { now: '2026-07-04T10:00:00Z' },
    ],
  },
  'No images': {
    pass: [{ category: 'llm' }, {}, { category: 'imagesque' }],
    deny: [{ category: 'images' }, { category: 'images/large' }],
  },
  'At most 8000 tokens in a call that counts them': {
    pass: [{}, { quantities: { tokens: '8000' } }, { quantities: { words: '9000' } }],
    deny: [{ quantities: { tokens: '8000.5' } }],
  },
  'Keep a tenth of the budget': {
    pass: [{ amount: '40' }],
    deny: [{ amount: '40.000001' }],
  },
  'Large calls only for important agents': {
    pass: [{ amount: '19.99' }, { amount: '20', agent: { priority: 8 } }],
    deny: [{ amount: '20' }],
  },
  'Only categories that are known': {
    pass: [{ category: 'llm' }, { category: 'embedding' }],
    deny: [{}, { category: 'LLM' }],
  },
  'Nothing at night for unimportant agents': {
    pass: [
      { now: '2026-01-01T02:00:00Z', agent: { priority: 4 } },
      { now: '2026-01-01T06:00:00Z', agent: { priority: 1 } },
    ],
    deny: [{ now: '2026-01-01T22:00:00Z', agent: { priority: 3 } }],
  },
  'In production only what was approved, up to the cap it was approved for': {
    pass: [
      {},
      { agentMetadata: { env: 'dev' } },
      { amount: '2.5', agentMetadata: { env: 'prod', approved_cap: '2.5' } },
    ],
    deny: [
      { agentMetadata: { env: 'prod' } },
      { amount: '2.51', agentMetadata: { env: 'prod', approved_cap: '2.5' } },
    ],
  },
  'Stop while the pool runs low': {
    pass: [{ amount: '550' }],
    deny: [{ amount: '550.01' }, { pool: { minBalance: money('651') } }],
  },
};

describe('the examples for monitors', () => {
  test('are ten, each with requests of both kinds', () => {
    expect(examples.map(({ title }) => title)).toEqual(Object.keys(requests));
    expect(examples).toHaveLength(10);
  });

  test.each(examples)('$title', ({ title, source }) => {
    const { pass = [], deny = [] } = requests[title] ?? {};
    for (const request of pass) {
      expect(evaluated(source, request)).toEqual({ kind: 'VALUE', value: true });
    }
    for (const request of deny) {
      expect(evaluated(source, request)).toEqual({ kind: 'VALUE', value: false });
    }
    expect([pass.length > 0, deny.length > 0]).toEqual([true, true]);
  });

  test('name every variable and field that there is, with its type', () => {
    const rows = [...document.matchAll(/^\| (`.+) \| ([\w<>, ]+) \| /gm)].flatMap(
      ([, names = '', type = '']) =>
        [...names.matchAll(/`(?:(\w+)\b)?(?:\.(\w+))?`/g)].map(([, of, field]) => ({
          of,
          field,
          type,
        })),
    );
    let owner = '';
    const documented = rows.map(({ of, field, type }) => {
      owner = of ?? owner;
      return `${field === undefined ? owner : `${owner}.${field}`}: ${type}`;
    });
    const real = [...SCOPE].flatMap(([name, { type, fields }]) =>
      fields.size === 0
        ? [`${name}: ${type}`]
        : [...fields].map(([field, fieldType]) => `${name}.${field}: ${fieldType}`),
    );
    const table = documented.slice(0, real.length);
    expect(table.toSorted()).toEqual(real.toSorted());
  });
});
