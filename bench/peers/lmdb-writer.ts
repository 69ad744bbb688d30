/**
 * The limit of the store: rows of a spend's sizes by lmdb alone, one transaction for what one turn of
 * the event loop has, each synced. No transport, no codec, no decision. Runs for the seconds that its
 * parent says, and answers with what it did.
 */
import { randomBytes } from 'node:crypto';
import { open } from 'lmdb';
import { AGENTS } from '../requests.js';
import { percentile } from '../statistic.js';

/** Bytes of the rows of a spend, as the sidecar writes them. */
const ROW_BYTES = { entry: 275, request: 110, agent: 150, usage: 180, header: 150 } as const;

const [, , folder = '', slotsText = '1'] = process.argv;
const slots = Number(slotsText);
const bytesOnly = { encoding: 'binary', keyEncoding: 'binary', cache: false } as const;
const root = open<Buffer, Buffer>(folder, {
  ...bytesOnly,
  noSubdir: false,
  mapSize: 2 ** 36,
  maxDbs: 5,
  overlappingSync: false,
  eventTurnBatching: true,
});
const table = (name: string) => {
  const rows = root.openDB<Buffer, Buffer>({ ...bytesOnly, name });
  return { rows, value: randomBytes(ROW_BYTES[name as keyof typeof ROW_BYTES]) };
};
const tables = {
  entry: table('entry'),
  request: table('request'),
  agent: table('agent'),
  usage: table('usage'),
  header: table('header'),
} as const;

let spends = 0;
let turn = 0;

/** Writes what waits in one transaction, rows that spends share once. */
async function commit(count: number): Promise<void> {
  await root.transaction(() => {
    const touched = new Set<number>();
    for (let index = 0; index < count; index += 1) {
      spends += 1;
      put('entry', spends);
      put('request', spends);
      touched.add((turn += 618) % AGENTS);
    }
    for (const agent of touched) {
      put('agent', agent);
      put('usage', agent);
    }
    put('header', 0);
  });
}

function put(name: keyof typeof tables, number: number): void {
  const key = Buffer.alloc(name === 'request' ? 45 : 8);
  key.writeDoubleBE(number, 0);
  const { rows, value } = tables[name];
  rows.putSync(key, value);
}

async function run(seconds: number) {
  const times: number[] = [];
  const end = performance.now() + seconds * 1_000;
  const before = process.cpuUsage();
  const start = performance.now();
  let begun = start;
  while (begun < end) {
    await commit(slots);
    const now = performance.now();
    for (let slot = 0; slot < slots; slot += 1) times.push(now - begun);
    begun = now;
  }
  const elapsed = (performance.now() - start) / 1_000;
  const { user, system } = process.cpuUsage(before);
  times.sort((a, b) => a - b);
  return {
    times: times.length,
    p50: percentile(times, 0.5),
    p99: percentile(times, 0.99),
    elapsed,
    cpuUs: user + system,
  };
}

process.on('message', (seconds: number) => {
  void run(seconds).then((done) => process.send?.(done));
});
process.once('disconnect', () => process.exit());
process.send?.('ready');
