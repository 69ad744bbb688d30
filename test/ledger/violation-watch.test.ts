import { setImmediate as nextTurn } from 'node:timers/promises';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { ViolationMessage, ViolationWatch } from '../../src/ledger/violation-watch.js';
import * as order from '../fakes/commands.js';
import { MINUTE, SECOND } from '../fakes/manual-time.js';
import { MemoryLedger, OPERATOR, STORE_ID } from '../fakes/memory-ledger.js';
import { report, resolve, said, watchFrom } from '../fakes/violations.js';
import { runs } from '../support/seed.js';

let memory: MemoryLedger;
let abort: AbortController;
beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  abort = new AbortController();
  memory = await opened();
});
afterEach(() => {
  abort.abort();
  vi.useRealTimers();
});

async function opened(violationsMax = 1_000_000): Promise<MemoryLedger> {
  const made = await MemoryLedger.open({ sweepIntervalMs: MINUTE, violationsMax });
  await made.must(order.createPool('p', '1000'));
  for (const id of ['a', 'b']) await made.must(order.createAgent(id, 'p', '100'));
  return made;
}

/** Reports by many agents' worth of minutes: none is refused. */
async function reports(agentId: string, count: number): Promise<void> {
  for (let at = 0; at < count; at += 1) {
    memory.time.pass(SECOND);
    await memory.must(report(agentId));
  }
}

/** A watch that is read message by message, in words. */
class Watcher {
  readonly #messages: AsyncIterator<ViolationMessage>;

  constructor(watch: ViolationWatch, on = memory, signal = abort.signal) {
    const messages = on.ledger.watchViolations(watch, signal);
    if ('verdict' in messages) throw new Error(messages.reason);
    this.#messages = messages[Symbol.asyncIterator]();
  }

  async next(): Promise<string> {
    const step = await this.#messages.next();
    return step.done === true ? 'the end' : wordsOf(step.value);
  }

  async take(count: number): Promise<readonly string[]> {
    const said: string[] = [];
    while (said.length < count) said.push(await this.next());
    return said;
  }
}

function wordsOf(message: ViolationMessage): string {
  if (message.kind === 'EVENT') return said(message.event);
  if (message.kind === 'BOOKMARK') {
    expect(message.storeId).toBe(STORE_ID);
    return `at ${message.sequence}${message.live ? ' live' : ''}`;
  }
  const { reason, metadata } = message.rejection;
  return `${reason} ${Object.values(metadata).join(' ')}`;
}

function opening(sequence: number): string {
  return `${sequence} OPENED #${sequence} MEDIUM CUSTOM OPEN x1`;
}

function refusal(watch: ViolationWatch): unknown {
  const refused = memory.ledger.watchViolations(watch, abort.signal);
  if (!('verdict' in refused)) throw new Error('the watch was accepted');
  return { reason: refused.reason, ...refused.metadata };
}

describe('a watch', () => {
  test('from now on sees what comes, after a bookmark', async () => {
    await reports('a', 3);
    const watcher = new Watcher(watchFrom('NOW'));
    expect(await watcher.next()).toBe('at 3 live');
    await reports('a', 2);
    expect(await watcher.take(2)).toEqual([opening(4), opening(5)]);
  });

  test('misses nothing that happens before its first message is read', async () => {
    const watcher = new Watcher(watchFrom('NOW'));
    await reports('a', 1);
    expect((await watcher.take(2)).at(-1)).toBe(opening(1));
  });

  test.each<readonly [string, ViolationWatch['start'], number]>([
    ['before the first', 0, 0],
    ['an event', 2, 2],
    ['the oldest', 'OLDEST', 0],
  ])('from %s sees the backlog, a bookmark and then what is new', async (_name, start, after) => {
    await reports('a', 4);
    const watcher = new Watcher(watchFrom(start));
    const backlog = [1, 2, 3, 4].filter((sequence) => sequence > after).map(opening);
    expect(await watcher.take(backlog.length + 2)).toEqual([
      `at ${after}`,
      ...backlog,
      'at 4 live',
    ]);
    await reports('b', 1);
    expect(await watcher.next()).toBe(opening(5));
  });

  test('reads a backlog of many slices, from memory or after a restart', async () => {
    await reports('a', 700);
    const all = Array.from({ length: 700 }, (_, at) => opening(at + 1));
    expect(await new Watcher(watchFrom(0)).take(702)).toEqual(['at 0', ...all, 'at 700 live']);
    memory = await memory.restart();
    const watchers = [0, 100, 256, 511].map(
      (start) => [start, new Watcher(watchFrom(start))] as const,
    );
    for (const [start, watcher] of watchers) {
      const rest = all.slice(start);
      const heard = await watcher.take(rest.length + 2);
      expect(heard).toEqual([`at ${start}`, ...rest, 'at 700 live']);
    }
  });

  test('is not told of what is not durable yet', async () => {
    const watcher = new Watcher(watchFrom('NOW'));
    await watcher.next();
    memory.kv.hold();
    const reported = memory.must(report('a'));
    const next = watcher.next();
    const first = await Promise.race([next, turns(5).then(() => 'nothing')]);
    expect(first).toBe('nothing');
    memory.kv.flush();
    await reported;
    expect(await next).toBe(opening(1));
  });

  test('tells where it stopped when it is ended', async () => {
    await reports('a', 2);
    const watcher = new Watcher(watchFrom(0));
    expect(await watcher.take(2)).toEqual(['at 0', opening(1)]);
    abort.abort();
    expect(await watcher.take(2)).toEqual(['SHUTTING_DOWN 1', 'the end']);
  });

  test('ends when it waits for news', async () => {
    const watcher = new Watcher(watchFrom('NOW'));
    await watcher.next();
    const next = watcher.next();
    abort.abort();
    expect(await next).toBe('SHUTTING_DOWN 0');
  });
});

