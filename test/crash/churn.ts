import { statSync } from 'node:fs';
import path from 'node:path';
import { BudgetAdminService } from '../../src/gen/safeguards/v1/budget_admin_service_pb.js';
import { Connection } from './client.js';
import { collected, collecting, type Held } from './collected.js';
import { fastClock } from './fast-clock.js';
import { pacer, quantile } from './pace.js';
import { serveOn, type Serving } from './process.js';
import { Prober } from './soak-prober.js';
import { makeAgent, spendOften } from './traffic.js';

/** The clock goes so much faster: what is kept for an hour has served after 0.6 s. */
const CLOCK_TIMES = 6_000;
const FLAGS = ['--sweep-interval=100ms', '--clock-jump-max=1h'];
const BATCHES = 30;
/** Batches of a hundred spends, ten in a second. */
const BATCH_MS = 100;
/** Probers, each of which spends a hundred times in a second. */
const PROBERS = 3;
const PROBE_MS = 10;

/** What a window of traffic saw. */
export interface Window {
  /** Of single spends, in milliseconds. */
  readonly p99Ms: number;
  /** The size of data.mdb after it. */
  readonly fileBytes: number;
  /** Entries that retention took away meanwhile. */
  readonly cut: number;
}

/** A sidecar that is written to in windows of the same traffic. */
export class Churn {
  readonly #dataDir: string;
  readonly sidecar: Serving;
  readonly #operator: Connection;
  readonly #probers: readonly (readonly [Prober, Connection])[];
  #batches = 0;

  private constructor(dataDir: string, sidecar: Serving, agentIds: readonly string[]) {
    this.#dataDir = dataDir;
    this.sidecar = sidecar;
    this.#operator = new Connection(sidecar.admin, sidecar.token);
    this.#probers = agentIds.map((id) => [new Prober(id), new Connection(sidecar.agent)]);
  }

  static async begin(dataDir: string, flags: readonly string[]): Promise<Churn> {
    const nodeFlags = [...fastClock(CLOCK_TIMES, Date.now()), ...collecting(heldFileOf(dataDir))];
    const sidecar = await serveOn(dataDir, [...FLAGS, ...flags], {}, nodeFlags);
    const probed = Array.from({ length: PROBERS }, (_, at) => `probe-${at}`);
    for (const agentId of ['churn', ...probed]) await makeAgent(sidecar, agentId);
    return new Churn(dataDir, sidecar, probed);
  }

  /** Batches at a steady rate, and single spends whose time is taken. */
  async window(): Promise<Window> {
    const before = await this.#oldest();
    let over = false;
    const probing = this.#probers.map(async ([prober, connection]) => {
      const turn = pacer(PROBE_MS);
      while (!over && (await prober.once(connection))) await turn();
    });
    const turn = pacer(BATCH_MS);
    for (let batch = 0; batch < BATCHES; batch += 1) {
      const from = this.#batches * 100;
      this.#batches += 1;
      await spendOften(this.sidecar, 'churn', from, from + 100);
      await turn();
    }
    over = true;
    await Promise.all(probing);
    const ms = this.#probers.flatMap(([prober]) => prober.taken());
    return {
      p99Ms: quantile(ms, 0.99),
      fileBytes: statSync(path.join(this.#dataDir, 'store', 'data.mdb')).size,
      cut: (await this.#oldest()) - before,
    };
  }

  /** What the sidecar holds once garbage is collected. */
  held(): Promise<Held> {
    return collected(this.sidecar.pid, heldFileOf(this.#dataDir));
  }

  /** Resolves with its exit code. */
  async end(): Promise<number | null> {
    this.#operator.close();
    for (const [, connection] of this.#probers) connection.close();
    return (await this.sidecar.end('SIGTERM')).code;
  }

  async #oldest(): Promise<number> {
    const info = await this.#operator.call(BudgetAdminService.method.getServerInfo, {});
    return Number(info.oldestSequence);
  }
}

function heldFileOf(dataDir: string): string {
  return `${dataDir}.held`;
}
