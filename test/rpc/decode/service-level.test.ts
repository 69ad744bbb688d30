import { describe, expect, test } from 'vitest';
import { ApplyConfigurationRequestSchema } from '../../../src/gen/safeguards/v1/budget_admin_service_pb.js';
import {
  GetServiceLevelsRequestSchema,
  SetServiceLevelsRequestSchema,
} from '../../../src/gen/safeguards/v1/service_level_pb.js';
import { decodeApplyConfiguration } from '../../../src/rpc/decode/document.js';
import { decodeLevelScope, decodeSetServiceLevels } from '../../../src/rpc/decode/service-level.js';
import { decoding, refusedFields } from '../support/requests.js';
import { amount } from '../support/rows.js';

const ofPool = { case: 'poolId', value: 'p' } as const;
const set = decoding(SetServiceLevelsRequestSchema, { scope: ofPool }, decodeSetServiceLevels);
const scope = decoding(GetServiceLevelsRequestSchema, {}, decodeLevelScope);
const apply = decoding(ApplyConfigurationRequestSchema, {}, decodeApplyConfiguration);

function level(name: string, minPercent: string, ...features: readonly string[]) {
  return { name, minPercent, features: [...features] };
}

const words = (count: number) => Array.from({ length: count }, (_, at) => `word-${at}`);

describe('levels of service', () => {
  test('are sorted from the highest threshold to the lowest', () => {
    const levels = [level('off', ''), level('on', '12.3456', 'a', 'b'), level('all', '100')];
    expect(set({ levels, reason: 'why', requestId: 'r', expectedRevision: 0n })).toEqual({
      method: 'SET_SERVICE_LEVELS',
      requestId: 'r',
      reason: 'why',
      scope: { kind: 'EACH_AGENT_OF_POOL', id: 'p' },
      levels: [
        { name: 'all', minPercent: amount('100'), features: [] },
        { name: 'on', minPercent: amount('12.3456'), features: ['a', 'b'] },
        { name: 'off', minPercent: 0n, features: [] },
      ],
      expectedRevision: 0,
    });
  });

  test('may be none, which takes them away', () => {
    expect(set({ levels: [] })).toMatchObject({ levels: [], expectedRevision: undefined });
  });

  test('may be as many and as long as the bounds say', () => {
    const levels = Array.from({ length: 16 }, (_, at) =>
      level('😀'.repeat(63) + String.fromCharCode(97 + at), String(at), ...words(32)),
    );
    expect(set({ levels })).toMatchObject({ method: 'SET_SERVICE_LEVELS' });
  });

  test.each<[string, readonly string[], readonly ReturnType<typeof level>[]]>([
    ['17 levels', ['levels'], words(17).map((name, at) => level(name, String(at)))],
    ['no level at 0', ['levels'], [level('a', '50'), level('b', '0.0001')]],
    ['one name twice', ['levels[1].name'], [level('a', '50'), level('a', '0')]],
    [
      'one threshold twice',
      ['levels[1].min_percent', 'levels[2].min_percent'],
      [level('a', '0'), level('b', '0'), level('c', '0.0')],
    ],
    ['an empty name', ['levels[0].name'], [level('', '0')]],
    ['a name of 65 characters', ['levels[0].name'], [level('x'.repeat(65), '0')]],
    ['half a character', ['levels[0].name'], [level('\ud83d', '0')]],
    ['more than 100 percent', ['levels[0].min_percent'], [level('a', '100.0001')]],
    ['a negative percentage', ['levels[0].min_percent'], [level('a', '-1')]],
    ['a percent sign', ['levels[0].min_percent'], [level('a', '50%')]],
    ['five decimals', ['levels[0].min_percent'], [level('a', '1.00001')]],
    ['33 features', ['levels[0].features'], [level('a', '0', ...words(33))]],
    ['an empty feature', ['levels[0].features[1]'], [level('a', '0', 'x', '')]],
    ['a long feature', ['levels[0].features[0]'], [level('a', '0', 'x'.repeat(65))]],
    ['one feature twice', ['levels[0].features[1]'], [level('a', '0', 'x', 'x')]],
    [
      'everything at once',
      ['levels[0].name', 'levels[0].min_percent', 'levels[1].features[0]'],
      [level('', 'x'), level('b', '0', '')],
    ],
  ])('are refused with %s', (_why, fields, levels) => {
    expect(refusedFields(set({ levels: [...levels] }))).toEqual(fields);
  });

  test.each([
    [{ case: undefined }, ['scope']],
    [{ case: 'agentId', value: '' }, ['agent_id']],
    [{ case: 'poolId', value: ' ' }, ['pool_id']],
    [{ case: 'everyAgent', value: false }, ['every_agent']],
  ] as const)('are refused for %o', (given, fields) => {
    expect(refusedFields(set({ scope: given }))).toEqual(fields);
    expect(refusedFields(scope({ scope: given }))).toEqual(fields);
  });

  test('are for an agent, for each agent of a pool or for every agent', () => {
    const of = (given: Parameters<typeof scope>[0]) => scope(given);
    expect(of({ scope: { case: 'agentId', value: 'a' } })).toEqual({ kind: 'AGENT', id: 'a' });
    expect(of({ scope: ofPool })).toEqual({ kind: 'EACH_AGENT_OF_POOL', id: 'p' });
    expect(of({ scope: { case: 'everyAgent', value: true } })).toEqual({
      kind: 'EVERY_AGENT',
      id: '',
    });
  });
});

describe('levels of a configuration document', () => {
  test('are those of its pools and agents; left out they stay as they are', () => {
    const document = `
pools:
  - pool_id: p
    service_levels:
      - { name: lean, min_percent: 0 }
      - { name: full, min_percent: 50, features: [high_quality] }
agents:
  - { agent_id: a, service_levels: [] }
  - { agent_id: b, service_levels: }
  - { agent_id: c }
`;
    expect(apply({ document })).toMatchObject({
      pools: [
        {
          id: 'p',
          serviceLevels: [
            { name: 'full', minPercent: amount('50'), features: ['high_quality'] },
            { name: 'lean', minPercent: 0n, features: [] },
          ],
        },
      ],
      agents: [{ id: 'a', serviceLevels: [] }, { id: 'b', serviceLevels: [] }, { id: 'c' }],
    });
  });

  test.each([
    ['{ name: a }', 'service_levels'],
    ['[a]', 'service_levels[0]'],
    ['[{ name: a, min_percent: 1 }]', 'service_levels'],
    ['[{ name: a, level: 1 }]', 'service_levels[0].level'],
    ['[{ name: a, features: all }]', 'service_levels[0].features'],
    ['[{ name: a, features: [[b]] }]', 'service_levels[0].features'],
    ['[{ name: a, min_percent: [1] }]', 'service_levels[0].min_percent'],
    ['[{ name: a }, { name: b }]', 'service_levels[1].min_percent'],
  ])('are refused as %s', (levels, field) => {
    const document = `agents: [{ agent_id: a, service_levels: ${levels} }]`;
    expect(refusedFields(apply({ document }))).toEqual([`agents[0].${field}`]);
  });
});
