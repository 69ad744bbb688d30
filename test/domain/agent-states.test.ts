/**
 * What every verb does while an agent or its pool is frozen, or the agent is closed. Complete by type.
 * The agent has 100, spent 10 and holds 20; the pool has 1000.
 */
import type { SingleCommand } from '../../src/domain/decide/decide.js';
import { describe, expect, test } from 'vitest';
import {
  adjustBudget,
  agentState,
  commit,
  createAgent,
  createPool,
  deleteAgent,
  extend,
  moveAgent,
  poolState,
  refund,
  release,
  reserve,
  setBudget,
  spend,
  transfer,
  updateAgent,
} from '../fakes/commands.js';
import { recordBudgetChange } from '../fakes/annotations.js';
import { MINUTE } from '../fakes/manual-time.js';
import { disagreements, verdictOf, worldWithPool, type World } from '../fakes/world.js';

const states = {
  active: () => undefined,
  'frozen agent': (world: World) => {
    world.must(agentState('FREEZE_AGENT', 'a'));
  },
  'frozen pool': (world: World) => {
    world.must(poolState('FREEZE_POOL', 'p'));
  },
  // Its hold expired before: a late commit may still come.
  closed: (world: World) => {
    world.now += MINUTE;
    world.must(deleteAgent('a', { releaseReservations: true }));
  },
} as const satisfies Record<string, (world: World) => void>;

interface Setting {
  readonly hold: string;
  readonly sequence: number;
}

const verbs = {
  'spend strictly': () => spend('a', '5'),
  'spend up to': () => spend('a', '500', { mode: 'UP_TO' }),
  'spend by force': () => spend('a', '5', { mode: 'FORCE' }),
  reserve: () => reserve('a', '5'),
  commit: ({ hold }) => commit(hold, '15'),
  release: ({ hold }) => release(hold),
  extend: ({ hold }) => extend(hold, 5 * MINUTE),
  'set budget': () => setBudget('a', '50'),
  'adjust budget': () => adjustBudget('a', '-30'),
  'transfer in': () => transfer('agent b', 'agent a', '7'),
  'transfer out': () => transfer('agent a', 'pool p', '7'),
  'record a change': () => recordBudgetChange('a', '100', '75.5'),
  refund: ({ sequence }) => refund(sequence, '4'),
  move: () => moveAgent('a', 'q'),
  delete: () => deleteAgent('a', { releaseReservations: true }),
  update: () => updateAgent('a', { name: 'another' }),
  freeze: () => agentState('FREEZE_AGENT', 'a'),
  unfreeze: () => agentState('UNFREEZE_AGENT', 'a'),
} as const satisfies Record<string, (setting: Setting) => SingleCommand>;

type StateName = keyof typeof states;
type VerbName = keyof typeof verbs;

/** `verdict: agent allocated/spent/reserved, pool spent/unallocated`, then the warnings. */
type Cell = string;

const UNCHANGED = '100/10/20, 10/700';
const CLOSED = 'AGENT_CLOSED: 10/10/0, 10/790';

