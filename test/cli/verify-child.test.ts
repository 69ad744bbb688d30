/** The process that verifies, as the one that starts it sees it. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { GETS_ON } from '../../src/cli/verify-beat.js';
import { beginVerifier } from '../../src/cli/verify-child.js';

/** A program that says things, each after so many milliseconds, then stays or leaves. */
function programOf(said: readonly (readonly [ms: number, message: unknown])[], end: string) {
  const folder = mkdtempSync(path.join(tmpdir(), 'safeguards-verify-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const program = path.join(folder, 'program.mjs');
  const lines = said.map(
    ([ms, message]) => `setTimeout(() => process.send(${JSON.stringify(message)}), ${ms});`,
  );
  writeFileSync(program, [...lines, end].join('\n'));
  return program;
}

const STAYS = 'setInterval(() => undefined, 1000);';
const REPORT = { clean: true };
const verify = (program: string) =>
  beginVerifier({ program, silenceMsMax: 2_000 }).verify('folder', 'TAIL');

test('is given up when it does not get on', async () => {
  await expect(verify(programOf([[100, GETS_ON]], STAYS))).rejects.toThrow(
    'reading it does not come to an end',
  );
});

test('has all the time it wants while it gets on', async () => {
  const beats = Array.from({ length: 8 }, (_, at) => [500 * (at + 1), GETS_ON] as const);
  const leaves = 'setTimeout(() => process.disconnect(), 4200);';
  const program = programOf([...beats, [4_100, REPORT]], leaves);
  expect(await verify(program)).toEqual(REPORT);
});

test('tells what it ended by', async () => {
  const program = programOf([], "process.kill(process.pid, 'SIGBUS');");
  await expect(verify(program)).rejects.toThrow('reading it ended by SIGBUS');
});

test('is told what to verify once it runs', async () => {
  const tells = `process.once('message', (order) => {
    process.send(order);
    process.disconnect();
  });`;
  const verifier = beginVerifier({ program: programOf([], tells) });
  expect(await verifier.verify('folder', 'ALL')).toEqual({ folder: 'folder', scope: 'ALL' });
});

test('tells what it ended by before it was told anything', async () => {
  const verifier = beginVerifier({ program: programOf([], "throw new Error('no lmdb here');") });
  await setTimeout(1_000);
  await expect(verifier.verify('folder', 'TAIL')).rejects.toThrow('no lmdb here');
});
