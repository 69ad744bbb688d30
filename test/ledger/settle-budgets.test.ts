/** What is decided about an agent while a run over its pool is going on comes after its part of the run. */
import { describe, expect, test } from 'vitest';
import type { AgentDocument } from '../../src/domain/command.js';
import { formatAmount } from '../../src/domain/amount.js';
import { applyConfiguration, createPool } from '../fakes/commands.js';
import {
  approveEmergency,
  rejectEmergency,
  requestEmergency,
  setEmergencyPolicy,
} from '../fakes/emergency-commands.js';
import { HOUR } from '../fakes/manual-time.js';
import { MemoryLedger } from '../fakes/memory-ledger.js';
import { createSchedule, setsBudget } from '../fakes/schedules.js';
import { money } from '../support/seed.js';

/** More than one group of agents. */
const MANY = 1_100;
const LAST = `a${MANY - 1}`;

/** A ledger where every agent of a large pool is about to be set to 100, and the last one asked for 20. */
async function waiting(): Promise<{ readonly memory: MemoryLedger; readonly id: string }> {
  const memory = await MemoryLedger.open({ agentCacheRows: 10_000 });
  await memory.must(createPool('p', '1000000'));
  const agents = Array.from({ length: MANY }, (_, at): AgentDocument => {
    return { id: `a${String(at).padStart(4, '0')}`, poolId: 'p', initialBudget: money('1') };
  });
  await memory.must(applyConfiguration({ agents }));
  await memory.must(setEmergencyPolicy('p', { approvalAbove: 0n, priorityThreshold: 1 }));
  const asked = await memory.must(requestEmergency(LAST, '20'));
  await memory.must(createSchedule('s', HOUR, setsBudget('pool p', '100')));
  memory.time.pass(HOUR);
  return { memory, id: asked.emergency!.request.id };
}

function remaining(memory: MemoryLedger): string {
  const { allocated, spent, reserved } = memory.ledger.agent(LAST)!.agent;
  return formatAmount(allocated - spent - reserved);
}

async function outcomeOfRun(memory: MemoryLedger): Promise<string | undefined> {
  const page = memory.ledger.scheduleRuns('s', { after: undefined, size: 1 });
  return 'verdict' in page ? page.reason : page.items[0]?.outcome;
}

describe('an emergency request that waits', () => {
  test('is paid on top of the money of a run that was due before the approval', async () => {
    const { memory, id } = await waiting();
    await memory.must(approveEmergency(id, '1'));
    expect(await outcomeOfRun(memory)).toBe('RUNNING');
    expect(remaining(memory)).toBe('101');
    for (let turns = 0; turns < 20; turns += 1) await memory.turn();
    expect(await outcomeOfRun(memory)).toBe('OK');
    expect(remaining(memory)).toBe('101');
    expect(await memory.verify()).toMatchObject({ clean: true });
  });

  test('is rejected when its agent already has the money of the run', async () => {
    const { memory, id } = await waiting();
    await memory.must(rejectEmergency(id));
    expect(await outcomeOfRun(memory)).toBe('RUNNING');
    expect(remaining(memory)).toBe('100');
  });
});
