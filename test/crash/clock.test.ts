import { expect, onTestFinished, test, vi } from 'vitest';
import { BudgetService } from '../../src/gen/safeguards/v1/budget_service_pb.js';
import { ReservationState } from '../../src/gen/safeguards/v1/reservation_pb.js';
import { Connection } from './client.js';
import { refusal, serveOn, type Serving } from './process.js';
import { movedTime, tamper } from './tamper.js';
import { temporaryDataDir } from './temporary.js';
import { makeAgent, spendOften, spentBy, verify } from './traffic.js';

const YEAR_MS = 365n * 24n * 3_600_000n;

test('a clock that is years ahead of the data is believed only when an operator says so', async () => {
  const dataDir = temporaryDataDir();
  const first = await serveOn(dataDir);
  await first.end('SIGTERM');
  await tamper(dataDir, (kv) => [movedTime(kv, -2n * YEAR_MS)]);

  const { code, signal, said } = await refusal(dataDir);
  expect({ code, signal }).toEqual({ code: 1, signal: null });
  expect(said).toMatch(/7(29|30) days ahead.*--accept-clock/);

  const second = await serveOn(dataDir, ['--accept-clock']);
  onTestFinished(async () => {
    await second.end('SIGKILL');
  });
  await makeAgent(second, 'a');
  await spendOften(second, 'a', 0, 100);
  expect(await spentBy(second, 'a')).toBe('1');
  expect(await verify(second)).toEqual([]);
});

test('a store whose time is ten years ahead of the clock serves, and its holds expire', async () => {
  const dataDir = temporaryDataDir();
  const first = await serveOn(dataDir);
  await makeAgent(first, 'a');
  await spendOften(first, 'a', 0, 100);
  await first.end('SIGKILL');
  await tamper(dataDir, (kv) => [movedTime(kv, 10n * YEAR_MS)]);

  for (const [round, signal] of (['SIGKILL', 'SIGTERM'] as const).entries()) {
    const next = await serveOn(dataDir);
    onTestFinished(async () => {
      await next.end('SIGKILL');
    });
    await spendOften(next, 'a', 100 * (round + 1), 100 * (round + 2));
    expect(await spentBy(next, 'a')).toBe(String(round + 2));
    await expires(next, 'a');
    expect(await verify(next)).toEqual([]);
    await next.end(signal);
  }
});

/** Holds for a second, and waits until that has expired and the money is back. */
async function expires(sidecar: Serving, agentId: string): Promise<void> {
  const connection = new Connection(sidecar.agent);
  onTestFinished(() => connection.close());
  const call = { requestId: `hold-${sidecar.pid}`, agentId, amount: '7', ttl: { seconds: 1n } };
  const { reservation } = await connection.call(BudgetService.method.reserve, call);
  const reservationId = reservation?.id ?? '';
  const over = async (): Promise<boolean> => {
    const found = await connection.call(BudgetService.method.getReservation, { reservationId });
    const { budget } = await connection.call(BudgetService.method.getBudget, { agentId });
    return found.reservation?.state === ReservationState.EXPIRED && budget?.reserved === '0';
  };
  await vi.waitUntil(over, { timeout: 60_000, interval: 100 });
}
