/** Consumers that never read, or have died, beside a sidecar without any: what they cost the others. */
import { create, toBinary } from '@bufbuild/protobuf';
import { setTimeout as pass } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { ViolationType } from '../../src/gen/safeguards/v1/violation_pb.js';
import {
  ViolationService,
  WatchViolationsRequestSchema,
  type WatchViolationsResponse,
} from '../../src/gen/safeguards/v1/violation_service_pb.js';
import { RawPeer, call, data, message } from '../support/http2-frames.js';
import { Churn, type Window } from './churn.js';
import { CallFailed, Connection } from './client.js';
import { median, pacer } from './pace.js';
import { serveOn } from './process.js';
import { temporaryDataDir } from './temporary.js';
import { makeAgent } from './traffic.js';
import { TELLS_VITALS, vitalsOf } from './vitals.js';

const { reportViolation, watchViolations } = ViolationService.method;
const WATCH = '/safeguards.v1.ViolationService/WatchViolations';

/** Windows on each of both sidecars. */
const WINDOWS = 4;
/** Streams of peers that say that nothing may be sent. */
const DEAF = 100;
/** Peers whose host has gone: their connections say nothing any more. */
const DEAD = 10;
/** How much later the slowest hundredth of spends may be answered beside them. */
const FACTOR = 3;
/** Below it a ratio says more of the machine than of the sidecar. */
const P99_FLOOR_MS = 5;
/** What they may hold, and how far two processes differ anyway. */
const HELD_BYTES_MAX = 64 * 2 ** 20;
/** A report each so many milliseconds. */
const REPORT_MS = 5;
/** The slow one takes so long over each event. */
const SLOW_MS = 15;

/** Peers are found dead soon. */
const FLAGS = ['--streams-max=500', '--keepalive-interval=1s', '--keepalive-timeout=4s'];

test(
  'consumers that do not read cost the others nothing, and resume where they stand',
  { timeout: 300_000 },
  async () => {
    const [alone, beside] = [await begin(), await begin()];
    // Warms up, and opens the connections that stay.
    for (const churn of [alone, beside]) await reported(churn);
    const before = TELLS_VITALS ? vitalsOf(beside.sidecar.pid).descriptors : 0;
    const deaf = deafStreams(beside.sidecar.agent);
    const dead = Array.from({ length: DEAD }, () => deadPeer(beside.sidecar.agent));
    const slow = new Consumer(beside.sidecar.agent);
    const sleeping = new Consumer(beside.sidecar.agent);
    let over = false;
    const reading = slow.readWhile(() => !over, SLOW_MS);

    const without: Window[] = [];
    const withThem: Window[] = [];
    // In turn, so that whatever else the machine does meets both.
    for (let round = 0; round < WINDOWS; round += 1) {
      without.push(await reported(alone));
      withThem.push(await reported(beside));
    }
    const p99 = (windows: readonly Window[]) => median(windows.map((one) => one.p99Ms));
    const held = (await beside.held()).residentBytes - (await alone.held()).residentBytes;
    process.stdout.write(
      `p99 of spends: ${p99(without).toFixed(1)} ms alone, ${p99(withThem).toFixed(1)} ms beside ` +
        `${DEAF + DEAD} consumers that do not read, which hold ${Math.round(held / 2 ** 20)} MiB\n`,
    );
    expect(p99(withThem)).toBeLessThanOrEqual(FACTOR * Math.max(P99_FLOOR_MS, p99(without)));
    expect(held).toBeLessThan(HELD_BYTES_MAX);

    // Whoever comes late skips nothing.
    over = true;
    await reading;
    const head = await headOf(beside);
    for (const consumer of [slow, sleeping]) {
      await consumer.readWhile(() => (consumer.seen.at(-1) ?? 0) < head, 0);
      expect(consumer.seen).toEqual(Array.from({ length: head }, (_, at) => at + 1));
    }

    slow.close();
    sleeping.close();
    deaf.close();
    if (TELLS_VITALS) {
      const descriptors = () => vitalsOf(beside.sidecar.pid).descriptors;
      await expect.poll(descriptors, { timeout: 30_000 }).toBeLessThanOrEqual(before + 2);
    }
    for (const peer of dead) peer.close();
  },
);

