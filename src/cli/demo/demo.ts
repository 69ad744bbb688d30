import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { EXIT, type Terminal } from '../terminal.js';
import { startChild, runCommand, type Child } from './child.js';
import { Story } from './story.js';
import { crash, hold, pools, race } from './scenes.js';

/**
 * Starts a sidecar in a temporary folder, uses it through a real gRPC client, kills it, starts it
 * again, and says what happened. Resolves with 0 when everything was as promised.
 */
export async function demo(terminal: Terminal, script = process.argv[1] ?? ''): Promise<number> {
  const folder = mkdtempSync(path.join(tmpdir(), 'safeguards-demo-'));
  const story = new Story(terminal);
  let child: Child | undefined;
  try {
    child = await startChild(script, folder);
    story.chapter(`A sidecar serves on ${child.agentAddress}, its data is in ${folder}.`);
    await pools(child, story);
    await race(child, story);
    await hold(child, story);

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
  const { BudgetAdminService } = await import('../../gen/safeguards/v1/budget_admin_service_pb.js');
  const report = await operators.call(BudgetAdminService.method.verifyLedger, {});
  story.expect(
    report.clean,
    `While it serves: ${report.balanceCount} balances recomputed from ${report.entryCount} ` +
      'hash-chained entries, all equal to what is stored.',
  );
}
