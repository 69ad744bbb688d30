import { formatAmount } from '../../src/domain/amount.js';
import { remainingOf } from '../../src/domain/budget.js';
import type { ViolationEvent } from '../../src/domain/violation.js';
import { adjustBudget, createAgent, spend } from '../fakes/commands.js';
import { worldWithPool, type World } from '../fakes/world.js';
import { money } from './seed.js';

/** A world with a pool `p` of 1000 and an agent `a` of 100. */
export function worldOfOne(baseline = '100'): World {
  const world = worldWithPool();
  world.must(createAgent('a', 'p', baseline));
  return world;
}

/** Brings what an agent has left to a value, by spending or topping up, without a new baseline. */
export function bring(world: World, id: string, remaining: string): void {
  const agent = world.agentById(id)!;
  const change = money(remaining) - remainingOf(agent);
  if (change < 0n) world.must(spend(id, formatAmount(-change), { mode: 'FORCE' }));
  if (change > 0n) world.must(adjustBudget(id, formatAmount(change)));
}

/** `OPENED LOW` and `RECOVERED LOW`, for each alert's event. */
export function told(events: readonly ViolationEvent[]): readonly string[] {
  return events
    .filter(({ violation }) => violation.type === 'LOW_BUDGET')
    .map(({ kind, violation }) => `${kind} ${violation.severity}`);
}

/** What each step of a value tells. */
export function steps(
  world: World,
  values: readonly string[],
  remainingAt: (value: string) => string,
): readonly string[] {
  return values.map((value) => {
    const before = world.events().length;
    bring(world, 'a', remainingAt(value));
    return `${value}: ${told(world.events().slice(before)).join(', ')}`.trimEnd();
  });
}

/** What is left, as it is written. */
export const same = (value: string): string => value;
/** What is left of 100 when so much is used. */
export const left = (used: string): string => formatAmount(money('100') - money(used));
