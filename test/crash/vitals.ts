import { readdirSync, readFileSync } from 'node:fs';
import {
  Health,
  HealthCheckResponse_ServingStatus as Status,
} from '../../src/gen/grpc/health/v1/health_pb.js';
import { BudgetService } from '../../src/gen/safeguards/v1/budget_service_pb.js';
import { Connection } from './client.js';
import type { Serving } from './process.js';

/** Whether this system tells what a process holds. */
export const TELLS_VITALS = process.platform === 'linux';

/** What a process holds. */
export interface Vitals {
  readonly residentBytes: number;
  readonly descriptors: number;
}

/** Reads what a process holds right now. */
export function vitalsOf(pid: number): Vitals {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const kilobytes = Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]);
  return { residentBytes: kilobytes * 1_024, descriptors: readdirSync(`/proc/${pid}/fd`).length };
}

/** The most that a process holds while something runs. */
export async function peakWhile(pid: number, run: () => Promise<void>): Promise<number> {
  let peak = 0;
  const look = (): void => {
    peak = Math.max(peak, vitalsOf(pid).residentBytes);
  };
  const timer = setInterval(look, 20);
  try {
    await run();
  } finally {
    look();
    clearInterval(timer);
  }
  return peak;
}

let spends = 0;

/** Asks for health and spends. Resolves with the milliseconds it took. */
export async function answersOn(connection: Connection, agentId: string): Promise<number> {
  const began = performance.now();
  const { status } = await connection.call(Health.method.check, {});
  if (status !== Status.SERVING) throw new Error(`health says ${status}`);
  spends += 1;
  const request = { requestId: `vital-${spends}`, agentId, amount: '0.01' };
  const { sequence } = await connection.call(BudgetService.method.spend, request);
  if (sequence === 0n) throw new Error('a spend was not written');
  return performance.now() - began;
}

/** The same on a connection of its own. */
export async function answers(sidecar: Serving, agentId: string): Promise<number> {
  const connection = new Connection(sidecar.agent, undefined, sidecar.ca);
  try {
    return await answersOn(connection, agentId);
  } finally {
    connection.close();
  }
}