const table: Record<StateName, Record<VerbName, Cell>> = {
  active: {
    'spend strictly': 'OK: 100/15/20, 15/700',
    'spend up to': 'OK: 100/80/20, 80/700',
    'spend by force': 'OK: 100/15/20, 15/700',
    reserve: 'OK: 100/10/25, 10/700',
    commit: 'OK: 100/25/0, 25/700',
    release: 'OK: 100/10/0, 10/700',
    extend: `OK: ${UNCHANGED}`,
    'set budget': 'OK: 80/10/20, 10/720',
    'adjust budget': 'OK: 70/10/20, 10/730',
    'transfer in': 'OK: 107/10/20, 10/700',
    'transfer out': 'OK: 93/10/20, 10/707',
    'record a change': `OK: ${UNCHANGED}`,
    refund: 'OK: 100/6/20, 6/700',
    move: 'OK: 100/10/20, 10/700 in q',
    delete: 'OK: 10/10/0, 10/790',
    update: `OK: ${UNCHANGED}`,
    freeze: `OK: ${UNCHANGED}`,
    unfreeze: `OK: ${UNCHANGED}`,
  },
  'frozen agent': {
    'spend strictly': `AGENT_FROZEN: ${UNCHANGED}`,
    'spend up to': `AGENT_FROZEN: ${UNCHANGED}`,
    'spend by force': 'OK: 100/15/20, 15/700',
    reserve: `AGENT_FROZEN: ${UNCHANGED}`,
    commit: 'OK: 100/25/0, 25/700',
    release: 'OK: 100/10/0, 10/700',
    extend: `AGENT_FROZEN: ${UNCHANGED}`,
    'set budget': 'OK: 80/10/20, 10/720',
    'adjust budget': 'OK: 70/10/20, 10/730',
    'transfer in': 'OK: 107/10/20, 10/700',
    'transfer out': 'OK: 93/10/20, 10/707',
    'record a change': `OK: ${UNCHANGED}`,
    refund: 'OK: 100/6/20, 6/700',
    move: 'OK: 100/10/20, 10/700 in q',
    delete: 'OK: 10/10/0, 10/790',
    update: `OK: ${UNCHANGED}`,
    freeze: `OK: ${UNCHANGED}`,
    unfreeze: `OK: ${UNCHANGED}`,
  },
  'frozen pool': {
    'spend strictly': `POOL_FROZEN: ${UNCHANGED}`,
    'spend up to': `POOL_FROZEN: ${UNCHANGED}`,
    'spend by force': 'OK: 100/15/20, 15/700',
    reserve: `POOL_FROZEN: ${UNCHANGED}`,
    commit: 'OK: 100/25/0, 25/700',
    release: 'OK: 100/10/0, 10/700',
    extend: `POOL_FROZEN: ${UNCHANGED}`,
    'set budget': 'OK: 80/10/20, 10/720',
    'adjust budget': 'OK: 70/10/20, 10/730',
    'transfer in': 'OK: 107/10/20, 10/700',
    'transfer out': 'OK: 93/10/20, 10/707',
    'record a change': `OK: ${UNCHANGED}`,
    refund: 'OK: 100/6/20, 6/700',
    move: 'OK: 100/10/20, 10/700 in q',
    delete: 'OK: 10/10/0, 10/790',
    update: `OK: ${UNCHANGED}`,
    freeze: `OK: ${UNCHANGED}`,
    unfreeze: `OK: ${UNCHANGED}`,
  },
  closed: {
    'spend strictly': CLOSED,
    'spend up to': CLOSED,
    'spend by force': 'OK: 15/15/0, 15/785, PAID_BY_POOL',
    reserve: CLOSED,
    commit: 'OK: 25/25/0, 25/775, LATE_COMMIT PAID_BY_POOL',
    release: 'OK: 10/10/0, 10/790',
    extend: 'RESERVATION_EXPIRED: 10/10/0, 10/790',
    'set budget': CLOSED,
    'adjust budget': CLOSED,
    'transfer in': CLOSED,
    'transfer out': CLOSED,
    'record a change': CLOSED,
    refund: 'OK: 10/10/0, 6/794',
    move: CLOSED,
    delete: CLOSED,
    update: CLOSED,
    freeze: CLOSED,
    unfreeze: CLOSED,
  },
};

function cellOf(state: StateName, verb: VerbName): Cell {
  const world = worldWithPool();
  world.must(createPool('q', '0'));
  world.must(createAgent('a', 'p', '100'));
  world.must(createAgent('b', 'p', '200'));
  const { sequence } = world.must(spend('a', '10'));
  const hold = world.must(reserve('a', '20', { ttlMs: MINUTE })).reservation!.id;
  states[state](world);
  const before = world.headSequence;

  const command: SingleCommand = verbs[verb]({ hold, sequence });
  const decided = world.do(command);

  expect(disagreements(world)).toEqual([]);
  const verdict = verdictOf(decided);
  if (verdict !== 'OK') expect(world.headSequence).toBe(before);
  const { allocated, spent, reserved } = world.budget('a');
  const pool = world.money('p');
  const joined = world.pool(world.agentById('a')!.poolUid)!.id;
  const numbers = `${allocated}/${spent}/${reserved}, ${pool.spent}/${pool.unallocated}`;
  const said = `${verdict}: ${numbers}${joined === 'p' ? '' : ` in ${joined}`}`;
  const warnings = decided.verdict === 'JUDGED' ? decided.outcome.warnings : [];
  return warnings.length === 0 ? said : `${said}, ${warnings.join(' ')}`;
}

describe.each(Object.keys(states) as StateName[])('%s', (state) => {
  test.each(Object.keys(verbs) as VerbName[])('%s', (verb) => {
    expect(cellOf(state, verb)).toBe(table[state][verb]);
  });
});