async function turns(count: number): Promise<void> {
  for (let at = 0; at < count; at += 1) await nextTurn();
}

describe('a filter', () => {
  test.each([
    ['agents', { agentIds: new Set(['a', 'later']) }, [1, 3, 4]],
    ['a pool', { poolId: 'q' }, []],
    ['types', { types: new Set(['OVERSPEND'] as const) }, [2]],
    ['a severity and above', { minSeverity: 'HIGH' as const }, [3]],
    ['kinds', { kinds: new Set(['RESOLVED'] as const) }, [4]],
  ])('of %s judges the violation as it is in the event', async (_name, filter, expected) => {
    await memory.must(report('a'));
    await memory.verdict(order.spend('b', '101'));
    await memory.must(report('a', { severity: 'HIGH' }));
    await memory.must(resolve(1), OPERATOR);
    const watcher = new Watcher(watchFrom(0, filter));
    const heard = await watcher.take(expected.length + 2);
    expect(heard.map((words) => words.split(' ')[0])).toEqual([
      'at',
      ...expected.map(String),
      'at',
    ]);
    expect(heard.at(-1)).toBe('at 4 live');
  });

  test('that keeps everything back moves its bookmarks on all the same', async () => {
    await reports('a', 600);
    const watcher = new Watcher(watchFrom(0, { agentIds: new Set(['b']) }));
    expect(await watcher.take(2)).toEqual(['at 0', 'at 600 live']);
  });
});

describe('a cursor', () => {
  test('from the future is unknown', async () => {
    await reports('a', 2);
    expect(refusal(watchFrom(3))).toEqual({
      reason: 'CURSOR_UNKNOWN',
      after_sequence: '3',
      newest_sequence: '2',
    });
  });

  test('of another store is unknown, whatever it is', () => {
    for (const start of [0, 'OLDEST', 'NOW'] as const) {
      const watch = { ...watchFrom(start), storeId: 'another' };
      expect(refusal(watch)).toEqual({ reason: 'CURSOR_UNKNOWN', store_id: STORE_ID });
    }
    expect(new Watcher({ ...watchFrom(0), storeId: STORE_ID })).toBeDefined();
  });

  test('before what is kept is compacted, and names the oldest', async () => {
    memory = await opened(5);
    await reports('a', 12);
    vi.advanceTimersByTime(MINUTE);
    await turns(20);
    expect(refusal(watchFrom(6))).toEqual({ reason: 'CURSOR_COMPACTED', oldest_sequence: '8' });
    expect((await new Watcher(watchFrom(7)).take(2)).at(-1)).toBe(opening(8));
    expect((await new Watcher(watchFrom('OLDEST')).take(2)).at(-1)).toBe(opening(8));
  });

  test('that retention overtakes ends the watch of a slow reader', async () => {
    memory = await opened(100);
    await reports('a', 100);
    memory = await memory.restart();
    const watcher = new Watcher(watchFrom(0));
    expect(await watcher.take(2)).toEqual(['at 0', opening(1)]);
    await reports('a', 400);
    vi.advanceTimersByTime(MINUTE);
    await turns(20);
    // What it had begun to read comes still, and then no gap.
    const heard: string[] = [];
    for (let words = await watcher.next(); words !== 'the end'; words = await watcher.next()) {
      heard.push(words);
    }
    expect(heard.at(-1)).toBe('CURSOR_COMPACTED 401');
    expect(heard.slice(0, -1)).toEqual(heard.slice(0, -1).map((_, at) => opening(at + 2)));
  });
});