test(
  'a consumer that sleeps while its events are cut is told so, and skips none before that',
  { timeout: 120_000 },
  async () => {
    const sidecar = await serveOn(temporaryDataDir(), ['--violations-max=1000', ...OFTEN]);
    onTestFinished(async () => {
      expect((await sidecar.end('SIGTERM')).code).toBe(0);
    });
    // One agent may report sixty a minute.
    const agentIds = Array.from({ length: 60 }, (_, at) => `a${at}`);
    for (const agentId of agentIds) await makeAgent(sidecar, agentId);
    await reportMany(sidecar.agent, ['a0'], 1);
    const sleeping = new Consumer(sidecar.agent);
    await sleeping.readWhile(() => sleeping.seen.length === 0, 0);
    await reportMany(sidecar.agent, agentIds, 58);
    const oldest = await firstAfterCuts(sidecar.agent, 2_482);

    await sleeping.readWhile(() => true, 0);
    expect(sleeping.ended?.reason).toBe('CURSOR_COMPACTED');
    expect(sleeping.seen).toEqual(sleeping.seen.map((_, at) => at + 1));
    expect(sleeping.seen.length).toBeLessThan(oldest);

    const anew = new Consumer(sidecar.agent);
    await anew.readWhile(() => (anew.seen.at(-1) ?? 0) < 3_481, 0);
    expect(anew.seen).toEqual(Array.from({ length: 3_482 - oldest }, (_, at) => oldest + at));
    sleeping.close();
    anew.close();
  },
);

const OFTEN = ['--sweep-interval=100ms'];

/** So many reports of each. */
async function reportMany(address: string, agentIds: readonly string[], count: number) {
  const connection = new Connection(address);
  for (let round = 0; round < count; round += 1) {
    await Promise.all(agentIds.map((id) => connection.call(reportViolation, nextReport(id))));
  }
  connection.close();
}

/** The oldest event that is left, once all before `first` are cut. */
async function firstAfterCuts(address: string, first: number): Promise<number> {
  let oldest = 0;
  const look = async () => {
    const consumer = new Consumer(address);
    await consumer.readWhile(() => consumer.seen.length === 0, 0);
    consumer.close();
    oldest = consumer.seen[0] ?? 0;
    return oldest;
  };
  await expect.poll(look, { timeout: 30_000, interval: 200 }).toBeGreaterThanOrEqual(first);
  return oldest;
}

function nextReport(agentId: string) {
  reports += 1;
  const requestId = `report-${reports}`;
  return { requestId, agentId, type: ViolationType.CUSTOM, message: requestId };
}

async function begin(): Promise<Churn> {
  const churn = await Churn.begin(temporaryDataDir(), FLAGS);
  onTestFinished(async () => {
    expect(await churn.end()).toBe(0);
  });
  return churn;
}

let reports = 0;

/** A window of traffic in which violations happen. */
async function reported(churn: Churn): Promise<Window> {
  const connection = new Connection(churn.sidecar.agent);
  const state = { over: false };
  const reporting = (async () => {
    const turn = pacer(REPORT_MS);
    while (!state.over) {
      await connection.call(reportViolation, nextReport('churn'));
      await turn();
    }
  })();
  const window = await churn.window();
  state.over = true;
  await reporting;
  connection.close();
  return window;
}

const FROM_THE_OLDEST = message(
  Buffer.from(
    toBinary(WatchViolationsRequestSchema, create(WatchViolationsRequestSchema, { oldest: true })),
  ),
);

/** Streams whose windows are closed: nothing can be sent on them. */
function deafStreams(address: string): RawPeer {
  // SETTINGS_INITIAL_WINDOW_SIZE
  const peer = RawPeer.begin(address, [4, 0]);
  for (let at = 0; at < DEAF; at += 1) {
    peer.send(call(2 * at + 1, WATCH), data(2 * at + 1, FROM_THE_OLDEST, true));
  }
  return peer;
}

/** A connection that is not read at all: no ping is answered. */
function deadPeer(address: string): RawPeer {
  const peer = RawPeer.begin(address);
  peer.send(call(1, WATCH), data(1, FROM_THE_OLDEST, true));
  peer.socket.pause();
  return peer;
}

/** The newest event's sequence: every report is one. */
async function headOf({ sidecar }: Churn): Promise<number> {
  const connection = new Connection(sidecar.agent);
  const { violations } = await connection.call(ViolationService.method.listViolations, {
    pageSize: 1,
  });
  connection.close();
  return Number(violations[0]?.id);
}

/** A consumer that begins with the oldest event and takes its time. */
class Consumer {
  /** The sequences that it saw. */
  readonly seen: number[] = [];
  /** How its stream ended. */
  ended: CallFailed | undefined;
  readonly #connection: Connection;
  readonly #messages: AsyncIterator<WatchViolationsResponse>;

  constructor(address: string) {
    this.#connection = new Connection(address);
    const stream = this.#connection.stream(watchViolations, { oldest: true });
    this.#messages = stream[Symbol.asyncIterator]();
  }

  /** Reads as long as it shall, with a pause after each event, unless the stream ends. */
  async readWhile(shall: () => boolean, pauseMs: number): Promise<void> {
    let ended = false;
    while (shall() && !ended) {
      try {
        const { value } = (await this.#messages.next()) as { value: WatchViolationsResponse };
        if (value.message.case !== 'event') continue;
        this.seen.push(Number(value.message.value.sequence));
        if (pauseMs > 0) await pass(pauseMs);
      } catch (error) {
        if (!(error instanceof CallFailed)) throw error;
        this.ended = error;
        ended = true;
      }
    }
  }

  close(): void {
    this.#connection.close();
  }
}
