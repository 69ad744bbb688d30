/** Reviews of a ledger that goes on while they read it. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { beforeEach, describe, expect, test } from 'vitest';
import { formatAmount } from '../../src/domain/amount.js';
import type { Rejection } from '../../src/domain/answer.js';
import type { ReviewTrigger } from '../../src/domain/review.js';
import type { Caller } from '../../src/ledger/api.js';
import type { MadeReview, ReviewView } from '../../src/ledger/metrics-views.js';
import { scan, SLICE_ROWS } from '../../src/ledger/review-scan.js';
import type { StoreReader } from '../../src/ledger/store.js';
import { reviewOf } from '../fakes/annotations.js';
import {
  agentState,
  createAgent,
  createPool,
  deleteAgent,
  moveAgent,
  setBudget,
  spend,
} from '../fakes/commands.js';
import { HOUR, MINUTE, T0 } from '../fakes/manual-time.js';
import { MemoryLedger, OPERATOR } from '../fakes/memory-ledger.js';
import { money } from '../support/seed.js';

let memory: MemoryLedger;
beforeEach(async () => {
  memory = await MemoryLedger.open();
  await memory.must(createPool('p', '1000'));
});

/** As the ledger's, and fails unless it was made. */
async function review(
  over: Parameters<typeof reviewOf>[0] = {},
  trigger: ReviewTrigger = 'MANUAL',
  caller = OPERATOR,
): Promise<MadeReview> {
  const made = await memory.ledger.runReview(reviewOf(over), trigger, caller);
  if ('verdict' in made) throw new Error(made.reason);
  return made;
}

function lines({ view }: MadeReview): readonly string[] {
  return view!.findings.map((finding) => {
    const { kind, agentId, poolId, unit, remaining, baseline } = finding;
    const amounts = `${formatAmount(remaining)}/${formatAmount(baseline)} ${unit}`;
    return `${kind} ${agentId} ${poolId} ${amounts}`;
  });
}

/** Agents with 100 each, and what each has left. */
async function agents(left: Readonly<Record<string, string>>, poolId = 'p'): Promise<void> {
  for (const [id, remaining] of Object.entries(left)) {
    await memory.must(createAgent(id, poolId, '100'));
    const spent = formatAmount(money('100') - money(remaining));
    await memory.must(spend(id, spent, { mode: 'FORCE' }));
  }
}

