import { rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as pass } from 'node:timers/promises';
import { expect } from 'vitest';
import { BudgetAdminService } from '../../src/gen/safeguards/v1/budget_admin_service_pb.js';
import { BudgetService } from '../../src/gen/safeguards/v1/budget_service_pb.js';
import { ViolationService } from '../../src/gen/safeguards/v1/violation_service_pb.js';
import { money, randomFrom } from '../support/seed.js';
import { ROOT } from '../support/sidecar.js';
import { run } from '../support/tools.js';
import { CallFailed, Connection } from './client.js';
import { collected, collecting } from './collected.js';
import { fastClock } from './fast-clock.js';
import { replays } from './loop.js';
import { pacer, quantile } from './pace.js';
import { mebibytes, type Sample } from './plateau.js';
import { serveOn, type Ended, type Serving } from './process.js';
import { Prober } from './soak-prober.js';
import { makeSubjects, PROBE, REFILL } from './soak-subjects.js';
import { Tally } from './soak-tally.js';
import { Watchers } from './soak-watchers.js';
import { verify } from './traffic.js';
import { Yardstick } from './yardstick.js';
import { TELLS_VITALS, vitalsOf } from './vitals.js';
import { BRIEF, POOR, RICH, Writer, type Journal } from './writer.js';

const admin = BudgetAdminService.method;
const agents = BudgetService.method;

/** The sidecar's clocks go so much faster: what it keeps for four hours is gone after a minute. */
const CLOCK_TIMES = 240;
/** How long answers and ended holds are kept, in the test's time: unknown answers are settled by then. */
const KEPT_MS = 60_000;
const HOUR_MS = 3_600_000;
const KEPT = `${(KEPT_MS * CLOCK_TIMES) / HOUR_MS}h`;

/** As little as the configuration allows, but for what a client must find when it comes back. */
const FLAGS = [
  '--entries-retention=1h',
  '--entries-bytes-max=1MiB',
  `--idempotency-ttl=${KEPT}`,
  `--late-window=${KEPT}`,
  '--violations-max=1000',
  '--violations-retention=1d',
  '--usage-minutes-retention=1d',
  '--usage-hours-retention=7d',
  '--usage-days-retention=90d',
  '--clock-jump-max=1h',
  '--sweep-interval=100ms',
];

const WRITERS = 8;
const WRITER_MS = 80;
const PROBE_MS = 25;
const REPLAY_MS = 50;
const READ_MS = 100;
const YARDSTICK_MS = 50;
/** A hold of a writer outlasts its pauses by far: eleven hours are some three minutes here. */
const HOLD_SECONDS = 40_000;
const POLL = { timeout: 30_000, interval: 50 };

const WATCHED = [...RICH, POOR, PROBE];

/** A sidecar and the connections to it. */
interface Link {
  readonly sidecar: Serving;
  readonly operator: Connection;
  /** One for each writer, and those of the prober, of replays and of reads. */
  readonly connections: readonly Connection[];
}

const backupsOf = (dataDir: string) => path.join(path.dirname(dataDir), 'backups');
const heldOf = (dataDir: string) => path.join(path.dirname(dataDir), 'held');

async function serve(dataDir: string, nodeFlags: readonly string[]): Promise<Link> {
  const flags = [...FLAGS, '--backup-dir', backupsOf(dataDir)];
  const sidecar = await serveOn(dataDir, flags, {}, nodeFlags);
  const operator = new Connection(sidecar.admin, sidecar.token);
  const count = WRITERS + 3;
  return {
    sidecar,
    operator,
    connections: Array.from({ length: count }, () => new Connection(sidecar.agent)),
  };
}

/** What happens while a round of traffic goes on, or ends it. */
export type Incident = 'nothing' | 'backup' | 'SIGTERM' | 'SIGKILL';

/** One sidecar under mixed traffic, its restarts, and everything that its clients know about it. */
export class Soak {
  readonly #dataDir: string;
  readonly #nodeFlags: readonly string[];
  readonly #random: () => number;
  readonly #writers: readonly Writer[];
  readonly #tally = new Tally();
  readonly #prober = new Prober(PROBE);
  readonly #watchers = new Watchers(WATCHED);
  readonly #began = performance.now();
  readonly #yardstick: Yardstick;
  #link: Link;

