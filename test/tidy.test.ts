/**
 * The rules of this repository that a program can check. Each rule is a row below: which files it
 * reads, what it refuses, and one bad sample, so that a rule that no longer sees anything fails too.
 * Layers stand in eslint.config.js as well; here they are read from the files by other means.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';

interface Source {
  readonly path: string;
  readonly text: string;
}

interface Rule {
  readonly name: string;
  /** The files the rule reads. */
  readonly in: RegExp;
  /** Those among them it leaves alone. */
  readonly except?: RegExp;
  /** What it finds wrong with a file. */
  readonly refuses: (file: Source) => readonly string[];
  /** A file the rule must refuse. */
  readonly bad: Source;
}

const ownCode = /^(src|test|bench|scripts|examples)\/.*\.(ts|js|mjs)$/;
const gen = /^src\/gen\//;

/** Folder of src (or file right in it) -> the folders it may import. */
const layers: Readonly<Record<string, readonly string[]>> = {
  domain: [],
  ledger: ['domain'],
  wire: ['domain'],
  store: ['ledger', 'domain', 'wire', 'gen'],
  http2: [],
  rpc: ['ledger', 'domain', 'wire', 'http2', 'gen'],
  delivery: ['ledger', 'domain'],
  telemetry: ['ledger', 'domain', 'config'],
  config: ['domain'],
  gen: [],
  cli: ['rpc', 'store', 'delivery', 'telemetry', 'ledger', 'domain', 'config', 'gen'],
  main: ['cli', 'rpc', 'store', 'delivery', 'telemetry', 'ledger', 'domain', 'config', 'gen'],
};

