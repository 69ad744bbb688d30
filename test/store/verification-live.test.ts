import { describe, expect, test } from 'vitest';
import type { Command } from '../../src/domain/command.js';
import { openLedger, type Ledger } from '../../src/ledger/ledger.js';
import type { KeyValueStore } from '../../src/store/kv.js';
import { recordStore } from '../../src/store/record-store.js';
import { verifyRows } from '../../src/store/verify.js';
import * as order from '../fakes/commands.js';
import { ManualTime, MINUTE, SECOND } from '../fakes/manual-time.js';
import { AGENT, firstHeader, STORE_ID, UNCUT } from '../fakes/memory-ledger.js';
import { POLICY } from '../fakes/world.js';
import { numberFrom, randomFrom } from '../support/seed.js';
import { BACKENDS } from './support/backends.js';

const AGENTS = ['a', 'b', 'c', 'd'];
const SEED = numberFrom('SAFEGUARDS_SEED', Date.now() & 0x7fffffff);

/** More entries than a verification folds in one turn. */
const ENTRIES = 5_000;

describe.each(BACKENDS)('in $name', ({ name, begin }) => {
  test('a verification while others write finds nothing', async () => {
    process.stdout.write(`verification while writing in ${name}: SAFEGUARDS_SEED=${SEED}\n`);
    const { kv } = begin();
    const { ledger, time } = await ledgerOn(kv);
    let ended = false;
    const write = async (seed: number): Promise<void> => {
      const random = randomFrom(seed);
      while (!ended) await step(ledger, random, time);
    };
    const writers = Array.from({ length: 16 }, (_, at) => write(SEED + at));
    while (ledger.info().headSequence < ENTRIES) await new Promise(setImmediate);
    for (let run = 0; run < 3; run += 1) {
      const report = await verifyRows(kv, STORE_ID, 'ALL');
      expect(report.findings).toEqual([]);
      expect(report.entries).toBeGreaterThanOrEqual(ENTRIES);
    }
    ended = true;
    await Promise.all(writers);
    await ledger.close();
  });
});

async function ledgerOn(kv: KeyValueStore) {
  const store = recordStore(kv, {
    owner: '',
    verify: () => verifyRows(kv, STORE_ID, 'ALL'),
    backup: () => Promise.reject(new Error('no backups here')),
    close: () => kv.close(),
  });
  const time = new ManualTime();
  await store.transact((writer) => writer.putHeader(firstHeader(time.wall())));
  store.refreshReads();
  const ledger = await openLedger({
    store,
    time,
    clock: { jumpMaxMs: MINUTE, settleMs: 5 * MINUTE },
    policy: POLICY,
    idempotencyTtlMs: 60 * MINUTE,
    sweepIntervalMs: 50,
    queueCommandsMax: 10_000,
    groupCommandsMax: 1_024,
    agentCacheRows: 1_000,
    reservationCacheRows: 1_000,
    watchedAgentsMax: 10,
    ...UNCUT,
    violationsRetentionMs: 24 * 60 * MINUTE,
    violationsMax: 1_000,
    outbox: { pendingDeliveriesMax: 10, deadLettersMax: 10, deadLettersRetentionMs: 60 * MINUTE },
    onDeliveriesDropped: () => undefined,
    onDiskLevel: () => undefined,
    onDamage: (message) => {
      throw new Error(message);
    },
    onStorageFailed: (error) => {
      throw error;
    },
  });
  const operator = { principal: 'admin', traceId: '' };
  await ledger.execute(order.createPool('p', '1000000'), operator);
  for (const id of AGENTS) await ledger.execute(order.createAgent(id, 'p', '100000'), operator);
  return { ledger, time };
}

/** A spend, a hold that is settled, given back or forgotten, or a transfer. */
async function step(ledger: Ledger, random: () => number, time: ManualTime): Promise<void> {
  const execute = (command: Command) => ledger.execute(command, AGENT);
  const [from, to] = [0, 1].map(() => AGENTS[Math.floor(random() * AGENTS.length)]!);
  const dice = random();
  if (dice < 0.01) time.pass(SECOND);
  if (dice < 0.5) {
    await execute(order.spend(from!, '0.25', { mode: 'FORCE' }));
    return;
  }
  if (dice < 0.6) {
    await execute(order.transfer(`agent ${from!}`, `agent ${to!}`, '1'));
    return;
  }
  const held = await execute(order.reserve(from!, '2', { ttlMs: 5 * SECOND }));
  const id = held.verdict === 'APPROVED' ? held.reservation!.id : '';
  if (dice < 0.8) await execute(order.commit(id, '1.5'));
  else if (dice < 0.9) await execute(order.release(id));
}
