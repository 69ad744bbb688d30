import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { EXIT, type Terminal } from '../terminal.js';
import { startChild, runCommand, type Child } from './child.js';
import { admin } from './calls.js';
import { agentBudgets, budgetPools } from './concepts.js';
import { budgetAlerts, spendingLimits, trackingUsage } from './control.js';
import { emergencies } from './emergencies.js';
import { notifications } from './notifications.js';
import { degradation, reviews, trackingAndLogging } from './practice.js';
import { crash, hold, pools, race } from './scenes.js';
import {
  dynamicAllocation,
  fixedAllocation,
  priorityAllocation,
  rebalancing,
} from './strategies.js';
import { Story } from './story.js';

/** The sections of docs/guide.md in their order, then what many calls at once come to. */
const CHAPTERS = [
  budgetPools,
  agentBudgets,
  fixedAllocation,
  dynamicAllocation,
  priorityAllocation,
  trackingUsage,
  spendingLimits,
  budgetAlerts,
  notifications,
  emergencies,
  rebalancing,
  trackingAndLogging,
  reviews,
  degradation,
  pools,
  race,
  hold,
] as const;

/**
 * Starts a sidecar in a temporary folder, walks the guide through a real gRPC client, kills it, starts it
 * again, and says what happened. Resolves with 0 when everything was as promised.
 */
export async function demo(terminal: Terminal, script = process.argv[1] ?? ''): Promise<number> {
  const folder = mkdtempSync(path.join(tmpdir(), 'safeguards-demo-'));
  const story = new Story(terminal);
  let child: Child | undefined;
  try {
    child = await startChild(script, folder);
    story.chapter(`A sidecar serves on ${child.agentAddress}, its data is in ${folder}.`);
    for (const chapter of CHAPTERS) await chapter(child, story);

    const before = child;
    child = await crash(before, story, () => startChild(script, folder));

    story.chapter('The ledger');
    await verifyServing(child, story);
    const code = await child.end('SIGTERM');
    child = undefined;
    story.expect(
      code === 0,
      'SIGTERM: calls in progress ended, the store was closed, exit code 0.',
    );
    const offline = await runCommand(script, ['verify', '--data-dir', folder]);
    story.expect(offline.code === 0, `safeguards verify: ${offline.output.trim()}`);
  } catch (error) {
    story.expect(false, error instanceof Error ? error.message : String(error));
  } finally {
    await child?.end('SIGKILL');
  }
  if (story.failures > 0) {
    terminal.err(`\n${story.failures} expectation(s) failed. The data is kept in ${folder}.\n`);
    return EXIT.error;
  }
  rmSync(folder, { recursive: true });
  terminal.out('\nEverything was as promised. The folder is removed.\n');
  return EXIT.done;
}

async function verifyServing({ operators }: Child, story: Story): Promise<void> {
  const report = await operators.call(admin.verifyLedger, {});
  story.expect(
    report.clean,
    `While it serves: ${report.balanceCount} balances recomputed from ${report.entryCount} ` +
      'hash-chained entries, all equal to what is stored.',
  );
}