const rules: readonly Rule[] = [
  {
    name: 'no file is longer than 400 lines',
    in: ownCode,
    except: gen,
    refuses: ({ text }) => {
      const lines = text.split('\n').length - 1;
      return lines > 400 ? [`${lines} lines`] : [];
    },
    bad: { path: 'src/domain/long.ts', text: '\n'.repeat(401) },
  },
  {
    name: 'a layer imports only the layers below it',
    in: /^src\/.*\.ts$/,
    refuses: layerViolations,
    bad: { path: 'src/rpc/spend.ts', text: `export { open } from '../store/open.js';` },
  },
  {
    name: 'domain imports no package',
    in: /^src\/domain\//,
    refuses: (file) => imports(file).filter((name) => !name.startsWith('.')),
    bad: { path: 'src/domain/amount.ts', text: `import { randomUUID } from 'node:crypto';` },
  },
  {
    name: 'lmdb is imported in one file',
    in: ownCode,
    except: /^(src\/store\/lmdb\.ts$|bench\/)/,
    refuses: (file) => imports(file).filter((name) => /^lmdb(\/|$)/.test(name)),
    bad: { path: 'src/store/verify.ts', text: `const { open } = await import('lmdb');` },
  },
  {
    name: 'transports stay in rpc and cli',
    in: /^src\//,
    except: /^src\/(rpc|cli)\//,
    refuses: (file) => imports(file).filter((name) => /^@(grpc\/grpc-js|connectrpc\/)/.test(name)),
    bad: { path: 'src/main.ts', text: `import type { Server } from '@grpc/grpc-js';` },
  },
  {
    name: 'decimal.js judges in tests and computes nowhere',
    in: /^src\//,
    refuses: (file) => imports(file).filter((name) => name === 'decimal.js'),
    bad: { path: 'src/domain/amount.ts', text: `import { Decimal } from 'decimal.js';` },
  },
  {
    name: 'cel-js is imported in one file',
    in: ownCode,
    except: /^src\/ledger\/expression\.ts$/,
    refuses: (file) => imports(file).filter((name) => /^@marcbachmann\/cel-js(\/|$)/.test(name)),
    bad: {
      path: 'src/domain/expression.ts',
      text: `import { parse } from '@marcbachmann/cel-js';`,
    },
  },
  {
    name: 'croner is imported in one file',
    in: ownCode,
    except: /^src\/ledger\/timetable\.ts$/,
    refuses: (file) => imports(file).filter((name) => /^croner(\/|$)/.test(name)),
    bad: { path: 'src/domain/schedule.ts', text: `import { Cron } from 'croner';` },
  },
  {
    name: 'only the clock reads the time',
    in: /^src\//,
    except: /^src\/(gen\/|cli\/|ledger\/clock\.ts$)/,
    refuses: code(/\bDate\.now\b|\bnew Date\(\)|\bperformance\.now\b|\bprocess\.hrtime\b/),
    bad: { path: 'src/ledger/sweeper.ts', text: 'const now = Date.now();' },
  },
  {
    name: 'only main, cli and config touch the process',
    in: /^src\//,
    except: /^src\/(gen\/|main\.ts$|cli\/|config)/,
    refuses: code(/(?<![\w.$])process\s*[.[]|(['"])(node:)?process\1/),
    bad: { path: 'src/rpc/listener.ts', text: 'if (process.env.DEBUG) log();' },
  },
  {
    name: 'digests of tokens are compared in constant time only',
    in: /^src\/rpc\/access\//,
    refuses: code(
      /digests?\b[^;=!]*[!=]==? (?!undefined)|[!=]==? \w*digest|\.equals\(|\bcompare\(|\.(get|has|includes|indexOf)\(\w*digest/i,
    ),
    bad: { path: 'src/rpc/access/credentials.ts', text: 'if (digest.equals(each)) found = known;' },
  },
  {
    name: 'who looks for a token goes through all of them',
    in: /^src\/rpc\/access\//,
    refuses: shortcuts,
    bad: {
      path: 'src/rpc/access/credentials.ts',
      text: 'for (const each of known) if (timingSafeEqual(digest, each)) return each;',
    },
  },
  {
    name: 'nothing is left to chance that a test could not repeat',
    in: /^(src|test)\//,
    except: gen,
    refuses: code(/\bMath\.random\b/),
    bad: { path: 'src/ledger/ids.ts', text: 'const id = Math.random();' },
  },
  {
    name: 'no amount passes through a float',
    in: /^src\//,
    except: gen,
    refuses: code(/\bparseFloat\b/),
    bad: { path: 'src/domain/amount.ts', text: 'const amount = Number.parseFloat(text);' },
  },
  {
    name: 'no test shuts out the others',
    in: /^test\//,
    refuses: code(/\.only\s*[(.]/),
    // No test of ours: the text that shows that the rule refuses.
    bad: { path: 'test/spend.test.ts', text: `describe.only('spend', () => {});` },
  },
  {
    name: 'nothing is left to do in a comment',
    in: /^(src|test|bench|scripts|examples|proto|deploy|docs|\.ci)\//,
    except: gen,
    refuses: text(/\b(TODO|FIXME|XXX)\b/),
    bad: { path: 'proto/safeguards/v1/pool.proto', text: '// TODO: say more' },
  },
  {
    name: 'no path of somebody’s machine',
    in: /./,
    refuses: text(/(?<![\w.*~-])\/(home|root|work)\/[\w.]/),
    bad: { path: 'docs/install.md', text: 'cd /home/ada/safeguards' },
  },
  {
    name: 'no registry is named',
    in: /./,
    refuses: text(/\bregistry\.\w+\.(org|com|io)\b|--(index-url|registry)\b|\bregistry\s*=/),
    bad: { path: '.npmrc', text: 'registry=https://npm.example.org/' },
  },
  {
    name: 'the lock file says what, not from where',
    in: /^package-lock\.json$/,
    refuses: text(/"resolved":/),
    bad: { path: 'package-lock.json', text: `{ "resolved": "https://npm.example.org/a.tgz" }` },
  },
];

const rows = rules.map((rule) => [rule.name, rule] as const);

// This file quotes what it forbids.
const files = repositoryFiles().filter((file) => file.path !== 'test/tidy.test.ts');

describe('tidy', () => {
  test('sees the repository', () => {
    const seen = (pattern: RegExp) => files.filter((file) => pattern.test(file.path)).length;
    expect(seen(/./)).toBeGreaterThan(25);
    expect(seen(ownCode)).toBeGreaterThan(5);
    expect(seen(gen)).toBeGreaterThan(5);
  });

  test.each(rows)('%s', (_name, rule) => {
    const found = files
      .filter((file) => rule.in.test(file.path) && rule.except?.test(file.path) !== true)
      .flatMap((file) => rule.refuses(file).map((what) => `${file.path}: ${what}`));
    expect(found).toEqual([]);
  });

  test.each(rows)('would notice: %s', (_name, rule) => {
    expect(rule.bad.path).toMatch(rule.in);
    if (rule.except) expect(rule.bad.path).not.toMatch(rule.except);
    expect(rule.refuses(rule.bad)).not.toEqual([]);
  });

  test('tokens are compared in one file', () => {
    const compares = code(/\btimingSafeEqual\(/);
    const found = files.filter(
      (file) => file.path.startsWith('src/rpc/') && compares(file).length > 0,
    );
    expect(found.map((file) => file.path)).toEqual(['src/rpc/access/credentials.ts']);
  });

  test.each([
    'known.find((each) => timingSafeEqual(digest, each));',
    'while (more()) { found = timingSafeEqual(digest, next()); if (found) break; }',
    'for (const each of known) found = found || timingSafeEqual(digest, each);',
  ])('a search that ends early is seen: %s', (line) => {
    expect(shortcuts({ path: 'src/rpc/access/credentials.ts', text: line })).toHaveLength(1);
  });

  test.each([
    'if (digest === each) found = known;',
    'if (digest.toString() !== other) continue;',
    'const known = byDigest.get(digest);',
  ])('a comparison that ends early is seen: %s', (line) => {
    const rule = rules.find(({ name }) => name.startsWith('digests of tokens'));
    const file = { path: 'src/rpc/access/credentials.ts', text: line };
    expect(rule?.refuses(file)).toHaveLength(1);
  });

  test('a word in a comment is not a call', () => {
    const file = {
      path: 'src/ledger/sweeper.ts',
      text: '/** Unlike Date.now, a port. */\nf(/a`/);',
    };
    expect(code(/\bDate\.now\b/)(file)).toEqual([]);
  });
});

/** What git tracks or would track, as text. */
function repositoryFiles(): readonly Source[] {
  const root = path.dirname(import.meta.dirname);
  const list = ['ls-files', '--cached', '--others', '--exclude-standard', '-z'];
  return execFileSync('git', list, { cwd: root, encoding: 'utf8' })
    .split('\0')
    .filter((name) => name !== '' && existsSync(path.join(root, name)))
    .map((name) => ({ path: name, text: readFileSync(path.join(root, name), 'utf8') }));
}

/** The modules a file names in any kind of import or export. */
function imports({ text }: Source): readonly string[] {
  return ts.preProcessFile(text, true, true).importedFiles.map((file) => file.fileName);
}

function layerOf(name: string): string | undefined {
  return /^src\/([^/]+?)(\.ts$|\/)/.exec(name)?.[1];
}

function layerViolations(file: Source): readonly string[] {
  const from = layerOf(file.path) ?? '';
  const allowed = layers[from];
  if (allowed === undefined) return [`src/${from} has no place among the layers yet`];
  return imports(file)
    .filter((name) => name.startsWith('.'))
    .map((name) => path.posix.join(path.posix.dirname(file.path), name).replace(/\.js$/, '.ts'))
    .filter((target) => {
      const to = layerOf(target);
      return to === undefined || (to !== from && !allowed.includes(to));
    })
    .map((target) => `${from} never imports ${target}`);
}

/** Comparisons in constant time after which a search may end, or that a search may leave out. */
function shortcuts(file: Source): readonly string[] {
  const tree = ts.createSourceFile(file.path, file.text, ts.ScriptTarget.Latest, true);
  const calls: ts.Node[] = [];
  const look = (node: ts.Node): void => {
    if (ts.isCallExpression(node) && node.expression.getText() === 'timingSafeEqual') {
      calls.push(node);
    }
    ts.forEachChild(node, look);
  };
  look(tree);
  return calls
    .map((call) => ts.findAncestor(call, (node) => ts.isStatement(node) && !isWithin(node)) ?? call)
    .map((statement) => withoutComments({ ...file, text: statement.getText() }))
    .filter((text) => /\b(return|break|throw)\b|&&|\|\||\?|\.(find|some|every)\w*\(/.test(text));
}

/** Whether a statement is a part of a loop or of a branch. */
function isWithin({ parent }: ts.Node): boolean {
  const outer = ts.isBlock(parent) ? parent.parent : parent;
  return ts.isIterationStatement(outer, false) || ts.isIfStatement(outer);
}

/** Refuses the pattern anywhere in a file. */
function text(pattern: RegExp): Rule['refuses'] {
  return (file) =>
    file.text
      .split('\n')
      .flatMap((line, at) => (pattern.test(line) ? [`line ${at + 1}: ${line.trim()}`] : []));
}

/** Refuses the pattern in the code of a file, not in its comments. */
function code(pattern: RegExp): Rule['refuses'] {
  return (file) => text(pattern)({ path: file.path, text: withoutComments(file) });
}

/** Every token where it stood, every comment blank. */
function withoutComments(file: Source): string {
  const tree = ts.createSourceFile(file.path, file.text, ts.ScriptTarget.Latest, true);
  let rest = '';
  const copy = (node: ts.Node): void => {
    const children = node.getChildren(tree);
    for (const child of children) copy(child);
    if (children.length > 0 || node.kind === ts.SyntaxKind.JSDoc) return;
    const gap = file.text.slice(rest.length, node.getStart(tree));
    rest += gap.replace(/[^\n]/g, ' ') + node.getText(tree);
  };
  copy(tree);
  return rest;
}