describe('a review', () => {
  test('finds who has much or little left, the most severe first, then by id', async () => {
    await agents({ under: '91', right: '90', edge: '10', low: '9', broke: '-20' });
    await memory.must(createPool('q', '1000'));
    await memory.must(createAgent('big', 'q', '850'));
    await memory.must(spend('big', '801'));
    await memory.must(createAgent('gone', 'q', '1'));
    await memory.must(deleteAgent('gone'));
    await memory.must(agentState('FREEZE_AGENT', 'low'));
    const made = await review({ reason: 'monday' }, 'MANUAL', { principal: 'ada', traceId: 't' });
    expect(lines(made)).toEqual([
      'POOL_LOW  q 199/1000 USD',
      'AGENT_DEPLETED big q 49/850 USD',
      'AGENT_DEPLETED broke p -20/100 USD',
      'AGENT_DEPLETED low p 9/100 USD',
      'AGENT_UNDERUSED under p 91/100 USD',
    ]);
    expect(made.view?.review).toEqual({
      sequence: memory.head,
      ordinal: 1,
      trigger: 'MANUAL',
      principal: 'ada',
      poolId: '',
      thresholds: reviewOf().thresholds,
      startTime: T0,
      endTime: T0,
      counts: {
        agents: 6,
        pools: 2,
        found: { POOL_LOW: 1, AGENT_DEPLETED: 3, AGENT_UNDERUSED: 1 },
      },
      kept: 5,
    });
    const { entry } = memory.store.entry(memory.head)!;
    expect(entry).toMatchObject({ kind: 'ANNOTATE', principal: 'ada', reason: 'monday' });
    expect(entry).toMatchObject({ method: 'RUN_REVIEW', accounts: [] });
  });

  test('of one pool looks at it and its agents only', async () => {
    await memory.must(createPool('q', '1000'));
    await agents({ a: '95', moved: '95' });
    await agents({ b: '95' }, 'q');
    await memory.must(moveAgent('moved', 'q'));
    expect(lines(await review({ poolId: 'q' }))).toEqual([
      'AGENT_UNDERUSED b q 95/100 USD',
      'AGENT_UNDERUSED moved q 95/100 USD',
    ]);
    expect(
      await memory.ledger.runReview(reviewOf({ poolId: 'x' }), 'MANUAL', OPERATOR),
    ).toMatchObject({ reason: 'POOL_NOT_FOUND', metadata: { pool_id: 'x' } });
  });

  test('is judged by the thresholds that were asked for', async () => {
    await agents({ a: '60', b: '40' });
    const thresholds = {
      agentUnderusedPercent: money('59.5'),
      agentDepletedPercent: money('40.1'),
      poolLowPercent: money('91'),
    };
    expect(lines(await review({ thresholds }))).toEqual([
      'POOL_LOW  p 900/1000 USD',
      'AGENT_DEPLETED b p 40/100 USD',
      'AGENT_UNDERUSED a p 60/100 USD',
    ]);
  });

  test('changes nothing but the ledger, which verifies, and reports no violation', async () => {
    await agents({ a: '5' });
    const before = memory.ledger.agent('a');
    await review();
    await review({ poolId: 'p' });
    expect(memory.ledger.agent('a')).toEqual(before);
    expect([...memory.store.rows('violations', {})]).toEqual([]);
    expect(await memory.verify()).toMatchObject({ clean: true, findings: [] });
  });

  test('is read again by its id, and listed newest first, also after a restart', async () => {
    await agents({ a: '5' });
    const first = await review();
    memory.time.pass(HOUR);
    await memory.must(setBudget('a', '50'));
    const second = await review({}, 'SCHEDULED', { principal: 'sidecar', traceId: '' });
    memory = await memory.restart();
    const ids = [first, second].map(({ outcome }) => String(outcome.sequence));
    expect(ids.map((id) => memory.ledger.review(id))).toEqual([first.view, second.view]);
    const page = memory.ledger.listReviews({ after: undefined, size: 1 });
    expect(page.items).toEqual([second.view?.review]);
    const rest = memory.ledger.listReviews({ after: page.last, size: 1 });
    expect(rest.items).toEqual([first.view?.review]);
    expect(rest.last).toBeUndefined();
    for (const unknown of ['1', '0', '-1', 'x', '99999999999999999', `0${ids[0]}`]) {
      expect(memory.ledger.review(unknown)).toMatchObject({ reason: 'REVIEW_NOT_FOUND' });
    }
  });

  test('repeated with its request_id is answered from memory, whatever happened since', async () => {
    await agents({ a: '5' });
    const first = await review({ requestId: 'r' });
    await memory.must(setBudget('a', '50'));
    memory = await memory.restart();
    const head = memory.head;
    const again = await review({ requestId: 'r' });
    expect(again).toEqual({
      outcome: { ...first.outcome, replayed: true },
      view: first.view,
    });
    expect(memory.head).toBe(head);
    const other = reviewOf({ requestId: 'r', poolId: 'p' });
    const reused = await memory.ledger.runReview(other, 'MANUAL', OPERATOR);
    expect(reused).toMatchObject({ reason: 'REQUEST_ID_REUSED' });
  });

  test('asked for twice at once under one request_id is made once', async () => {
    const [first, second] = await Promise.all([
      review({ requestId: 'r' }),
      review({ requestId: 'r' }),
    ]);
    expect([first.outcome.replayed, second.outcome.replayed]).toEqual([false, true]);
    expect(second.view).toEqual(first.view);
  });

  test('keeps 1,000 findings, the most severe ones, and counts the others', async () => {
    await memory.must(createPool('many', '1000000'));
    const ids = Array.from({ length: 1_200 }, (_, at) => `m${String(at).padStart(4, '0')}`);
    await Promise.all(ids.map((id) => memory.must(createAgent(id, 'many', '100'))));
    await Promise.all(ids.slice(300).map((id) => memory.must(spend(id, '99'))));
    const { view } = await review();
    expect(view!.review.counts.found).toEqual({
      POOL_LOW: 0,
      AGENT_DEPLETED: 900,
      AGENT_UNDERUSED: 300,
    });
    expect([view!.findings.length, view!.review.kept]).toEqual([1_000, 1_000]);
    expect(view!.findings.map(({ agentId }) => agentId)).toEqual([
      ...ids.slice(300),
      ...ids.slice(0, 100),
    ]);
  });

  test('others wait their turn, and beyond a hundred of them are told to come back', async () => {
    const asked = Array.from({ length: 101 }, () =>
      memory.ledger.runReview(reviewOf({ poolId: 'p' }), 'MANUAL', OPERATOR),
    );
    const answers = await Promise.all(asked);
    const views: (ReviewView | undefined)[] = answers
      .slice(0, 100)
      .map((answer) => ('view' in answer ? answer.view : undefined));
    expect(views.map((view) => view?.review.ordinal)).toEqual(
      Array.from({ length: 100 }, (_, at) => at + 1),
    );
    expect(answers[100]).toMatchObject({ reason: 'SERVER_BUSY', retryAfterMs: 1_000 });
    expect((await review()).view?.review.ordinal).toBe(101);
  });
});

