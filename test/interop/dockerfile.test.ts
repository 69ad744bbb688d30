/**
 * The image without a container engine: every COPY and RUN of the Dockerfile is done in a folder,
 * from nothing but what .dockerignore lets in, and what comes out must serve. The base image is this
 * machine and its Node.
 */
import { execFileSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { instructionsOf, pairsOf, stagesOf, type Stage } from '../support/dockerfile.js';
import { ROOT, startSidecar } from '../support/sidecar.js';
import { output, run } from '../support/tools.js';

const text = readFileSync(path.join(ROOT, 'Dockerfile'), 'utf8');
const stages = stagesOf(instructionsOf(text));
const image = stages.at(-1)!;
const one = (keyword: string, stage = image): string => {
  const found = stage.instructions.filter((instruction) => instruction.keyword === keyword);
  expect(found, keyword).toHaveLength(1);
  return found[0]!.rest;
};

describe('the image', () => {
  test('is built in one stage and runs in another, both on a slim Node 24', () => {
    expect(stages.map(({ name }) => name)).toEqual(['build', '1']);
    expect(new Set(stages.map(({ base }) => base))).toEqual(new Set(['${NODE_IMAGE}']));
    expect(text).toMatch(/^ARG NODE_IMAGE=node:24\S*-slim$/m);
  });

  test('runs as a user by number, not as root, until the end', () => {
    expect(one('USER')).toMatch(/^[1-9]\d{3,}:[1-9]\d{3,}$/);
    const after = image.instructions.slice(
      image.instructions.findIndex(({ keyword }) => keyword === 'USER') + 1,
    );
    expect(after.map(({ keyword }) => keyword)).not.toContain('RUN');
  });

  test('starts the sidecar without a shell, so that it gets the signals', () => {
    for (const keyword of ['ENTRYPOINT', 'CMD', 'HEALTHCHECK']) {
      const words = one(keyword).replace(/^.*?(?=\[)/, '');
      expect(JSON.parse(words)).toBeInstanceOf(Array);
    }
    expect(one('STOPSIGNAL')).toBe('SIGTERM');
  });

  test('exposes nothing, and keeps its data in a volume', () => {
    expect(image.instructions.map(({ keyword }) => keyword)).not.toContain('EXPOSE');
    const settings = pairsOf(one('ENV'));
    expect(JSON.parse(one('VOLUME'))).toEqual([settings.get('SAFEGUARDS_DATA_DIR')]);
    // Where it listens is left to the defaults, which are loopback.
    expect([...settings.keys()].filter((name) => name.includes('LISTEN'))).toEqual([]);
  });

  test('says what it is, of which version', () => {
    const labels = pairsOf(one('LABEL'));
    for (const name of ['title', 'description', 'licenses', 'version', 'revision']) {
      expect(labels.has(`org.opencontainers.image.${name}`), name).toBe(true);
    }
    const { version } = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8')) as {
      version: string;
    };
    expect(text).toContain(`ARG VERSION=${version}\n`);
  });

  test('is given no secret', () => {
    const all = stages.flatMap(({ instructions }) => instructions);
    const named = all.filter(({ keyword }) => keyword === 'ENV' || keyword === 'ARG');
    for (const { rest } of named) expect(rest).not.toMatch(/token|secret|password|credential/i);
    expect(all.map(({ keyword }) => keyword)).not.toContain('ADD');
    for (const { keyword, rest } of all) {
      // Whole folders would bring what lies in them.
      if (keyword === 'COPY') expect(rest).not.toMatch(/^\.\/? /);
    }
  });
});

describe('its steps', { timeout: 300_000 }, () => {
  let folder: string;
  let root: string;
  beforeAll(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'safeguards-image-'));
    const context = path.join(folder, 'context');
    copyContext(context);
    const roots = new Map<string, string>();
    for (const stage of stages) {
      root = path.join(folder, stage.name);
      await build(stage, root, (from) => (from === undefined ? context : roots.get(from)!));
      roots.set(stage.name, root);
    }
  }, 300_000);
  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  test('leave the sources and what builds them behind', () => {
    const app = path.join(root, 'app');
    expect(readdirSync(app).sort()).toEqual(
      ['LICENSE', 'bin', 'dist', 'health.mjs', 'package.json', 'proto'].sort(),
    );
    // Beside the program, what no bundle can hold.
    const modules = readdirSync(path.join(app, 'dist/node_modules'));
    expect(modules).toContain('lmdb');
    expect(modules).not.toContain('@grpc');
    expect(modules).not.toContain('typescript');
    const files = readdirSync(path.join(app, 'dist'));
    expect(files.filter((file) => !/^(node_modules|LICENCES\.txt|.*\.js)$/.test(file))).toEqual([]);
  });

  test('pass on the licences of what is passed on', () => {
    const blocks = readFileSync(path.join(root, 'app/dist/LICENCES.txt'), 'utf8').split(/^-{80}$/m);
    const { dependencies } = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8')) as {
      readonly dependencies: Readonly<Record<string, string>>;
    };
    for (const [name, version] of Object.entries(dependencies)) {
      expect(
        blocks.filter((block) => block.trim().startsWith(`${name} ${version} (`)),
      ).toHaveLength(1);
    }
    for (const block of blocks) expect(block.length, block).toBeGreaterThan(500);
    // Which protobuf-es has above one of its modules only.
    const protobuf = blocks.find((block) => block.includes('@bufbuild/protobuf'));
    expect(protobuf).toContain('Redistributions in binary form must reproduce');
    expect(blocks.at(-1)).toContain('Apache License');
  });

  test('make a data folder that only its owner may enter', () => {
    const data = path.join(root, 'var/lib/safeguards');
    expect(statSync(data).mode & 0o777).toBe(0o700);
    const copy = image.instructions.find(({ rest }) => rest.endsWith(' /var/lib'));
    expect(copy?.flags.get('chown')).toBe(one('USER'));
  });

  test('make something that serves, is healthy, and stops on the signal', async () => {
    const words = JSON.parse(one('ENTRYPOINT')) as readonly string[];
    expect(words).toEqual(['node', '--max-semi-space-size=32', '/app/dist/main.js']);
    expect(JSON.parse(one('CMD'))).toEqual(['serve']);
    const sidecar = await startSidecar({ script: path.join(root, words.at(-1)!) });
    const probe = one('HEALTHCHECK').replace(/^.*?(?=\[)/, '');
    const [, health = ''] = JSON.parse(probe) as readonly string[];
    const { code, err } = await run(process.execPath, [path.join(root, health), sidecar.agent]);
    expect(code, err).toBe(0);
    expect(await sidecar.stop(one('STOPSIGNAL') as NodeJS.Signals)).toBe(0);
    expect(sidecar.log()).toBe('');
  });

  test('put the command line on the path', async () => {
    const bin = path.join(root, 'app/bin');
    expect(pairsOf(one('ENV')).get('PATH')).toBe('/app/bin:$PATH');
    const environment = { PATH: `${bin}:${process.env['PATH'] ?? ''}` };
    expect(await output('safeguards', ['--version'], { environment })).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});

/** Does the steps of a stage below a folder. */
async function build(
  stage: Stage,
  root: string,
  source: (from: string | undefined) => string,
): Promise<void> {
  mkdirSync(root, { recursive: true });
  let cwd = root;
  const within = (place: string) =>
    place.startsWith('/') ? path.join(root, place) : path.join(cwd, place);
  for (const { keyword, rest, flags } of stage.instructions) {
    if (keyword === 'WORKDIR') {
      cwd = within(rest);
      mkdirSync(cwd, { recursive: true });
    } else if (keyword === 'COPY') {
      const places = rest.split(/\s+/);
      copy(source(flags.get('from')), places.slice(0, -1), within(places.at(-1) ?? ''));
    } else if (keyword === 'RUN') {
      // Here the machine's root is not the image's: a step must stay in its folder.
      expect(rest).not.toMatch(/(^|\s)\//);
      await output('sh', ['-ec', rest], { cwd, timeoutMs: 240_000 });
    }
  }
}

/** COPY: files into a folder, or what is in a folder, with their modes and links. */
function copy(from: string, names: readonly string[], to: string): void {
  mkdirSync(to, { recursive: true });
  for (const name of names) {
    const source = path.join(from, name);
    const what = statSync(source).isFile() ? source : `${source}/.`;
    execFileSync('cp', ['-R', '-P', '-p', what, to]);
  }
}

/** What git knows of and .dockerignore, which is an allow-list, lets in. */
function copyContext(to: string): void {
  const [first, ...rest] = readFileSync(path.join(ROOT, '.dockerignore'), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
  expect(first).toBe('*');
  const list = ['ls-files', '--cached', '--others', '--exclude-standard', '-z'];
  const known = execFileSync('git', list, { cwd: ROOT, encoding: 'utf8' }).split('\0');
  for (const line of rest) {
    expect(line).toMatch(/^!/);
    const name = line.slice(1);
    const files = known.filter((file) => file === name || file.startsWith(`${name}/`));
    expect(files, name).not.toEqual([]);
    for (const file of files) {
      if (existsSync(path.join(ROOT, file))) cpSync(path.join(ROOT, file), path.join(to, file));
    }
  }
}
