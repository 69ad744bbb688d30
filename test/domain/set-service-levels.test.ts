import { beforeEach, describe, expect, test } from 'vitest';
import { levelOf, type NamedLevels } from '../../src/domain/effective-levels.js';
import { countingLevels, findLevelScope } from '../../src/domain/decide/service-levels.js';
import { makeRules, RULES_MAX } from '../../src/domain/rules.js';
import type { ServiceLevels } from '../../src/domain/service-level.js';
import * as c from '../fakes/commands.js';
import type { World } from '../fakes/world.js';
import { worldWithPool } from '../fakes/world.js';

let world: World;
beforeEach(() => {
  world = worldWithPool();
  world.must(c.createAgent('a', 'p', '100'));
});

/** The level that a reader is shown. */
function level(id: string): string {
  return levelOf(world.rules.levels, world.agentById(id)!).name;
}

/** Whose levels count for a scope. */
function source(scope: string): string {
  const found = findLevelScope(world, c.levelScope(scope));
  if ('verdict' in found) return found.reason;
  return said(countingLevels(world, world.rules, found));
}

function said({ sourceId, set }: NamedLevels): string {
  if (set === undefined) return 'built in';
  return `${set.scope.kind} ${sourceId}: ${set.levels.map(({ name }) => name).join(' ')}`;
}

describe('the level of an agent', () => {
  test.each([
    ['0', 'full'],
    ['50', 'full'],
    ['50.01', 'standard'],
    ['95', 'minimal'],
    ['95.01', 'emergency'],
    ['100', 'emergency'],
  ])('after a spend of %s of 100 is %s, in its row and in the answer', (amount, name) => {
    const outcome = world.must(c.spend('a', amount));
    expect(world.agentById('a')?.serviceLevel).toBe(name);
    expect(outcome.serviceLevel?.name).toBe(name);
    expect(outcome.agent?.serviceLevel).toBe(name);
  });

  test('follows holds, commits, releases, expiry, refunds and operators', () => {
    expect(level('a')).toBe('full');
    const held = world.must(c.reserve('a', '60')).reservation!.id;
    expect(level('a')).toBe('standard');
    world.must(c.commit(held, '45'));
    expect(level('a')).toBe('full');
    const second = world.must(c.reserve('a', '50')).reservation!.id;
    expect(level('a')).toBe('minimal');
    world.must(c.release(second));
    expect(level('a')).toBe('full');
    world.must(c.reserve('a', '55'));
    expect(level('a')).toBe('emergency');
    world.now += 60_000;
    world.sweep();
    expect(level('a')).toBe('full');
    world.must(c.spend('a', '55'));
    expect(level('a')).toBe('emergency');
    world.must(c.refund(world.headSequence, '30'));
    expect(level('a')).toBe('standard');
    world.must(c.adjustBudget('a', '100'));
    expect(level('a')).toBe('full');
  });

  test('reaches an emergency by a cost that was forced', () => {
    world.must(c.spend('a', '150', { mode: 'FORCE' }));
    expect(level('a')).toBe('emergency');
  });

  test('is the lowest while nothing was allocated', () => {
    world.must(c.createAgent('poor', 'p', '0'));
    expect(world.agentById('poor')?.serviceLevel).toBe('emergency');
  });

  test('rises only 2 points above the threshold, and stays when read', () => {
    world.must(c.spend('a', '51'));
    world.must(c.adjustBudget('a', '1'));
    expect([level('a'), level('a')]).toEqual(['standard', 'standard']);
    world.must(c.adjustBudget('a', '1.999999'));
    expect(level('a')).toBe('standard');
    world.must(c.adjustBudget('a', '0.000001'));
    expect(level('a')).toBe('full');
  });

  test('changes of both sides of a transfer', () => {
    world.must(c.createAgent('b', 'p', '50'));
    world.must(c.transfer('agent a', 'agent b', '60'));
    expect([level('a'), level('b')]).toEqual(['standard', 'full']);
  });
});

