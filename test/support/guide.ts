import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ROOT, type TestSidecar } from './sidecar.js';
import { output } from './tools.js';

/** One step of the guide: a block in each language, and what both print. */
export interface Step {
  readonly python: string;
  readonly typescript: string;
  readonly text: string;
}

/** A part of the guide under a heading. */
export interface Section {
  readonly title: string;
  readonly steps: readonly Step[];
  /** The command lines among its shell blocks. */
  readonly commands: readonly string[];
}

/** A block of the guide, as it stands there. */
interface Block {
  readonly language: string;
  readonly text: string;
}

const LANGUAGES = ['python', 'typescript', 'text'] as const;

/**
 * Reads the sections of the guide. Throws when its blocks do not come in steps: Python, TypeScript and
 * what they print.
 */
export function sectionsOf(document: string): readonly Section[] {
  const parts: { title: string; blocks: Block[] }[] = [];
  // A heading, or a block, within which a line may look like one.
  for (const match of document.matchAll(/^#+ ([^\n]+)$|^```(\w*)\n(.*?)^```$/gms)) {
    const [, title, language = '', text = ''] = match;
    if (title !== undefined) parts.push({ title, blocks: [] });
    else parts.at(-1)?.blocks.push({ language, text });
  }
  return parts
    .filter(({ blocks }) => blocks.length > 0)
    .map(({ title, blocks }) => {
      const shell = blocks.filter(({ language }) => language === 'sh');
      const steps = blocks.filter(({ language }) => language !== 'sh');
      const lines = shell.flatMap(({ text }) => text.split('\n'));
      const commands = lines.filter((line) => line.startsWith('safeguards '));
      return { title, steps: stepsOf(title, steps), commands };
    });
}

function stepsOf(title: string, blocks: readonly Block[]): readonly Step[] {
  return Array.from({ length: Math.ceil(blocks.length / 3) }, (_, at) => {
    const [python, typescript, text] = LANGUAGES.map((language, offset) => {
      const block = blocks[at * 3 + offset];
      if (block?.language === language) return block.text;
      const what = block === undefined ? 'nothing' : `a block of "${block.language}"`;
      throw new Error(`Step ${at + 1} of "${title}" has ${what} where ${language} is due`);
    });
    return { python: python ?? '', typescript: typescript ?? '', text: text ?? '' };
  });
}

/** Printed between two blocks, so that each is compared with its own text. */
const MARK = '\u001e';

/** What each block of a program printed. */
export function printedBy(out: string): readonly string[] {
  return out.split(`${MARK}\n`).slice(1);
}

/** Runs the Python blocks as one program, with stubs that it generates. */
export async function runPython(
  python: string,
  blocks: readonly string[],
  sidecar: TestSidecar,
): Promise<readonly string[]> {
  const folder = mkdtempSync(path.join(tmpdir(), 'safeguards-guide-'));
  try {
    const generate = path.join(ROOT, 'examples/python/generate.sh');
    await output('bash', [generate, folder], { environment: { PYTHON: python } });
    const file = path.join(folder, 'guide.py');
    writeFileSync(file, blocks.map((block) => `print("\\x1e")\n${block}`).join('\n'));
    const environment = { ...settings(sidecar), PYTHONPATH: folder, PYTHONUNBUFFERED: '1' };
    return printedBy(await output(python, [file], { environment }));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** What a reader compiles the blocks with. */
const PROJECT = {
  compilerOptions: {
    target: 'ES2023',
    module: 'NodeNext',
    types: ['node'],
    strict: true,
    skipLibCheck: true,
  },
  files: ['guide.ts'],
};

/** Compiles the TypeScript blocks as one program, with stubs that it generates, and runs it. */
export async function runTypeScript(
  blocks: readonly string[],
  sidecar: TestSidecar,
): Promise<readonly string[]> {
  // Below the repository, whose packages are those that a reader installs.
  mkdirSync(path.join(ROOT, '.cache'), { recursive: true });
  const folder = mkdtempSync(path.join(ROOT, '.cache/guide-'));
  try {
    await output('bash', [path.join(ROOT, 'examples/typescript/generate.sh'), folder]);
    const write = (name: string, text: string) => writeFileSync(path.join(folder, name), text);
    write('package.json', '{"type": "module"}');
    write('tsconfig.json', JSON.stringify(PROJECT));
    write('guide.ts', blocks.map((block) => `console.log('\\x1e');\n${block}`).join('\n'));
    const compiler = path.join(ROOT, 'node_modules/typescript/bin/tsc');
    await output(process.execPath, [compiler, '-p', folder], { timeoutMs: 240_000 });
    const environment = settings(sidecar);
    return printedBy(
      await output(process.execPath, [path.join(folder, 'guide.js')], { environment }),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Runs the command lines one after the other; each must end with 0. */
export async function runCommands(lines: readonly string[], sidecar: TestSidecar): Promise<void> {
  const environment = { ...settings(sidecar), MAIN: path.join(ROOT, 'dist/main.js') };
  const define = `safeguards() { "${process.execPath}" "$MAIN" "$@"; }`;
  await output('bash', ['-euc', [define, ...lines].join('\n')], {
    environment,
    timeoutMs: 240_000,
  });
}

/** What tells a program where the sidecar is. */
function settings({ agent, admin, tokenFile }: TestSidecar): Readonly<Record<string, string>> {
  return {
    SAFEGUARDS_ADDRESS: agent,
    SAFEGUARDS_ADMIN_ADDRESS: admin,
    SAFEGUARDS_ADMIN_TOKEN_FILE: tokenFile,
  };
}

/** The text of a page of the documentation. */
export function page(name: string): string {
  return readFileSync(path.join(ROOT, 'docs', name), 'utf8');
}
