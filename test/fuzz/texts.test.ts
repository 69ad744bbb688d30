/** Texts from outside: whatever they are, they are taken or refused, never more. */
import { create } from '@bufbuild/protobuf';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { ConfigError, resolveConfig } from '../../src/config/config.js';
import { readConfigFile } from '../../src/config/file.js';
import { formatAmount, parseAmount, parseSignedAmount } from '../../src/domain/amount.js';
import { ApplyConfigurationRequestSchema } from '../../src/gen/safeguards/v1/budget_admin_service_pb.js';
import { compileExpression } from '../../src/ledger/expression.js';
import { decodeApplyConfiguration } from '../../src/rpc/decode/document.js';
import { nextPageToken, pageStart, type Filter } from '../../src/rpc/paging.js';
import { isFailure } from '../../src/rpc/status.js';
import { corpus, mutatedText, type Random } from './mutate.js';
import { FUZZ_TIMEOUT_MS, fuzz } from './run.js';

const timeout = FUZZ_TIMEOUT_MS;

/** Draws mutations of a corpus. */
function drawn(name: string, words: readonly string[]): (random: Random) => string {
  const texts = corpus(name);
  return (random) => {
    const text = texts[Math.floor(random() * texts.length)]!;
    return mutatedText(text, texts, words, random);
  };
}

test('an amount is read as what is printed, or not at all', { timeout }, async () => {
  const draw = drawn('amounts', ['0', '9', '.', '-', '+', 'e', ' ', '\u0000', '\u0661', ',', '_']);
  await fuzz('amounts', (random) => {
    const text = draw(random);
    for (const parse of [parseAmount, parseSignedAmount]) {
      const amount = parse(text);
      if (amount === undefined) continue;
      expect(text).toMatch(/^-?(0|[1-9][0-9]{0,17})(\.[0-9]{1,12})?$/);
      expect(parse(formatAmount(amount))).toBe(amount);
    }
  });
});

test('an expression compiles or is refused at a place, soon', { timeout }, async () => {
  const words = [
    '(',
    ')',
    '[',
    ']',
    '{',
    '}',
    '&&',
    '||',
    '!',
    '?',
    ':',
    '==',
    '<=',
    '+',
    '-',
    '*',
  ];
  const names = [
    'amount',
    'agent',
    'now',
    'decimal(',
    '"',
    "'",
    '\\',
    '\n',
    '1',
    '9223372036854775808',
  ];
  const draw = drawn('expressions', [...words, ...names]);
  await fuzz('expressions', (random) => {
    const began = performance.now();
    const source = draw(random);
    const compiled = compileExpression(source);
    if (compiled.kind === 'REFUSED') {
      expect(compiled.message).toMatch(/^[\x20-\x7e]+$/);
      expect(compiled.line).toBeGreaterThan(0);
      expect(compiled.column).toBeGreaterThan(0);
    }
    // Far more than any takes: what is meant is that nothing grows without bound.
    expect(performance.now() - began).toBeLessThan(2_000);
  });
});

test('a configuration document is a command or a rejection', { timeout }, async () => {
  const words = [
    '- ',
    ': ',
    '\n',
    '  ',
    '&a ',
    '*a',
    '[',
    ']',
    '{',
    '}',
    '!!str ',
    '|',
    '>',
    '"',
    '#',
    '<<: *a',
    '~',
  ];
  const draw = drawn('documents', [...words, 'pools', 'agents', 'metadata', '1e400']);
  await fuzz('documents', (random) => {
    const document = draw(random);
    const decoded = decodeApplyConfiguration(create(ApplyConfigurationRequestSchema, { document }));
    if (isFailure(decoded)) expect(decoded).toMatchObject({ reason: 'INVALID_REQUEST' });
  });
});

test('a file of settings is a configuration or a ConfigError', { timeout }, async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'safeguards-fuzz-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = path.join(folder, 'settings.yaml');
  const words = [
    ': ',
    '\n',
    '[',
    ']',
    'streams_max',
    '0',
    '99999999999999999999',
    'MiB',
    '*a',
    '&a',
    '\t',
    '- ',
  ];
  const draw = drawn('settings', words);
  await fuzz('settings', (random) => {
    writeFileSync(file, draw(random));
    try {
      resolveConfig({ file: readConfigFile(file) });
    } catch (error) {
      expect(error).toBeInstanceOf(ConfigError);
    }
  });
});

test('a page token is the one that was given out, or PAGE_TOKEN_INVALID', { timeout }, async () => {
  const filter: Filter = ['ListAgents', 'pool-1'];
  const tokens = ['a', 'agent-1', 'x'.repeat(128)].map((key) => nextPageToken(filter, key));
  await fuzz('page tokens', (random) => {
    const words = ['A', '-', '_', '=', '+', '/', '\u00e9', tokens[0]!.slice(0, 16)];
    const token = mutatedText(tokens[Math.floor(random() * 3)]!, tokens, words, random);
    const start = pageStart(filter, token);
    if (typeof start === 'object') expect(start.reason).toBe('PAGE_TOKEN_INVALID');
    else if (token !== '') expect(tokens).toContain(token);
    expect(pageStart(['ListAgents', 'pool-2'], token)).not.toBe('agent-1');
  });
});
