import { expect } from 'vitest';
import { BudgetAdminService } from '../../src/gen/safeguards/v1/budget_admin_service_pb.js';
import { CallFailed, Connection } from './client.js';
import { serveOn, type Serving } from './process.js';
import { makeAgent } from './traffic.js';
import { TELLS_VITALS, answers, answersOn, peakWhile, vitalsOf, type Vitals } from './vitals.js';

const MIB = 2 ** 20;

/** What the allocator keeps for the next peak, and what caches may have grown by. */
const SLACK_BYTES = 96 * MIB;
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

/** Little room for what is young, and garbage is collected when told to: what is left then is held. */
const NODE_FLAGS = [
  '--max-semi-space-size=8',
  '--expose-gc',
  `--import=data:text/javascript,process.on('SIGUSR2',()=>{gc();gc()})`,
];

/** A sidecar that is to be attacked, and what it held before. */
export interface Besieged {
  readonly sidecar: Serving;
  readonly before: Vitals;
}

/** Starts a sidecar with an agent `a`. `ca` signed its certificate, where `flags` let it speak TLS. */
export async function besiege(
  dataDir: string,
  flags: readonly string[] = [],
  ca?: string,
): Promise<Besieged> {
  const served = await serveOn(dataDir, [...FLAGS, ...flags], {}, NODE_FLAGS);
  const sidecar = { ...served, ...(ca !== undefined && { ca }) };
  await makeAgent(sidecar, 'a');
  // Whatever is loaded and compiled only when it is used is part of the beginning.
  for (let times = 0; times < 200; times += 1) await answers(sidecar, 'a');
  const before = TELLS_VITALS ? vitalsOf(sidecar.pid) : { residentBytes: 0, descriptors: 0 };
  return { sidecar, before };
}

/** It answers, and its memory and descriptors are back near where they were. */
export async function recovers({ sidecar, before }: Besieged): Promise<number> {
  const ms = await answers(sidecar, 'a');
  if (TELLS_VITALS) {
    const held = () => vitalsOf(sidecar.pid).descriptors;
    await expect.poll(held, { timeout: 20_000 }).toBeLessThanOrEqual(before.descriptors + 2);
    const resident = async () => {
      process.kill(sidecar.pid, 'SIGUSR2');
      for (let times = 0; times < 20; times += 1) await answers(sidecar, 'a');
      return vitalsOf(sidecar.pid).residentBytes - before.residentBytes;
    };
    await expect.poll(resident, { timeout: 20_000, interval: 250 }).toBeLessThan(SLACK_BYTES);
  }
  return ms;
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
