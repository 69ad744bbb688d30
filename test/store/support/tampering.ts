import { fromBinary, toBinary, type DescMessage, type MessageShape } from '@bufbuild/protobuf';
import type { VerificationReport } from '../../../src/ledger/api.js';
import { FRAME_BYTES, openFrame, sealFrame } from '../../../src/store/frame.js';
import type { Table } from '../../../src/store/kv.js';
import { verifyRows } from '../../../src/store/verify.js';
import type { VerificationScope } from '../../../src/store/verify.js';
import * as order from '../../fakes/commands.js';
import { HOUR, SECOND } from '../../fakes/manual-time.js';
import { MemoryKeyValueStore, type MemoryDisk } from '../../fakes/memory-kv.js';
import { MemoryLedger, STORE_ID } from '../../fakes/memory-ledger.js';

/** A ledger in which everything has happened, and what a test must know of it. */
export interface Used {
  readonly disk: MemoryDisk;
  readonly head: number;
  /** A spend in the middle of the ledger. */
  readonly spend: number;
  /** Two neighbouring entries. */
  readonly pair: readonly [number, number];
  readonly agent: number;
  /** An agent that holds nothing. */
  readonly idle: number;
  readonly pool: number;
  readonly open: string;
  readonly settled: string;
  readonly idleSettled: string;
}

/** Does a bit of everything: spends, holds in every state, moves, refunds, transfers, deletions. */
export async function usedLedger(): Promise<Used> {
  const it = await MemoryLedger.open();
  await it.must(order.createPool('p', '1000'));
  await it.must(order.createPool('q', '1000'));
  const pool = (await it.must(order.fundPool('p', '10'))).pool!.uid;
  const agent = (await it.must(order.createAgent('a', 'p', '100'))).agent!.uid;
  const idle = (await it.must(order.createAgent('b', 'p', '100'))).agent!.uid;
  await it.must(order.createAgent('c', 'q', '50'));
  await it.must(order.createAgent('d', 'q', '50'));

  const hold = async (agentId: string, amount: string, ttlMs = HOUR) =>
    (await it.must(order.reserve(agentId, amount, { ttlMs }))).reservation!.id;
  const settled = await hold('a', '5');
  await it.must(order.commit(settled, '6'));
  await it.must(order.release(await hold('a', '3')));
  const idleSettled = await hold('b', '4');
  await it.must(order.commit(idleSettled, '4'));
  await hold('c', '2', SECOND);
  it.time.pass(2 * SECOND);

  const spend = (await it.must(order.spend('a', '7.5', { category: 'model' }))).sequence;
  const second = (await it.must(order.spend('b', '1'))).sequence;
  await it.must(order.refund(spend, '2.5'));
  await it.must(order.spend('c', '70', { mode: 'FORCE' }));
  await it.must(order.moveAgent('d', 'p'));
  await it.must(order.transfer('agent d', 'agent b', '10'));
  await it.must(order.setBudget('b', '120'));
  await it.must(order.adjustBudget('a', '-1'));
  await it.must(order.deleteAgent('d'));
  await it.must(order.agentState('FREEZE_AGENT', 'c'));
  const open = await hold('a', '9');
  await it.must(order.commit(open, '2', { final: false }));
  await it.must(order.extend(open, 2 * HOUR));
  await it.must(order.spend('b', '0.25'));
  const { disk, head } = it;
  const pair = [spend, second] as const;
  return { disk, head, spend, pair, agent, idle, pool, open, settled, idleSettled };
}

/** Verifies what is on a disk. */
export function verifyDisk(
  disk: MemoryDisk,
  scope: VerificationScope = 'ALL',
): Promise<VerificationReport> {
  return verifyRows(new MemoryKeyValueStore(disk), STORE_ID, scope);
}

/** Changes a record so that nothing but its meaning is wrong: its check value is made anew. */
export function forge<Desc extends DescMessage>(
  disk: MemoryDisk,
  table: Table,
  key: Buffer,
  schema: Desc,
  change: (record: MessageShape<Desc>) => void,
): void {
  const value = disk.get(table, key);
  if (value === undefined) throw new Error(`${table} has no such row`);
  disk.set(table, key, forgeValue(table, value, schema, change));
}

/** A record with a change in it, in a frame that fits. */
export function forgeValue<Desc extends DescMessage>(
  table: Table,
  value: Buffer,
  schema: Desc,
  change: (record: MessageShape<Desc>) => void,
): Buffer {
  const record = fromBinary(schema, openFrame(table, value));
  change(record);
  const message = toBinary(schema, record);
  const framed = Buffer.alloc(FRAME_BYTES + message.length);
  framed.set(message, FRAME_BYTES);
  sealFrame(framed, 0);
  return framed;
}

/** Flips a bit in the middle of a row. */
export function flipBit(disk: MemoryDisk, table: Table, key: Buffer): void {
  const value = Buffer.from(disk.get(table, key)!);
  const at = Math.floor(value.length / 2);
  value[at] = value[at]! ^ 0x10;
  disk.set(table, key, value);
}
