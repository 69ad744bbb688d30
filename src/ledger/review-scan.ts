import { setImmediate as nextTurn } from 'node:timers/promises';
import { poolNotFound } from '../domain/decide/checks.js';
import { remainingOf, poolRemainingOf } from '../domain/budget.js';
import type { Rejection } from '../domain/answer.js';
import type { Uid } from '../domain/model.js';
import {
  FINDING_ORDER,
  FINDINGS_MAX,
  isAgentReviewed,
  isPoolReviewed,
  judgeAgent,
  judgePool,
  type FindingKind,
  type ReviewFinding,
  type ReviewRequest,
  type ReviewScan,
} from '../domain/review.js';
import type { ListSources } from './lists.js';
import type { StoreReader } from './store.js';

/** Rows that one turn of a scan looks at: some milliseconds, after which spends have their turn. */
export const SLICE_ROWS = 200;

/** What a scan reads: the store, and what time it is. */
export type ScanSources = Pick<ListSources, 'reader' | 'now'>;

/** What was judged and found so far. */
interface Tally {
  agents: number;
  pools: number;
  readonly found: Record<FindingKind, number>;
  /** At most FINDINGS_MAX of each kind. */
  readonly findings: Readonly<Record<FindingKind, ReviewFinding[]>>;
}

/**
 * Judges every living pool and agent, or one pool and its agents, by their durable rows: outside of any
 * transaction, SLICE_ROWS at a time, so that nobody waits for it. Each is judged as it is at that
 * moment. An agent that comes, goes or moves meanwhile may be missing; none is judged twice. Undefined
 * when it was told to stop.
 */
export async function scan(
  { reader, now }: ScanSources,
  { poolId, thresholds }: ReviewRequest,
  stopped: () => boolean,
): Promise<ReviewScan | Rejection | undefined> {
  const poolUid = poolId === '' ? undefined : reader.poolUid(poolId);
  if (poolId !== '' && poolUid === undefined) return poolNotFound(poolId);
  const startTime = now();
  const tally = emptyTally();

  const pools = {
    from: (after: string | undefined) => poolsOf(reader, poolUid, after),
    keyOf: ({ id }: { readonly id: string }) => id,
  };
  const wentOn = await inSlices(pools, stopped, (pool) => {
    if (!isPoolReviewed(pool)) return;
    tally.pools += 1;
    const kind = judgePool(pool, thresholds);
    if (kind === undefined) return;
    const { id, unit, baseline } = pool;
    const remaining = poolRemainingOf(pool);
    add(tally, kind, () => ({ kind, agentId: '', poolId: id, unit, remaining, baseline }));
  });
  if (!wentOn) return undefined;

  const agents = {
    from: (after: string | undefined) => reader.agentIds(after, poolUid),
    keyOf: ([id]: readonly [id: string, uid: Uid]) => id,
  };
  const finished = await inSlices(agents, stopped, ([, uid]) => {
    const agent = reader.agent(uid);
    if (agent === undefined || !isAgentReviewed(agent)) return;
    tally.agents += 1;
    const kind = judgeAgent(agent, thresholds);
    if (kind === undefined) return;
    const { id: agentId, baseline } = agent;
    add(tally, kind, () => {
      const { id = '', unit = '' } = reader.pool(agent.poolUid) ?? {};
      return { kind, agentId, poolId: id, unit, remaining: remainingOf(agent), baseline };
    });
  });
  if (!finished) return undefined;

  const { findings, found } = tally;
  return {
    startTime,
    endTime: now(),
    counts: { agents: tally.agents, pools: tally.pools, found },
    findings: FINDING_ORDER.flatMap((kind) => findings[kind]).slice(0, FINDINGS_MAX),
  };
}

function emptyTally(): Tally {
  return {
    agents: 0,
    pools: 0,
    found: { POOL_LOW: 0, AGENT_DEPLETED: 0, AGENT_UNDERUSED: 0 },
    findings: { POOL_LOW: [], AGENT_DEPLETED: [], AGENT_UNDERUSED: [] },
  };
}

/** Counts a finding, and keeps it while there is room. */
function add(tally: Tally, kind: FindingKind, make: () => ReviewFinding): void {
  tally.found[kind] += 1;
  if (tally.findings[kind].length < FINDINGS_MAX) tally.findings[kind].push(make());
}

function poolsOf(reader: StoreReader, uid: Uid | undefined, after: string | undefined) {
  if (uid === undefined) return reader.pools(after);
  const pool = reader.pool(uid);
  return pool === undefined || after !== undefined ? [] : [pool];
}

/** Walks rows by key, a turn for every SLICE_ROWS. False when it was told to stop. */
async function inSlices<Row>(
  {
    from,
    keyOf,
  }: {
    readonly from: (after: string | undefined) => Iterable<Row>;
    readonly keyOf: (row: Row) => string;
  },
  stopped: () => boolean,
  visit: (row: Row) => void,
): Promise<boolean> {
  let last: string | undefined;
  for (;;) {
    let visited = 0;
    for (const row of from(last)) {
      visit(row);
      last = keyOf(row);
      visited += 1;
      if (visited === SLICE_ROWS) break;
    }
    await nextTurn();
    if (stopped()) return false;
    if (visited < SLICE_ROWS) return true;
  }
}
