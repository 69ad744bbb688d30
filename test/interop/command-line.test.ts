/**
 * The compiled program as people run it: processes, signals, exit codes, pasted lines. `npm test`
 * builds it first.
 */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { hear } from '../support/secrets.js';

const script = path.join(import.meta.dirname, '../../dist/main.js');
const noSettings = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !name.startsWith('SAFEGUARDS_')),
);

let folder: string;
let running: Served[] = [];
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'safeguards-cli-'));
});
afterEach(() => {
  for (const { child } of running) child.kill('SIGKILL');
  running = [];
  rmSync(folder, { recursive: true, force: true });
});

interface Served {
  readonly child: ChildProcess;
  readonly gone: Promise<number | null>;
  /** What was printed until it served. */
  readonly banner: string;
  readonly log: () => string;
}

/** Starts `serve` in the folder and waits for what it prints. */
async function serve(...words: readonly string[]): Promise<Served> {
  const listen = ['--agent-listen', '127.0.0.1:0', '--admin-listen', '127.0.0.1:0'];
  const child = spawn(process.execPath, [script, 'serve', ...listen, ...words], {
    cwd: folder,
    env: noSettings,
  });
  let banner = '';
  let log = '';
  const heard = hear('what serve printed,');
  child.stderr.on('data', (chunk: Buffer) => {
    log += chunk.toString();
    heard(chunk.toString());
  });
  const gone = new Promise<number | null>((resolve) => child.once('exit', resolve));
  await new Promise<void>((resolve, reject) => {
    child.stdout.on('data', (chunk: Buffer) => {
      banner += chunk.toString();
      heard(chunk.toString());
      if (/ spend \S+ .*\n/.test(banner)) resolve();
    });
    void gone.then((code) => reject(new Error(`left with ${code}: ${log}`)));
  });
  const served = { child, gone, banner, log: () => log };
  running.push(served);
  return served;
}

interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs a line in a shell, in the folder. */
function shell(line: string): Promise<Ended> {
  const heard = hear('what a line printed,');
  return new Promise((resolve) => {
    execFile('sh', ['-c', line], { cwd: folder, env: noSettings }, (error, out, err) => {
      heard(`${out}${err}`);
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, out, err });
    });
  });
}

const program = (words: string) => shell(`'${process.execPath}' '${script}' ${words}`);

/** The lines to paste, as they were printed. */
function pasted({ banner }: Served): readonly string[] {
  return banner.split('\n').filter((line) => line.startsWith('  node '));
}

describe('serve', () => {
  test('prints lines that work as pasted, after every start', async () => {
    for (let start = 0; start < 2; start += 1) {
      const served = await serve();
      const [create = '', spend = ''] = pasted(served);
      expect(await shell(create)).toMatchObject({
        code: 0,
        out: expect.stringContaining('10 USD available') as string,
      });
      expect(await shell(spend)).toMatchObject({
        code: 0,
        out: expect.stringContaining('7.5 USD available, 2.5 spent') as string,
      });
      expect(await shell(spend.replace('2.50', '8'))).toMatchObject({
        code: 3,
        out: expect.stringContaining('largest amount  7.5') as string,
      });
      served.child.kill('SIGTERM');
      expect(await served.gone).toBe(0);
    }
  });

  test('keeps the token for its owner, and asks operators for it', async () => {
    const served = await serve();
    const file = path.join(folder, 'safeguards-data/admin.token');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const address = / operators +(\S+)/.exec(served.banner)?.[1] ?? '';
    const list = `pool list --admin-address ${address}`;
    expect(await program(list)).toMatchObject({ code: 0 });
    expect(await program(`${list} --data-dir elsewhere`)).toMatchObject({
      code: 1,
      err: expect.stringContaining('CREDENTIALS_MISSING') as string,
    });
    expect(served.log()).not.toContain('Bearer');
  });

  test('serves a Unix socket of the mode it was given', async () => {
    const socket = path.join(folder, 'agents.sock');
    const served = await serve('--agent-socket', socket, '--agent-socket-mode', '0600');
    expect(statSync(socket).mode & 0o777).toBe(0o600);
    expect(await program(`budget get nobody --address unix:${socket}`)).toMatchObject({
      code: 1,
      err: expect.stringContaining('AGENT_NOT_FOUND') as string,
    });
    served.child.kill('SIGINT');
    expect(await served.gone).toBe(0);
    expect(existsSync(socket)).toBe(false);
  });

  test('warns at each start where it trusts everybody', async () => {
    const served = await serve('--admin-auth', 'none');
    expect(served.log()).toContain('is an operator, since admin_auth is none');
    const address = / operators +(\S+)/.exec(served.banner)?.[1] ?? '';
    expect(await program(`pool list --admin-address ${address}`)).toMatchObject({ code: 0 });
  });

  test('warns at each start where other hosts reach it without protection', async () => {
    const warning = /Insecure: other hosts can reach 0\.0\.0\.0:\d+, and there is no TLS/g;
    for (let starts = 0; starts < 2; starts += 1) {
      const served = await serve('--agent-listen', '0.0.0.0:0', '--insecure');
      await expect.poll(() => served.log().match(warning)?.length).toBe(1);
      served.child.kill('SIGTERM');
      expect(await served.gone).toBe(0);
    }
    const guarded = await serve();
    expect(guarded.log()).not.toContain('Insecure');
  });

  test('leaves the store to the one that has it', async () => {
    await serve();
    await expect(serve()).rejects.toThrow(/left with 1/);
  });

  test('says what it needs when other hosts could reach it', async () => {
    const { code, err } = await program('serve --agent-listen 0.0.0.0:0');
    expect(code).toBe(2);
    expect(err).toContain('allow it with --insecure');
  });
});

test('verify looks at a store, served or not, and makes none', async () => {
  const served = await serve();
  expect(await program('verify')).toMatchObject({ code: 0 });
  served.child.kill('SIGTERM');
  await served.gone;
  const { code, out } = await program('verify --json');
  expect(code).toBe(0);
  expect(JSON.parse(out)).toMatchObject({ clean: true, findings: [] });
  expect(await program('verify --data-dir elsewhere')).toMatchObject({ code: 2 });
  expect(existsSync(path.join(folder, 'elsewhere'))).toBe(false);
});

test('demo goes through, and says so', async () => {
  const { code, out } = await program('demo');
  expect(out).not.toContain('FAIL');
  expect(out).toContain('Everything was as promised.');
  expect(code).toBe(0);
});

test('what nobody reads any more ends quietly', async () => {
  const { err } = await program('config docs | head -n 1');
  expect(err).toBe('');
});