describe('the levels that count', () => {
  test('are the agents own, else those of the pool, else everybodys, else the built-in', () => {
    expect(source('agent a')).toBe('built in');
    world.must(c.setServiceLevels('everybody', 'on=1 off=0'));
    expect(source('agent a')).toBe('EVERY_AGENT : on off');
    world.must(c.setServiceLevels('pool p', 'rich=60 poor=0'));
    expect(source('agent a')).toBe('EACH_AGENT_OF_POOL p: rich poor');
    world.must(c.setServiceLevels('agent a', 'own=0'));
    expect(source('agent a')).toBe('AGENT a: own');
    expect(source('pool p')).toBe('EACH_AGENT_OF_POOL p: rich poor');
    expect(source('everybody')).toBe('EVERY_AGENT : on off');

    const steps = ['agent a', 'pool p', 'everybody'];
    const shown = steps.map((scope) => world.must(c.setServiceLevels(scope, '')).effectiveLevels!);
    expect(shown.map(said)).toEqual([
      'EACH_AGENT_OF_POOL p: rich poor',
      'EVERY_AGENT : on off',
      'built in',
    ]);
    expect(source('agent a')).toBe('built in');
  });

  test('are those of the new pool when an agent moves', () => {
    world.must(c.createPool('q', '0'));
    world.must(c.setServiceLevels('pool q', 'other=0'));
    world.must(c.moveAgent('a', 'q'));
    expect(world.agentById('a')?.serviceLevel).toBe('other');
  });

  test('change the level of an agent at once, though its row is written with its next change', () => {
    world.must(c.setServiceLevels('agent a', 'high=99 low=0'));
    expect(level('a')).toBe('high');
    expect(world.agentById('a')?.serviceLevel).toBe('full');
    world.must(c.spend('a', '2'));
    expect(world.agentById('a')?.serviceLevel).toBe('low');
  });

  test('that change without their names go on from the level that was shown', () => {
    world.must(c.spend('a', '59'));
    expect(level('a')).toBe('standard');
    world.must(c.setServiceLevels('agent a', 'full=39 standard=0'));
    expect(level('a')).toBe('full');
    // 40 percent is not 2 above 39, but full is what was shown.
    world.must(c.spend('a', '1'));
    expect(level('a')).toBe('full');
  });

  test('die with their agent and with their pool', () => {
    world.must(c.setServiceLevels('agent a', 'own=0'));
    world.must(c.setServiceLevels('pool p', 'ours=0'));
    world.must(c.deleteAgent('a'));
    expect(world.entries.at(-1)?.changes.at(-1)).toEqual({
      field: 'service_levels',
      before: '[{"name":"own","min_percent":"0","features":[]}]',
      after: '',
    });
    expect([...world.rules.rows.service_levels.keys()]).toEqual(['EACH_AGENT_OF_POOL/1']);
    world.must(c.createAgent('a', 'p', '10'));
    expect(source('agent a')).toBe('EACH_AGENT_OF_POOL p: ours');
    world.must(c.deleteAgent('a'));
    world.must(c.poolState('DELETE_POOL', 'p'));
    expect([...world.rules.rows.service_levels.keys()]).toEqual([]);
  });
});

describe('setting levels', () => {
  test('writes one entry that says what changed and touches no account', () => {
    world.must(c.setServiceLevels('pool p', 'on=12.5:a,b off=0'));
    const before =
      '[{"name":"on","min_percent":"12.5","features":["a","b"]},' +
      '{"name":"off","min_percent":"0","features":[]}]';
    expect(world.entries.at(-1)).toMatchObject({
      kind: 'CONFIGURE',
      accounts: [],
      changes: [{ field: 'pool/p.service_levels', before: '', after: before }],
    });
    world.must(c.setServiceLevels('pool p', ''));
    expect(world.entries.at(-1)?.changes).toEqual([
      { field: 'pool/p.service_levels', before, after: '' },
    ]);
  });

  test('counts revisions of the set, and keeps when it began', () => {
    const first = world.must(c.setServiceLevels('everybody', 'a=0')).effectiveLevels;
    world.now += 5;
    const second = world.must(c.setServiceLevels('everybody', 'b=0')).effectiveLevels;
    expect([first?.set?.revision, second?.set?.revision]).toEqual([1, 2]);
    expect(second?.set?.createTime).toBe(first?.set?.createTime);
    expect(second?.set?.updateTime).toBe(world.now);
  });

  test('to what they are writes nothing', () => {
    world.must(c.setServiceLevels('agent a', 'x=0:f'));
    const head = world.headSequence;
    expect(world.must(c.setServiceLevels('agent a', 'x=0:f')).sequence).toBe(0);
    expect(world.must(c.setServiceLevels('pool p', '')).sequence).toBe(0);
    expect(world.headSequence).toBe(head);
  });

  test.each([
    ['agent x', 0, 'AGENT_NOT_FOUND'],
    ['pool x', 0, 'POOL_NOT_FOUND'],
    ['agent closed', 0, 'AGENT_CLOSED'],
    ['agent a', 1, 'REVISION_STALE'],
    ['agent a', 0, 'OK'],
    ['pool p', 0, 'REVISION_STALE'],
    ['pool p', 2, 'REVISION_STALE'],
    ['pool p', 1, 'OK'],
  ])('of %s expecting revision %i is %s', (scope, expectedRevision, verdict) => {
    world.must(c.createAgent('closed', 'p', '1'));
    world.must(c.deleteAgent('closed'));
    world.must(c.setServiceLevels('pool p', 'x=0'));
    expect(world.verdict(c.setServiceLevels(scope, 'y=0', { expectedRevision }))).toBe(verdict);
  });

  test('beyond as many sets as there may be is refused, changing one is not', () => {
    const rows = new Map<string, ServiceLevels>();
    for (let uid = 1_000; rows.size < RULES_MAX; uid += 1) {
      const scope = { kind: 'AGENT', uid } as const;
      const row = { scope, levels: c.levelsFrom('x=0'), revision: 1, createTime: 0, updateTime: 0 };
      rows.set(`AGENT/${uid}`, row);
    }
    world.rules = makeRules({ ...world.rules.rows, service_levels: rows }, world.rules.compile);
    expect(world.do(c.setServiceLevels('agent a', 'x=0'))).toMatchObject({
      reason: 'TOO_MANY_RULES',
      metadata: { rules_max: '10000' },
    });
    expect(world.verdict(c.setServiceLevels('agent a', ''))).toBe('OK');
  });
});