/** As many agents as that, of 100 each, in a pool of their own. */
async function crowd(count: number): Promise<void> {
  await memory.must(createPool('many', '1000000'));
  for (let from = 0; from < count; from += 1_000) {
    const ids = Array.from({ length: 1_000 }, (_, at) => `m${from + at}`);
    await Promise.all(ids.map((id) => memory.must(createAgent(id, 'many', '100'))));
  }
}

test('no turn of the event loop reads more than a slice of 20,000 agents', async () => {
  const count = 20_000;
  await crowd(1_000);
  // The others as rows alone: making them would take longer than reading them.
  const [model, { nextUid }] = [memory.ledger.agent('m0')!.agent, memory.store.header()];
  await memory.store.transact((writer) => {
    for (let made = 1_000; made < count; made += 1) {
      const agent = { ...model, uid: nextUid + made, id: `m${made}` };
      writer.putAgent(agent);
      writer.putAgentId(agent.id, agent.uid);
    }
  });
  memory.store.refreshReads();
  let inTurn = 0;
  let turns = 0;
  let most = 0;
  const read = (): void => {
    if (inTurn === 0) {
      turns += 1;
      // Comes before the timer or message of any other turn.
      void nextTurn().then(() => (inTurn = 0));
    }
    inTurn += 1;
    most = Math.max(most, inTurn);
  };
  const reader: StoreReader = {
    ...memory.store,
    agent: (uid) => {
      read();
      return memory.store.agent(uid);
    },
  };
  const found = await scan({ reader, now: () => T0 }, reviewOf(), () => false);
  expect(found).toMatchObject({ counts: { agents: count } });
  expect(most).toBeLessThanOrEqual(SLICE_ROWS);
  expect(turns).toBe(count / SLICE_ROWS);
});

describe('while a review reads', () => {
  const AGENTS = 4_000;
  beforeEach(() => crowd(AGENTS));

  test('spends are answered, and each agent is read at a moment of its own', async () => {
    const made = review();
    const state = { ended: false };
    void made.then(() => (state.ended = true));
    let spends = 0;
    while (!state.ended) {
      memory.time.pass(MINUTE);
      // The first agent is read already, the last one is not.
      await memory.must(spend('m0', '1'));
      if (spends === 0) await memory.must(spend('m999', '95'));
      spends += 1;
    }
    const { review: kept, findings } = (await made).view!;
    expect(spends).toBeGreaterThan(5);
    expect(kept.endTime - kept.startTime).toBeGreaterThanOrEqual(5 * MINUTE);
    expect(findings[0]).toMatchObject({ kind: 'AGENT_DEPLETED', agentId: 'm999' });
    expect(kept.counts.found.AGENT_UNDERUSED).toBe(AGENTS - 1);
    expect(await memory.verify()).toMatchObject({ clean: true });
  });

  test('a caller that is gone ends it, and nothing is kept', async () => {
    let gone = false;
    const caller: Caller = { ...OPERATOR, abandoned: () => gone };
    const head = memory.head;
    const made = memory.ledger.runReview(reviewOf(), 'MANUAL', caller);
    await nextTurn();
    await nextTurn();
    gone = true;
    expect(await made).toMatchObject({ verdict: 'REJECTED', reason: 'SERVER_BUSY' });
    expect(memory.head).toBe(head);
    expect(memory.ledger.listReviews({ after: undefined, size: 1 }).items).toEqual([]);
  });

  test('a ledger that closes ends it before the store is closed, and those that wait', async () => {
    const asked = [1, 2].map(() => memory.ledger.runReview(reviewOf(), 'SCHEDULED', OPERATOR));
    await nextTurn();
    await nextTurn();
    await memory.ledger.close();
    const answers: readonly (Rejection | MadeReview)[] = await Promise.all(asked);
    expect(answers.map((answer) => 'reason' in answer && answer.reason)).toEqual([
      'SHUTTING_DOWN',
      'SHUTTING_DOWN',
    ]);
    expect(await memory.ledger.runReview(reviewOf(), 'MANUAL', OPERATOR)).toMatchObject({
      reason: 'SHUTTING_DOWN',
    });
  });
});
