import { beforeEach, describe, expect, test } from 'vitest';
import type { ApplyConfigurationCommand } from '../../src/domain/command.js';
import { planConfiguration } from '../../src/domain/configuration.js';
import {
  applyConfiguration,
  createAgent,
  createPool,
  deleteAgent,
  levelsFrom,
} from '../fakes/commands.js';
import { worldWithPool, type World } from '../fakes/world.js';
import { money } from '../support/seed.js';

let world: World;
beforeEach(() => {
  world = worldWithPool('1000');
  world.must(createPool('default', '0', { funding: 'ON_DEMAND', scale: 9 }));
  world.must(createAgent('a', 'p', '100'));
});

/** The steps towards a document, in words; or the fields it is refused for. */
function plan(document: Partial<ApplyConfigurationCommand>): readonly string[] {
  const steps = planConfiguration(world, applyConfiguration(document));
  if ('verdict' in steps) return steps.fields.map(({ field }) => `refused: ${field}`);
  for (const { command, change } of steps) {
    expect(command.method.startsWith(change.action)).toBe(true);
  }
  return steps.map(({ change }) => {
    const fields = change.fields.length === 0 ? '' : ` (${change.fields.join(', ')})`;
    return `${change.action} ${change.objectKind} ${change.objectId}${fields}`;
  });
}

describe('a configuration document', () => {
  test('that describes what is there takes no step', () => {
    const pools = [{ id: 'p', name: 'p', unit: 'USD', scale: 6, initialBudget: money('5') }];
    expect(plan({ pools, agents: [{ id: 'a', poolId: 'p', priority: 5 }] })).toEqual([]);
  });

  test('makes pools before the agents in them', () => {
    const pools = [{ id: 'q', initialBudget: money('10') }];
    const agents = [{ id: 'b', poolId: 'q', initialBudget: money('5') }, { id: 'c' }];
    expect(plan({ agents, pools })).toEqual(['CREATE pool q', 'CREATE agent b', 'CREATE agent c']);
  });

  test('changes the fields that differ and no others', () => {
    const pools = [{ id: 'p', name: 'Pool', priority: 5, minBalance: money('1') }];
    const agents = [{ id: 'a', name: 'a', overdraftLimit: money('3'), allowForce: true }];
    expect(plan({ pools, agents })).toEqual([
      'UPDATE pool p (name, min_balance)',
      'UPDATE agent a (overdraft_limit)',
    ]);
  });

  test('moves an agent that it describes in another pool, and leaves budgets alone', () => {
    const agents = [{ id: 'a', poolId: 'default', initialBudget: money('7') }];
    expect(plan({ agents })).toEqual(['MOVE agent a (pool_id)']);
  });

  test('never changes a unit or a scale, and names every such field at once', () => {
    const pools = [{ id: 'p', unit: 'EUR', scale: 2 }];
    const agents = [{ id: 'b', poolId: 'nowhere' }];
    expect(plan({ pools, agents })).toEqual([
      'refused: pools[0].unit',
      'refused: pools[0].scale',
      'refused: agents[0].pool_id',
    ]);
  });

  test('deletes what it does not name only when told to, and never the default pool', () => {
    expect(plan({ pools: [{ id: 'q' }] })).toEqual(['CREATE pool q']);
    expect(plan({ pools: [{ id: 'q' }], prune: true })).toEqual([
      'CREATE pool q',
      'DELETE agent a',
      'DELETE pool p',
    ]);
  });

  test('sets levels of service that are others, after the pool or agent is there', () => {
    const serviceLevels = levelsFrom('full=50:a off=0');
    const document = { pools: [{ id: 'p', serviceLevels }], agents: [{ id: 'b', serviceLevels }] };
    const steps = planConfiguration(world, applyConfiguration(document));
    if ('verdict' in steps) throw new Error(steps.reason);
    expect(steps.map(({ command, change }) => [command.method, change.fields])).toEqual([
      ['SET_SERVICE_LEVELS', ['service_levels']],
      ['CREATE_AGENT', []],
      ['SET_SERVICE_LEVELS', ['service_levels']],
    ]);
    for (const { command } of steps) world.must(command);
    expect(plan(document)).toEqual([]);
    expect(plan({ pools: [{ id: 'p' }] })).toEqual([]);
    const without = planConfiguration(
      world,
      applyConfiguration({ pools: [{ id: 'p', serviceLevels: [] }] }),
    );
    expect(without).toMatchObject([{ command: { method: 'SET_SERVICE_LEVELS', levels: [] } }]);
  });

  test('makes an agent again that was deleted', () => {
    world.must(deleteAgent('a'));
    expect(plan({ agents: [{ id: 'a' }] })).toEqual(['CREATE agent a']);
    expect(plan({ prune: true })).toEqual(['DELETE pool p']);
  });
});
