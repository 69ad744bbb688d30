import { BudgetAdminService } from '../../src/gen/safeguards/v1/budget_admin_service_pb.js';
import { BudgetService } from '../../src/gen/safeguards/v1/budget_service_pb.js';
import { Connection } from './client.js';
import type { Serving } from './process.js';

/** Makes an agent with money of its own. */
export async function makeAgent(sidecar: Serving, agentId: string): Promise<void> {
  const operator = new Connection(sidecar.admin, sidecar.token);
  const request = { agentId, name: agentId, initialBudget: '1000000' };
  await operator.call(BudgetAdminService.method.createAgent, request);
  operator.close();
}

/** Spends 0.01 under the request_ids `from` to below `to`, a hundred at a time. */
export async function spendOften(
  sidecar: Serving,
  agentId: string,
  from: number,
  to: number,
): Promise<void> {
  const connection = new Connection(sidecar.agent);
  try {
    for (let at = from; at < to; at += 100) {
      const items = Array.from({ length: Math.min(100, to - at) }, (_, index) => {
        return { requestId: `${agentId}-${at + index}`, agentId, amount: '0.01' };
      });
      const { results } = await connection.call(BudgetService.method.batchSpend, { items });
      if (results.some(({ result }) => result.case !== 'outcome')) {
        throw new Error('a spend was not judged');
      }
    }
  } finally {
    connection.close();
  }
}

/** What an agent has spent. */
export async function spentBy(sidecar: Serving, agentId: string): Promise<string> {
  const connection = new Connection(sidecar.agent);
  const { budget } = await connection.call(BudgetService.method.getBudget, { agentId });
  connection.close();
  return budget?.spent ?? '';
}

/** What a verification of the whole ledger finds. */
export async function verify(sidecar: Serving): Promise<readonly string[]> {
  const operator = new Connection(sidecar.admin, sidecar.token);
  const report = await operator.call(BudgetAdminService.method.verifyLedger, {});
  operator.close();
  return report.findings.map(({ account, message }) => `${account}: ${message}`);
}
