import { readFileSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';
import { signatureOf } from '../../src/delivery/signature.js';
import { FIELDS } from '../../src/domain/notification/fields.js';
import { PRESET_TEMPLATES } from '../../src/domain/notification/presets.js';
import { parseTemplate, render } from '../../src/domain/notification/template.js';
import { T0 } from '../fakes/manual-time.js';
import { notificationOf } from '../fakes/notifications.js';
import { hasTool, output } from '../support/tools.js';

const document = readFileSync(
  path.join(import.meta.dirname, '../../docs/notifications.md'),
  'utf8',
);

/** The blocks of the document in a language, in order. */
const blocksOf = (language: string): readonly string[] =>
  [...document.matchAll(/^```(\w+)\n(.*?)^```$/gms)]
    .filter(([, name]) => name === language)
    .map(([, , text = '']) => text);

const OLD = 'an-old-secret-of-32-characters..';
const NEW = 'a-new-secret-of-32-characters...';
const BODY = '{"message":"ä"}';
const NOW = T0 / 1_000;
const header = signatureOf([OLD, NEW], T0, Buffer.from(BODY));

/** What a receiver is given, and whether it is from the sidecar. */
const CASES = [
  ['as sent, the old secret', header, BODY, OLD, NOW, true],
  ['as sent, the new secret', header, BODY, NEW, NOW + 299, true],
  ['another secret', header, BODY, 'another-secret-of-32-characters.', NOW, false],
  ['another body', header, `${BODY} `, OLD, NOW, false],
  ['too old', header, BODY, OLD, NOW + 301, false],
  ['from the future', header, BODY, OLD, NOW - 301, false],
  ['another time', header.replace(/^t=\d+/, `t=${NOW + 1}`), BODY, OLD, NOW, false],
  ['no signature', `t=${NOW}`, BODY, OLD, NOW, false],
  ['half a signature', header.slice(0, 40), BODY, OLD, NOW, false],
  ['not of the form', 'nonsense', BODY, OLD, NOW, false],
  ['not ASCII', `t=${NOW},v1=ä`, BODY, OLD, NOW, false],
  ['empty', '', BODY, OLD, NOW, false],
] as const;

type IsGenuine = (header: string, body: Uint8Array, secret: string, now: number) => boolean;

describe('the verification in TypeScript', async () => {
  const [source = ''] = blocksOf('ts');
  const options = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 };
  const code = ts.transpileModule(source, { compilerOptions: options }).outputText;
  const url = `data:text/javascript;base64,${Buffer.from(code).toString('base64')}`;
  const { isGenuine } = (await import(/* @vite-ignore */ url)) as { isGenuine: IsGenuine };

  test.each(CASES)('%s', (_name, given, body, secret, now, genuine) => {
    expect(isGenuine(given, Buffer.from(body), secret, now)).toBe(genuine);
  });
});

describe.skipIf(!hasTool('Python', 'python3', ['--version']))('the verification in Python', () => {
  const [source = ''] = blocksOf('python');
  const main = `
import json, sys
for header, body, secret, now in json.load(sys.stdin):
    print(is_genuine(header, body.encode(), secret, now))
`;

  test('agrees on every case', async () => {
    const input = JSON.stringify(CASES.map(([, ...rest]) => rest.slice(0, 4)));
    const printed = await output('python3', ['-c', source + main], { input });
    const verdicts = printed.trim().split('\n');
    const named = CASES.map(([name], index) => [name, verdicts[index] === 'True']);
    expect(named).toEqual(CASES.map(([name, , , , , genuine]) => [name, genuine]));
  });
});

describe('the page', () => {
  test('shows a JSON body with the keys that are sent, in their order', () => {
    const template = parseTemplate(PRESET_TEMPLATES.JSON, 'application/json');
    if ('problem' in template) throw new Error(template.problem.message);
    const sent = new TextDecoder().decode(render(template, notificationOf()));
    const keysOf = (json: string) => [...json.matchAll(/"(\w+)":/g)].map(([, key]) => key);
    const [shown = ''] = blocksOf('json');
    expect(keysOf(shown)).toEqual(keysOf(sent));
    JSON.parse(shown);
  });

  test('shows templates that are accepted', () => {
    const templates = blocksOf('handlebars');
    expect(templates).toHaveLength(2);
    for (const text of templates) {
      const template = parseTemplate(text, 'application/json');
      if ('problem' in template) throw new Error(template.problem.message);
      JSON.parse(new TextDecoder().decode(render(template, notificationOf())));
    }
  });

  test.each(Object.keys(FIELDS))('names the placeholder %s', (name) => {
    expect(document).toContain(`\`${name}\``);
  });
});
