import { create, toBinary } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import {
  GetUsageHistoryRequestSchema,
  MetricsService,
  UsageGranularity,
} from '../../src/gen/safeguards/v1/metrics_service_pb.js';
import { operatorOf } from '../admin.js';
import type { OpenLoad } from '../loads.js';
import { agentId } from '../requests.js';
import { comparison, type Scenario } from '../scenario.js';
import { copyOf, seededStore } from '../seed/seed.js';
import { p50, side } from '../sides.js';
import { Connection } from '../wire/connection.js';
import { fieldOf } from '../wire/field.js';

const MINUTES = 1_440;
const DAY_MS = MINUTES * 60_000;
const PAGE_SIZE = 1_000;
const PATH = `/${MetricsService.typeName}/GetUsageHistory`;
const BUCKETS = 2;
const NEXT_PAGE_TOKEN = 3;

/** Asks for all pages of a day in minutes, one after the other, again and again. */
function days(endMs: number): OpenLoad {
  const query = {
    agentId: agentId(0),
    startTime: timestampFromMs(endMs - DAY_MS),
    endTime: timestampFromMs(endMs),
    granularity: UsageGranularity.MINUTE,
    pageSize: PAGE_SIZE,
  };
  const page = (pageToken: string) =>
    Buffer.from(
      toBinary(
        GetUsageHistoryRequestSchema,
        create(GetUsageHistoryRequestSchema, { ...query, pageToken }),
      ),
    );
  const first = page('');
  return async (address) => {
    let fail: (error: Error) => void = () => undefined;
    const broken = new Promise<never>((_resolve, reject) => {
      fail = reject;
    });
    broken.catch(() => undefined);
    const connection = await Connection.open(address, fail);
    const ask = (request: Buffer, done: () => void): void => {
      connection.unary(PATH, request, (answer) => {
        if (fieldOf(answer, BUCKETS) === undefined) fail(new Error('a page has no buckets'));
        const token = fieldOf(answer, NEXT_PAGE_TOKEN);
        if (token === undefined) done();
        else ask(page(String(token)), done);
      });
    };
    return {
      slots: 1,
      unitsPerTask: 1,
      task: (_slot, done) => ask(first, done),
      flush: () => connection.flush(),
      broken,
      close: () => connection.close(),
    };
  };
}

/** Throws unless a day has a bucket in each of its minutes. */
async function mustBeWhole(admin: string, endMs: number): Promise<void> {
  const { metrics } = operatorOf(admin);
  let pageToken = '';
  let buckets = 0;
  do {
    const page = await metrics.getUsageHistory({
      agentId: agentId(0),
      startTime: timestampFromMs(endMs - DAY_MS),
      endTime: timestampFromMs(endMs),
      granularity: UsageGranularity.MINUTE,
      pageSize: PAGE_SIZE,
      pageToken,
    });
    buckets += page.buckets.length;
    pageToken = page.nextPageToken;
  } while (pageToken !== '');
  if (buckets !== MINUTES) throw new Error(`the day has ${buckets} of ${MINUTES} minutes`);
}

const history = comparison({
  name: 'history',
  title: 'GetUsageHistory of 24 hours in minute buckets, 1,440 of them in two pages',
  gauges: [
    { name: 'p50 of all pages', unit: 'ms', target: { atMost: 10 }, of: ([all]) => p50(all) },
  ],
  sideCount: 1,
  setup: () => 15,
  sides: async (stage) => {
    const endMs = Math.floor(Date.now() / 60_000) * 60_000;
    const seed = { kind: 'day', minutes: MINUTES } as const;
    const dataDir = copyOf(stage, await seededStore(stage, seed));
    const sidecar = await stage.sidecar({ dataDir });
    await mustBeWhole(sidecar.admin, endMs);
    return [await side('sidecar', days(endMs), sidecar)];
  },
});

/** What was spent when. */
export const HISTORY: readonly Scenario[] = [history];
