import { describe, expect, test } from 'vitest';
import { ApplyConfigurationRequestSchema } from '../../../src/gen/safeguards/v1/budget_admin_service_pb.js';
import { decodeApplyConfiguration } from '../../../src/rpc/decode/document.js';
import { decoding, refusedFields } from '../support/requests.js';
import { amount } from '../support/rows.js';

const apply = decoding(ApplyConfigurationRequestSchema, {}, decodeApplyConfiguration);

const DOCUMENT = `
# Everything there is.
pools:
  - pool_id: team-a
    name: Team A
    initial_budget: 1000.10
    priority: 9
    unit: credits
    scale: 2
    min_balance: "50"
    funding: ON_DEMAND
    metadata: { owner: no, version: 1.10 }
  - pool_id: team-b
agents:
  - agent_id: agent-1
    name: Agent one
    pool_id: team-a
    initial_budget: 0.5
    priority: 8
    overdraft_limit: 5
    allow_force: false
    parent_id: ""
    metadata:
      tier: gold
  - { agent_id: agent-2 }
`;

describe('a configuration document', () => {
  test('describes pools and agents, amounts to the last digit', () => {
    expect(apply({ document: DOCUMENT, dryRun: true, prune: true, reason: 'why' })).toEqual({
      method: 'APPLY_CONFIGURATION',
      requestId: '',
      reason: 'why',
      pools: [
        {
          id: 'team-a',
          name: 'Team A',
          priority: 9,
          minBalance: amount('50'),
          funding: 'ON_DEMAND',
          metadata: [
            ['owner', 'no'],
            ['version', '1.10'],
          ],
          initialBudget: amount('1000.1'),
          unit: 'credits',
          scale: 2,
        },
        { id: 'team-b' },
      ],
      agents: [
        {
          id: 'agent-1',
          name: 'Agent one',
          priority: 8,
          overdraftLimit: amount('5'),
          allowForce: false,
          parentId: '',
          metadata: [['tier', 'gold']],
          poolId: 'team-a',
          initialBudget: amount('0.5'),
        },
        { id: 'agent-2' },
      ],
      validateOnly: true,
      prune: true,
    });
  });

  test('may be JSON, with or without quotes around numbers', () => {
    const pool = { pool_id: 'p', priority: 3, initial_budget: '10', allow: undefined };
    expect(apply({ document: JSON.stringify({ pools: [pool] }, null, '\t') })).toMatchObject({
      pools: [{ id: 'p', priority: 3, initialBudget: amount('10') }],
      agents: [],
    });
  });

  test.each(['', '# nothing\n', '{}', 'pools:\nagents:\n', 'pools: []'])(
    'may say nothing: %j',
    (document) => {
      expect(apply({ document })).toMatchObject({ pools: [], agents: [] });
    },
  );

  test.each([
    ['pools[0].pool_id', 'pools: [{name: x}]'],
    ['pools[0].pool_id', 'pools: [{pool_id: a b}]'],
    ['pools[0].name', 'pools: [{pool_id: p, name: ""}]'],
    ['pools[0].priority', 'pools: [{pool_id: p, priority: 11}]'],
    ['pools[0].priority', 'pools: [{pool_id: p, priority: 1.5}]'],
    ['pools[0].priority', 'pools: [{pool_id: p, priority: high}]'],
    ['pools[0].scale', 'pools: [{pool_id: p, scale: 13}]'],
    ['pools[0].unit', 'pools: [{pool_id: p, unit: ""}]'],
    ['pools[0].unit', 'pools: [{pool_id: p, unit: 1$}]'],
    ['pools[0].initial_budget', 'pools: [{pool_id: p, initial_budget: 1e3}]'],
    ['pools[0].initial_budget', 'pools: [{pool_id: p, initial_budget: }]'],
    ['pools[0].min_balance', 'pools: [{pool_id: p, min_balance: -1}]'],
    ['pools[0].funding', 'pools: [{pool_id: p, funding: SOMETIMES}]'],
    ['pools[0].metadata', 'pools: [{pool_id: p, metadata: [a]}]'],
    ['pools[0].metadata.a', 'pools: [{pool_id: p, metadata: {a: {b: c}}}]'],
    ['pools[0].name', 'pools: [{pool_id: p, name: [a]}]'],
    ['pools[0].color', 'pools: [{pool_id: p, color: red}]'],
    ['pools[0].request_id', 'pools: [{pool_id: p, request_id: r}]'],
    ['pools[1].pool_id', 'pools: [{pool_id: p}, {pool_id: p}]'],
    ['pools[0].name', 'pools: [{pool_id: p, name: a, name: b}]'],
    ['pools[0]', 'pools: [p]'],
    ['pools', 'pools: {pool_id: p}'],
    ['pools', 'pools: p'],
    ['agents[0].agent_id', 'agents: [{name: x}]'],
    ['agents[0].pool_id', 'agents: [{agent_id: a, pool_id: ""}]'],
    ['agents[0].initial_budget', 'agents: [{agent_id: a, initial_budget: 0}]'],
    ['agents[0].overdraft_limit', 'agents: [{agent_id: a, overdraft_limit: x}]'],
    ['agents[0].allow_force', 'agents: [{agent_id: a, allow_force: yes}]'],
    ['agents[0].parent_id', 'agents: [{agent_id: a, parent_id: "-"}]'],
    ['agents[1].agent_id', 'agents: [{agent_id: a}, {agent_id: a}]'],
    ['limits', 'limits: []'],
    ['document', '- a'],
    ['document', 'text'],
    ['document', '{'],
    ['document', 'a: b: c'],
    ['document', '"\\q"'],
    ['document', 'pools: []\n---\nagents: []\n'],
    ['pools', 'pools: []\npools: []'],
  ])('refuses %s in %j', (field, document) => {
    expect(refusedFields(apply({ document }))).toEqual([field]);
  });

  test.each([
    ['pools: []\n\nagents: a: b\n', 'line 3, column 9'],
    ['pools: [\r\n  {pool_id: p]\r\n', 'line 2, column 14'],
    ['"\\q"', 'line 1, column 2'],
  ])('says where the syntax of %j is wrong', (document, place) => {
    const answer = apply({ document });
    expect(JSON.stringify(answer)).toContain(`at ${place}.`);
  });

  test('names every problem at once', () => {
    const document =
      'pools: [{priority: 0, funding: x}]\nagents: [{agent_id: a, initial_budget: -1}]';
    expect(
      refusedFields(apply({ document, requestId: 'ä' }))
        .slice()
        .sort(),
    ).toEqual([
      'agents[0].initial_budget',
      'pools[0].funding',
      'pools[0].pool_id',
      'pools[0].priority',
      'request_id',
    ]);
  });
});

