import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { watchFiles } from '../../src/cli/watched-files.js';

const AN_HOUR = 3_600_000;

let folder: string;
let changes: number;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'safeguards-watched-'));
  changes = 0;
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function watching(files: readonly string[], intervalMs: number) {
  const watched = watchFiles(files, intervalMs, () => (changes += 1));
  onTestFinished(() => watched.close());
  return watched;
}

const seen = (count: number) => expect.poll(() => changes, { timeout: 10_000 }).toBe(count);

describe('a file that is watched', () => {
  test('is found when it changes, is replaced, goes and comes', async () => {
    const file = path.join(folder, 'token');
    writeFileSync(file, 'a');
    watching([file], AN_HOUR);
    writeFileSync(file, 'b');
    await seen(1);
    writeFileSync(`${file}.new`, 'c');
    renameSync(`${file}.new`, file);
    await seen(2);
    rmSync(file);
    await seen(3);
    writeFileSync(file, 'd');
    await seen(4);
  });

  test('is found when the link to its folder is swapped, as Kubernetes does', async () => {
    mkdirSync(path.join(folder, 'one'));
    mkdirSync(path.join(folder, 'two'));
    writeFileSync(path.join(folder, 'one/tls.crt'), 'old');
    writeFileSync(path.join(folder, 'two/tls.crt'), 'new');
    symlinkSync('one', path.join(folder, '..data'));
    symlinkSync('..data/tls.crt', path.join(folder, 'tls.crt'));
    watching([path.join(folder, 'tls.crt')], AN_HOUR);
    symlinkSync('two', path.join(folder, '..data_tmp'));
    renameSync(path.join(folder, '..data_tmp'), path.join(folder, '..data'));
    await seen(1);
  });

  test('is found by looking where nobody tells', async () => {
    mkdirSync(path.join(folder, 'real'));
    const target = path.join(folder, 'real/token');
    writeFileSync(target, 'a');
    const link = path.join(folder, 'token');
    symlinkSync(target, link);
    // Only the folder of the link is told of.
    watching([link], 20);
    writeFileSync(target, 'b');
    await seen(1);
  });

  test('is nothing new when it was only touched', () => {
    const file = path.join(folder, 'token');
    writeFileSync(file, 'a');
    const watched = watching([file], AN_HOUR);
    writeFileSync(file, 'a');
    watched.look();
    expect(changes).toBe(0);
    writeFileSync(file, 'b');
    watched.look();
    expect(changes).toBe(1);
  });
});
