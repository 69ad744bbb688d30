import { expect, test } from 'vitest';
import { CUT_STEP_MAX, cutViolations } from '../../src/domain/cut-violations.js';
import { changesIn } from '../../src/domain/collection.js';
import { beginDraft } from '../../src/domain/draft.js';
import * as order from '../fakes/commands.js';
import { DAY, SECOND } from '../fakes/manual-time.js';
import { escalate, report, resolve } from '../fakes/violations.js';
import { worldWithPool, type World } from '../fakes/world.js';

const EVER = { violationsRetentionMs: 100 * DAY, violationsMax: 1_000_000 };

function world(): World {
  const it = worldWithPool();
  it.must(order.createAgent('a', 'p', '100'));
  return it;
}

/** The keys that one step takes away, and whether there may be more. */
function cut(it: World, retention: Partial<typeof EVER>) {
  const draft = beginDraft(it, it.now);
  const more = cutViolations(draft, { ...EVER, ...retention });
  const gone = (collection: 'violation_events' | 'violations') =>
    [...changesIn(draft.rows, collection)].map(([key, row]) => [Number(key), row] as const);
  expect([...gone('violation_events'), ...gone('violations')].every(([, row]) => !row)).toBe(true);
  const keys = (collection: 'violation_events' | 'violations') =>
    gone(collection).map(([key]) => key);
  return { more, events: keys('violation_events'), rows: keys('violations') };
}

test('nothing is cut that is young and among the newest', () => {
  const it = world();
  for (let at = 0; at < 10; at += 1) it.must(report('a'));
  it.now += EVER.violationsRetentionMs;
  expect(cut(it, { violationsMax: 10 })).toEqual({ more: false, events: [], rows: [] });
});

test('a step cuts at most 500, oldest first', () => {
  const it = world();
  for (let at = 0; at < 520; at += 1) {
    it.now += SECOND;
    it.must(report('a'));
  }
  it.now += EVER.violationsRetentionMs + 1;
  const first = Array.from({ length: CUT_STEP_MAX }, (_, at) => at + 1);
  expect(cut(it, {})).toEqual({ more: true, events: first, rows: first });
});

test('a row goes with the last event that names it, an open detected one stays', () => {
  const it = world();
  it.do(order.spend('a', '101'));
  it.must(report('a'));
  it.must(report('a'));
  it.must(escalate(2, 'HIGH'));
  it.must(report('a'));
  it.must(resolve(3));
  // 1 denied, 2 and 3 reported, 4 escalates 2, 5 reported, 6 resolves 3.
  const kept = (violationsMax: number) => cut(it, { violationsMax }).rows;
  expect(kept(3)).toEqual([]);
  expect(kept(2)).toEqual([2]);
  expect(kept(1)).toEqual([2, 5]);
  expect(kept(0)).toEqual([2, 5, 3]);
});