describe('a hostile document', () => {
  const MIB = 1_048_576;
  const fill = (text: string) => text.repeat(Math.floor(MIB / text.length));

  test.each([
    ['too long', 'x'.repeat(MIB + 1)],
    ['nested lists', fill('[')],
    ['nested sequences', fill('- ')],
    ['nested maps', fill('{a: ')],
    ['nested keys', fill('? ')],
    ['closed in strings only', fill('["]",')],
    [
      'nested by indentation',
      Array.from({ length: 1_400 }, (_, at) => `${' '.repeat(at)}a:`).join('\n'),
    ],
    ['very many tokens', fill('a,\n')],
    ['very many documents', fill('---\n')],
  ])('is refused in bounded time: %s', (_name, document) => {
    expect(refusedFields(apply({ document }))).toEqual(['document']);
  });

  test('multiplies nothing by aliases', () => {
    const document = 'pools: &a [{pool_id: p}]\nagents: *a\n';
    expect(refusedFields(apply({ document }))).toEqual(['agents']);
  });

  test('cannot reach into objects', () => {
    const document = 'pools: [{pool_id: p, metadata: {__proto__: x, constructor: y}}]';
    expect(apply({ document })).toMatchObject({ pools: [{ id: 'p' }] });
    expect(refusedFields(apply({ document: '__proto__: {}' }))).toEqual(['__proto__']);
  });
});
