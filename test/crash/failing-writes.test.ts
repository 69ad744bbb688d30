/** A disk that fails: what was not written is not acknowledged, and the process leaves at once. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { BudgetService } from '../../src/gen/safeguards/v1/budget_service_pb.js';
import { hasTool, output } from '../support/tools.js';
import { CallFailed, Connection } from './client.js';
import { serveOn } from './process.js';
import { temporaryDataDir, temporaryFolder } from './temporary.js';
import { makeAgent, spendOften, spentBy, verify } from './traffic.js';

const hasCompiler = hasTool('a C compiler', 'cc', ['--version']);
const LEAVES_MS_MAX = 1_000;

const FAULTS = [
  ['whose fsync fails', 's', true],
  // lmdb-js prints the failure into a buffer that is too small for it (100 bytes): the heap that it
  // damages may end the process by a signal while it leaves.
  ['whose writes fail', 'w', false],
  ['that writes half of what it should', 't', true],
] as const;

describe.skipIf(!hasCompiler)('a disk', () => {
  const shim = path.join(temporaryFolder(), 'failing-writes.so');

  beforeAll(async () => {
    const source = path.join(import.meta.dirname, 'failing-writes.c');
    await output('cc', ['-shared', '-fPIC', '-O1', '-o', shim, source, '-ldl']);
  });

  test.each(FAULTS)('%s costs no acknowledged spend', async (_name, letter, clean) => {
    const dataDir = temporaryDataDir();
    const fault = path.join(path.dirname(dataDir), 'fault');
    const sidecar = await serveOn(dataDir, [], { LD_PRELOAD: shim, SAFEGUARDS_FAULT: fault });
    onTestFinished(async () => {
      await sidecar.end('SIGKILL');
    });
    await makeAgent(sidecar, 'a');
    await spendOften(sidecar, 'a', 0, 100);

    const began = performance.now();
    writeFileSync(fault, letter);
    const acknowledged = await spendUntilRefused(sidecar.agent, 100);
    const { code, signal, said } = await sidecar.ended;
    const took = performance.now() - began;
    process.stdout.write(
      `${letter}: left with ${code ?? signal ?? ''} after ${Math.round(took)} ms\n`,
    );
    expect(said).toMatch(/The sidecar cannot go on and leaves/);
    if (clean || signal === null) expect({ code, signal }).toEqual({ code: 1, signal: null });
    else expect(signal).toBe('SIGABRT');
    expect(took).toBeLessThan(LEAVES_MS_MAX);

    const next = await serveOn(dataDir);
    onTestFinished(async () => {
      await next.end('SIGKILL');
    });
    // The one in doubt is settled by its request_id: it is there once, whether it was or not.
    const spent = Math.round(Number(await spentBy(next, 'a')) * 100);
    expect([acknowledged, acknowledged + 1]).toContain(spent);
    await spendOften(next, 'a', 0, acknowledged + 1);
    expect(await spentBy(next, 'a')).toBe(`${(acknowledged + 1) / 100}`);
    expect(await verify(next)).toEqual([]);
  });
});

/** Spends one by one until one is not answered. Returns how many spends were acknowledged in all. */
async function spendUntilRefused(address: string, from: number): Promise<number> {
  const connection = new Connection(address);
  try {
    for (let at = from; ; at += 1) {
      try {
        const requestId = `a-${at}`;
        const request = { requestId, agentId: 'a', amount: '0.01' };
        await connection.call(BudgetService.method.spend, request);
      } catch (error) {
        expect(error).toBeInstanceOf(CallFailed);
        expect((error as CallFailed).code).toBe('UNAVAILABLE');
        return at;
      }
    }
  } finally {
    connection.close();
  }
}