describe('silence', () => {
  /** The feed looks for silent watchers. */
  async function tick(): Promise<void> {
    vi.advanceTimersByTime(250);
    await turns(3);
  }

  test('is broken by a bookmark every ten seconds, counted from the last message', async () => {
    const watcher = new Watcher(watchFrom('NOW', { agentIds: new Set(['a']) }));
    expect(await watcher.next()).toBe('at 0 live');
    let heard: string | undefined;
    const listen = () => {
      void watcher.next().then((words) => (heard = words));
    };
    listen();
    memory.time.pass(10 * SECOND - 1);
    await tick();
    expect(heard).toBeUndefined();
    memory.time.pass(1);
    await tick();
    expect(heard).toBe('at 0 live');
    listen();
    memory.time.pass(6 * SECOND);
    await memory.must(report('a'));
    await turns(3);
    expect(heard).toBe(opening(1));
    listen();
    // What the filter keeps back is silence too, and the bookmark is past it.
    memory.time.pass(6 * SECOND);
    await memory.must(report('b'));
    await tick();
    expect(heard).toBe(opening(1));
    memory.time.pass(4 * SECOND);
    await tick();
    expect(heard).toBe('at 2 live');
  });
});

describe('watchers that come and go', () => {
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom('write', 'write many', 'deny', 'settle') },
    { weight: 4, arbitrary: fc.record({ read: fc.nat(5), count: fc.nat(40) }) },
    { weight: 3, arbitrary: fc.record({ leave: fc.nat(5) }) },
    { weight: 2, arbitrary: fc.constantFrom('restart', 'crash') },
  );

  /** A client that keeps its cursor and what it saw, across its own ends and the ledger's. */
  class Client {
    readonly seen: number[] = [];
    cursor: number;
    #ending = new AbortController();
    #messages: AsyncIterator<ViolationMessage> | undefined;
    #pending: Promise<IteratorResult<ViolationMessage>> | undefined;

    constructor(cursor: number) {
      this.cursor = cursor;
    }

    leave(): void {
      this.#ending.abort();
      this.#ending = new AbortController();
      this.#messages = undefined;
      this.#pending = undefined;
    }

    /** Reads up to so many messages, or until none comes. */
    async read(count: number): Promise<void> {
      for (let at = 0; at < count; at += 1) {
        this.#messages ??= this.#connected();
        this.#pending ??= this.#messages.next();
        const step = await Promise.race([this.#pending, turns(12)]);
        if (step === undefined) return;
        this.#pending = undefined;
        if (step.done === true) throw new Error('the watch ended');
        if (step.value.kind === 'EVENT') {
          this.cursor = step.value.event.sequence;
          this.seen.push(this.cursor);
        }
        if (step.value.kind === 'BOOKMARK') {
          expect(step.value.sequence).toBe(this.cursor);
        }
      }
    }

    #connected(): AsyncIterator<ViolationMessage> {
      const messages = memory.ledger.watchViolations(watchFrom(this.cursor), this.#ending.signal);
      if ('verdict' in messages) throw new Error(messages.reason);
      return messages[Symbol.asyncIterator]();
    }
  }

  async function write(what: string, at: number): Promise<void> {
    memory.time.pass(7 * SECOND);
    if (what === 'write') await memory.do(report('a'));
    if (what === 'write many') {
      const many = Array.from({ length: 20 }, () => memory.do(report(at % 2 ? 'a' : 'b')));
      await Promise.all(many);
    }
    if (what === 'deny') await memory.do(order.spend('a', '101'));
    if (what === 'settle') await memory.do(resolve(1 + at), OPERATOR);
    if (what === 'restart') memory = await memory.restart();
    if (what === 'crash') memory = await memory.crash();
  }

  test('see each event exactly once, in order, across restarts and crashes', async () => {
    const property = fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      memory = await opened();
      const clients = Array.from({ length: 6 }, () => new Client(0));
      for (const [at, what] of steps.entries()) {
        if (typeof what === 'string') {
          await write(what, at);
          if (what === 'restart' || what === 'crash') for (const client of clients) client.leave();
        } else if ('read' in what) await clients[what.read]!.read(what.count);
        else clients[what.leave]!.leave();
      }
      const head = memory.store.header().violationSequence;
      const all = Array.from({ length: head }, (_, at) => at + 1);
      for (const client of clients) {
        await client.read(head + 10);
        expect(client.seen).toEqual(all);
        client.leave();
      }
    });
    await fc.assert(property, runs('watchers of violations', 60));
  });
});
