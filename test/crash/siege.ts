import { existsSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { expect, vi } from 'vitest';
import { BudgetAdminService } from '../../src/gen/safeguards/v1/budget_admin_service_pb.js';
import { CallFailed, Connection } from './client.js';
import { serveOn, type Serving } from './process.js';
import { makeAgent } from './traffic.js';
import { TELLS_VITALS, answers, answersOn, peakWhile, vitalsOf, type Vitals } from './vitals.js';

const MIB = 2 ** 20;

/** Nothing is held of an attack that is over, but the spends meanwhile are in caches: 1 to 4 MiB. */
const HELD_BYTES = 16 * MIB;
/** What the allocator of C keeps of a peak for the next one: up to 50 MiB. */
const SLACK_BYTES = 96 * MIB;
/** What it keeps of attacks that it has seen before. */
const SLACK_AGAIN_BYTES = 48 * MIB;
/** How far one attack may drive the memory up, request_bytes_max included. */
const PEAK_BYTES_MAX = 320 * MIB;

/** Bounds that are reached soon, and times that are over soon. */
const FLAGS = [
  '--connections-max=200',
  '--calls-max=2000',
  '--streams-max=500',
  '--request-bytes-max=32MiB',
  '--headers-timeout=1s',
  '--request-timeout=2s',
  '--keepalive-interval=1s',
  '--keepalive-timeout=4s',
];

/**
 * Little room for what is young. Told to, it collects its garbage and writes what is left: it is held.
 * The V8 of Node 24 keeps the pages of a peak of the heap, here 240 MiB, until memory is short, as the
 * last collection says it is.
 */
const nodeFlags = (heldFile: string): string[] => [
  '--max-semi-space-size=8',
  '--expose-gc',
  `--import=data:text/javascript,${encodeURIComponent(`
    import { renameSync, writeFileSync } from 'node:fs';
    const file = ${JSON.stringify(heldFile)};
    process.on('SIGUSR2', () => {
      gc();
      gc();
      if (Number(process.versions.node.split('.')[0]) >= 24) gc({ flavor: 'last-resort' });
      const { heapUsed, external } = process.memoryUsage();
      writeFileSync(file + '.new', String(heapUsed + external));
      renameSync(file + '.new', file);
    });
  `)}`,
];

/** A sidecar that is to be attacked, and what it held before. */
export interface Besieged {
  readonly sidecar: Serving;
  readonly before: Held;
  readonly heldFile: string;
}

/** What a process holds once its garbage is collected. */
interface Held extends Vitals {
  /** On the heap of JavaScript and in the buffers that it refers to. */
  readonly heldBytes: number;
}

/** Starts a sidecar with an agent `a`. `ca` signed its certificate, where `flags` let it speak TLS. */
export async function besiege(
  dataDir: string,
  flags: readonly string[] = [],
  ca?: string,
): Promise<Besieged> {
  const heldFile = path.join(path.dirname(dataDir), 'held');
  const served = await serveOn(dataDir, [...FLAGS, ...flags], {}, nodeFlags(heldFile));
  const sidecar = { ...served, ...(ca !== undefined && { ca }) };
  await makeAgent(sidecar, 'a');
  // Whatever is loaded and compiled only when it is used is part of the beginning.
  for (let times = 0; times < 200; times += 1) await answers(sidecar, 'a');
  const nothing = { residentBytes: 0, descriptors: 0, heldBytes: 0 };
  const before = TELLS_VITALS ? await heldBy({ sidecar, heldFile }) : nothing;
  return { sidecar, before, heldFile };
}

/** It answers, and its memory and descriptors are back near where they were. */
export async function recovers(besieged: Besieged): Promise<number> {
  const ms = await answers(besieged.sidecar, 'a');
  if (TELLS_VITALS) {
    const { before } = besieged;
    const less = async (what: keyof Held) => (await heldBy(besieged))[what] - before[what];
    const soon = { timeout: 20_000, interval: 250 };
    await expect.poll(() => less('descriptors'), soon).toBeLessThanOrEqual(2);
    await expect.poll(() => less('heldBytes'), soon).toBeLessThan(HELD_BYTES);
    await expect.poll(() => less('residentBytes'), soon).toBeLessThan(SLACK_BYTES);
  }
  return ms;
}

/** The same attack again and again leaves the process no larger than the first ones did. */
export async function levelsOff(besieged: Besieged, attack: () => Promise<void>): Promise<void> {
  const times = 3;
  for (let time = 0; time < times; time += 1) await attack();
  await recovers(besieged);
  if (!TELLS_VITALS) return;
  const { residentBytes } = await heldBy(besieged);
  for (let time = 0; time < times; time += 1) await attack();
  const more = async () => (await heldBy(besieged)).residentBytes - residentBytes;
  await expect.poll(more, { timeout: 20_000, interval: 250 }).toBeLessThan(SLACK_AGAIN_BYTES);
}

/** What the sidecar holds now, its garbage collected. */
async function heldBy({
  sidecar,
  heldFile,
}: Pick<Besieged, 'sidecar' | 'heldFile'>): Promise<Held> {
  rmSync(heldFile, { force: true });
  process.kill(sidecar.pid, 'SIGUSR2');
  await vi.waitUntil(() => existsSync(heldFile), { timeout: 20_000 });
  // What was freed on other threads comes back as the calls go on.
  for (let times = 0; times < 20; times += 1) await answers(sidecar, 'a');
  return { ...vitalsOf(sidecar.pid), heldBytes: Number(readFileSync(heldFile, 'utf8')) };
}

/**
 * Whoever is connected is served while `attack` runs, operators as if there were none, within memory,
 * and everything is as before.
 */
export async function withstands(
  besieged: Besieged,
  name: string,
  attack: () => Promise<void>,
): Promise<void> {
  const { sidecar, before } = besieged;
  // Who is there already is served all the while.
  const connection = new Connection(sidecar.agent, undefined, sidecar.ca);
  const operator = new Connection(sidecar.admin, sidecar.token);
  const operate = () => operator.call(BudgetAdminService.method.getServerInfo, {});
  let slowest = await answersOn(connection, 'a');
  await operate();
  let refused = 0;
  let over = false;
  const meanwhile = async (): Promise<void> => {
    while (!over) {
      try {
        slowest = Math.max(slowest, await answersOn(connection, 'a'));
      } catch (error) {
        // Where calls are bounded, it has to wait like everybody else.
        if (!(error instanceof CallFailed) || error.reason !== 'SERVER_BUSY') throw error;
        refused += 1;
      }
    }
  };
  // The bounds are those of one listener: on the other one nobody is ever told to wait.
  const operating = async (): Promise<void> => {
    while (!over) await operate();
  };
  const serving = Promise.all([meanwhile(), operating()]);
  let peak = 0;
  if (TELLS_VITALS) peak = (await peakWhile(sidecar.pid, attack)) - before.residentBytes;
  else await attack();
  over = true;
  await serving;
  connection.close();
  operator.close();
  const ms = await recovers(besieged);
  process.stdout.write(
    `${name}: peak +${Math.max(0, Math.round(peak / MIB))} MiB, slowest call meanwhile ` +
      `${slowest.toFixed(0)} ms, ${refused} busy, answered after it in ${ms.toFixed(0)} ms\n`,
  );
  expect(peak).toBeLessThan(PEAK_BYTES_MAX);
}