  private constructor(
    dataDir: string,
    seed: number,
    nodeFlags: readonly string[],
    yardstick: Yardstick,
    link: Link,
  ) {
    this.#yardstick = yardstick;
    this.#dataDir = dataDir;
    this.#nodeFlags = nodeFlags;
    this.#link = link;
    this.#random = randomFrom(seed);
    this.#writers = Array.from({ length: WRITERS }, (_, at) => {
      return new Writer(`w${at}`, seed + at, HOLD_SECONDS);
    });
  }

  static async begin(dataDir: string, seed: number): Promise<Soak> {
    const nodeFlags = [...collecting(heldOf(dataDir)), ...fastClock(CLOCK_TIMES, Date.now())];
    const link = await serve(dataDir, nodeFlags);
    const yardstick = await Yardstick.begin(path.join(path.dirname(dataDir), 'yardstick'));
    const soak = new Soak(dataDir, seed, nodeFlags, yardstick, link);
    await makeSubjects(soak.#link.operator);
    await soak.#watchers.watch(soak.#link.sidecar);
    return soak;
  }

  /** Milliseconds since it began. */
  get ms(): number {
    return performance.now() - this.#began;
  }

  /** Traffic for so long, what happens meanwhile, and a checkpoint in silence after it. */
  async round(ms: number, incident: Incident): Promise<Sample> {
    const began = this.ms;
    const before = this.effects;
    const journal: Journal = { acknowledged: [], unknown: [] };
    let over = false;
    const traffic = this.#traffic(journal, () => over);
    const meanwhile = [pass(ms), ...(incident === 'backup' ? [this.#backUp()] : [])];
    // What goes wrong in the traffic is told at once.
    await Promise.race([traffic, Promise.all(meanwhile)]);
    const leaves = incident === 'SIGTERM' || incident === 'SIGKILL';
    if (leaves) await this.#endUnderTraffic(incident);
    over = true;
    await traffic;
    const silentSince = this.ms;
    const unknown = journal.unknown.length;
    if (leaves) {
      this.#link = await serve(this.#dataDir, this.#nodeFlags);
      await this.#watchers.watch(this.#link.sidecar);
    } else {
      expect(unknown, 'requests that failed although nobody stopped the sidecar').toBe(0);
    }
    await this.#takeIn(journal);
    // A request that is not remembered any more is carried out again, as it is meant to be.
    const away = this.ms - silentSince;
    if (away > KEPT_MS - 10_000) throw new Error(`too slow a machine: away for ${away} ms`);
    await this.#check();
    const rate = ((this.effects - before) * 1_000) / (silentSince - began);
    return this.#look(incident, rate, unknown);
  }

  /** Runs the schedule by hand. Resolves with how often it has run, by itself or so. */
  async runSchedule(): Promise<number> {
    const { run: made } = await this.#link.operator.call(admin.runSchedule, { scheduleId: REFILL });
    return Number(made?.number);
  }

  /** Events of violations that were seen. */
  get violations(): number {
    return this.#watchers.cursor;
  }

  /** Spends, holds and settlements that were carried out. */
  get effects(): number {
    return this.#tally.effects + this.#prober.spends;
  }

  async end(signal: NodeJS.Signals): Promise<Ended> {
    const { sidecar, operator, connections } = this.#link;
    const ended = await sidecar.end(signal);
    await this.#watchers.left();
    for (const connection of [operator, ...connections]) connection.close();
    return ended;
  }

  async #endUnderTraffic(signal: NodeJS.Signals): Promise<void> {
    const { code, signal: by, said } = await this.end(signal);
    const expected = signal === 'SIGTERM' ? { code: 0, by: null } : { code: null, by: signal };
    expect({ code, by }, said).toEqual(expected);
  }

  /** Resolves when it is over or the sidecar is gone. */
  async #traffic(journal: Journal, over: () => boolean): Promise<void> {
    const [probing, replaying, reading] = this.#link.connections.slice(WRITERS);
    const again = async (intervalMs: number, once: () => Promise<boolean>): Promise<void> => {
      const turn = pacer(intervalMs);
      while (!over() && (await once())) await turn();
    };
    await Promise.all([
      ...this.#writers.map((writer, at) => {
        return again(WRITER_MS, () => writer.once(this.#link.connections[at]!, journal));
      }),
      again(PROBE_MS, () => this.#prober.once(probing!)),
      again(REPLAY_MS, () => answered(this.#replayOne(replaying!, journal))),
      again(READ_MS, () => answered(this.#readOne(reading!))),
      again(YARDSTICK_MS, () => answered(this.#yardstick.once())),
    ]);
  }

  /** Sends one of the newest operations again. */
  async #replayOne(connection: Connection, { acknowledged }: Journal): Promise<void> {
    const known = acknowledged.at(-1 - Math.floor(this.#random() * 20));
    if (known !== undefined) await replays(connection, known);
  }

  async #readOne(connection: Connection): Promise<void> {
    const agentId = WATCHED[Math.floor(this.#random() * WATCHED.length)]!;
    const { budget } = await connection.call(agents.getBudget, { agentId });
    const { allocated, spent, reserved, remaining } = budget!;
    expect(money(remaining)).toBe(money(allocated) - money(spent) - money(reserved));
  }

  async #backUp(): Promise<void> {
    const { name, headHash } = await this.#link.operator.call(admin.backup, {});
    const copy = path.join(backupsOf(this.#dataDir), name);
    const words = [path.join(ROOT, 'dist/main.js'), 'verify', '--data-dir', copy, '--json'];
    const { code, out } = await run(process.execPath, words);
    expect(code, out).toBe(0);
    const hash = Buffer.from(headHash).toString('hex');
    expect(JSON.parse(out)).toMatchObject({ clean: true, headHash: hash });
    rmSync(copy, { recursive: true });
  }

  /** Counts what was acknowledged, and settles the rest by sending it again. */
  async #takeIn({ acknowledged, unknown }: Journal): Promise<void> {
    for (const { answer } of acknowledged) this.#tally.note(answer);
    const { headSequence } = await this.#link.operator.call(admin.getServerInfo, {});
    const [caller] = this.#link.connections;
    for (const { writer, operation } of unknown) {
      const answer = await operation.send(caller!);
      const done = answer.filter(({ effect }) => effect !== undefined);
      for (const { effect, replayed } of done) {
        expect(effect!.sequence <= headSequence, `${effect!.requestId} was there`).toBe(replayed);
      }
      await replays(caller!, { operation, answer });
      writer.learn(answer);
      this.#tally.note(answer);
    }
    await this.#prober.once(caller!);
  }

  /** Everything that the clients know is what the sidecar has, and its ledger proves it. */
  async #check(): Promise<void> {
    const { budgets } = await this.#link.operator.call(agents.batchGetBudgets, {
      agentIds: WATCHED,
    });
    for (const { agentId, spent, reserved } of budgets) {
      const known =
        agentId === PROBE
          ? money('0.01') * BigInt(this.#prober.spends)
          : this.#tally.spent(agentId);
      expect(money(spent), `spent by ${agentId}`).toBe(known);
      expect(money(reserved), `reserved by ${agentId}`).toBe(this.#tally.reserved(agentId));
    }
    const heard = () => budgets.filter((of) => this.#watchers.spent.get(of.agentId) !== of.spent);
    await expect.poll(heard, POLL).toEqual([]);
    const brief = async () =>
      (await this.#link.operator.call(agents.getBudget, { agentId: BRIEF })).budget?.reserved;
    await expect.poll(brief, POLL).toBe('0');
    const { violations } = await this.#link.operator.call(ViolationService.method.listViolations, {
      pageSize: 1,
    });
    const seen = () => this.#watchers.cursor;
    await expect.poll(seen, POLL).toBeGreaterThanOrEqual(Number(violations[0]?.id ?? 0));
    expect(this.#watchers.wrong).toEqual([]);
    expect(await verify(this.#link.sidecar)).toEqual([]);
  }

  async #look(incident: Incident, rate: number, unknown: number): Promise<Sample> {
    const { pid } = this.#link.sidecar;
    const held = await collected(pid, heldOf(this.#dataDir));
    const descriptors = TELLS_VITALS ? vitalsOf(pid).descriptors : 0;
    const info = await this.#link.operator.call(admin.getServerInfo, {});
    const fileBytes = statSync(path.join(this.#dataDir, 'store', 'data.mdb')).size;
    const ms = this.#prober.taken();
    const [p50, p99] = [quantile(ms, 0.5), quantile(ms, 0.99)];
    const yardstickMs = quantile(this.#yardstick.taken(), 0.99);
    const sample = { ms: this.ms, rate, ...held, descriptors, fileBytes, p99Ms: p99, yardstickMs };
    process.stdout.write(
      `${(sample.ms / 1_000).toFixed(0)} s, ${incident}: ${rate.toFixed(0)} effects/s, ${unknown} unknown; ` +
        `spends p50 ${p50.toFixed(1)}, p99 ${p99.toFixed(1)} ms, writes ${yardstickMs.toFixed(1)} ms; ` +
        `heap ${mebibytes(held.heapBytes)}, resident ${mebibytes(held.residentBytes)}, ` +
        `${descriptors} descriptors, ` +
        `data.mdb ${mebibytes(fileBytes)}; entries ${info.oldestSequence} to ` +
        `${info.headSequence}, violation events ${this.violations}\n`,
    );
    return sample;
  }
}

/** Whether a call was answered: not so when the sidecar has gone. */
async function answered(call: Promise<void>): Promise<boolean> {
  try {
    await call;
    return true;
  } catch (error) {
    if (!(error instanceof CallFailed && error.code === 'UNAVAILABLE')) throw error;
    return false;
  }
}
