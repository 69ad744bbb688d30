import { readdirSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { FIELD_HELP } from '../../src/cli/field-help.js';
import { fieldName, optionsOf } from '../../src/cli/field-option.js';
import { VERBS } from '../../src/cli/verbs/table.js';
import { commandLine } from './command-line.js';
import { SERVICES } from './fake-sidecar.js';

const generated = path.join(import.meta.dirname, '../../src/gen/safeguards/v1');

/** Health and reflection are for machines; a stream in both directions is not for a command line. */
const WITHOUT_VERB = ['SpendStream'];

const rows = VERBS.map((verb) => [verb.words, verb] as const);

describe('the table of verbs', () => {
  test('every method of the services has exactly one verb', () => {
    const methods = SERVICES.flatMap((service) => service.methods)
      .map((method) => method.name)
      .filter((name) => !WITHOUT_VERB.includes(name));
    expect(VERBS.map((verb) => verb.method.name).sort()).toEqual(methods.sort());
  });

  test('no service of the package is forgotten', async () => {
    const files = readdirSync(generated).map((name) => path.join(generated, name));
    const modules = await Promise.all(
      files.map((file) => import(file) as Promise<Record<string, { kind?: string }>>),
    );
    const services = modules.flatMap((module) =>
      Object.values(module).filter(({ kind }) => kind === 'service'),
    );
    expect(new Set(services)).toEqual(new Set(SERVICES));
  });

  test('every word is used once', () => {
    expect(new Set(VERBS.map((verb) => verb.words)).size).toBe(VERBS.length);
  });

  test.each(rows)('%s explains itself and gives an example of itself', async (words, verb) => {
    const { code, out } = await commandLine([...words.split(' '), '--help']);
    expect(code).toBe(0);
    expect(out).toContain(verb.summary);
    expect(out).toContain(`safeguards ${verb.example}`);
    expect(verb.example.startsWith(words)).toBe(true);
    for (const { description, key } of optionsOf(verb)) {
      expect(description, `the help of ${key}`).not.toBe('');
    }
    for (const argument of verb.positional.map(fieldName)) {
      if (argument !== 'file') expect(FIELD_HELP).toHaveProperty(argument);
    }
  });

  test.each(rows)('%s takes its fields by names that the request has', (_words, verb) => {
    const names = verb.method.input.fields.map((field) => field.name);
    const complete = verb.complete !== undefined;
    for (const argument of verb.positional.map(fieldName)) {
      if (!complete) expect(names).toContain(argument);
    }
  });

  test('every group says what it is about', async () => {
    for (const word of ['limit', 'monitor', 'alert', 'channel', 'delivery', 'metrics']) {
      expect((await commandLine([word, '--help'])).out).toMatch(/^[A-Z].* /m);
      expect((await commandLine(['--help'])).out).not.toMatch(
        new RegExp(`^  ${word} +${word}$`, 'm'),
      );
    }
  });

  test('the list of commands shows all of them', async () => {
    const { code, out } = await commandLine(['--help']);
    expect(code).toBe(0);
    for (const word of ['serve', 'verify', 'demo', 'config', ...VERBS.map(firstWord)]) {
      expect(out).toMatch(new RegExp(`^  ${word}\\b`, 'm'));
    }
  });
});

test.each([
  [
    'alert create bad 15:urgent',
    'THRESHOLDS: "urgent" is none of info, low, medium, high, critical.',
  ],
  [
    'agent create a --priority ten',
    '--priority: "ten" is no whole number from -2147483648 to 2147483647.',
  ],
  [
    'pool list --page-size 99999999999',
    '--page-size: "99999999999" is no whole number from -2147483648 to 2147483647.',
  ],
  ['refund-word', 'SEQUENCE: "abc" is no whole number from 0 to 18446744073709551615.'],
  ['usage a --start-time x', '--start-time: "x" is no time. Write one like 2026-01-31T08:00:00Z.'],
])('%s names what is wrong and what may be said', async (line, said) => {
  const { words = '' } = VERBS.find(({ method }) => method.name === 'RefundSpend') ?? {};
  const typed = line === 'refund-word' ? `${words} abc` : line;
  const { code, err } = await commandLine(typed.split(' '));
  expect([code, err]).toEqual([2, `${said}\n`]);
});

function firstWord({ words }: { readonly words: string }): string {
  return words.split(' ')[0] ?? words;
}
