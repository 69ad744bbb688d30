import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { StoreRecordSchema } from '../../src/gen/safeguards/store/v1/records_pb.js';
import { openLmdb } from '../../src/store/lmdb.js';
import { STORE_FOLDER } from '../../src/store/open.js';
import { HEADER_KEY } from '../../src/store/record-reader.js';
import { forgeValue } from '../store/support/tampering.js';
import { refusal, serveOn } from './process.js';
import { temporaryDataDir } from './temporary.js';
import { makeAgent, spendOften, spentBy, verify } from './traffic.js';

const TWO_YEARS_MS = 2n * 365n * 24n * 3_600_000n;

test('a clock that is years ahead of the data is believed only when an operator says so', async () => {
  const dataDir = temporaryDataDir();
  const first = await serveOn(dataDir);
  await first.end('SIGTERM');
  await makeOlder(dataDir);

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

/** As if the sidecar had last run two years ago. */
async function makeOlder(dataDir: string): Promise<void> {
  const folder = path.join(dataDir, STORE_FOLDER);
  const kv = openLmdb({ folder, mapBytes: 2 ** 30, readOnly: false });
  const value = forgeValue('meta', kv.get('meta', HEADER_KEY)!, StoreRecordSchema, (header) => {
    header.timeMs -= TWO_YEARS_MS;
  });
  await kv.transact([{ table: 'meta', key: HEADER_KEY, value }]);
  await kv.close();
}
