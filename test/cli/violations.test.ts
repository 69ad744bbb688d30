import { toJson } from '@bufbuild/protobuf';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { VERBS } from '../../src/cli/verbs/table.js';
import { Severity } from '../../src/gen/safeguards/v1/severity_pb.js';
import {
  ViolationEventKind,
  ViolationState,
  ViolationType,
} from '../../src/gen/safeguards/v1/violation_pb.js';
import { ViolationService } from '../../src/gen/safeguards/v1/violation_service_pb.js';
import { commandLine, type Outcome } from './command-line.js';
import { FakeSidecar } from './fake-sidecar.js';

const { method } = ViolationService;

let fake: FakeSidecar;
beforeAll(async () => {
  fake = await FakeSidecar.start();
});
beforeEach(() => fake.reset());
afterAll(() => fake.close());

function call(...words: readonly string[]): Promise<Outcome> {
  const environment = {
    SAFEGUARDS_ADDRESS: fake.address,
    SAFEGUARDS_ADMIN_ADDRESS: fake.address,
    SAFEGUARDS_ADMIN_TOKEN: 'token-token-token-token',
  };
  return commandLine(['violations', ...words], { environment, input: '' });
}

/** The request of the last call, as JSON without its request_id. */
function asked(): unknown {
  const { method: name, request } = fake.calls.at(-1)!;
  const verb = VERBS.find((each) => each.method.name === name)!;
  const { requestId: _, ...rest } = toJson(verb.method.input, request) as Record<string, unknown>;
  return rest;
}

const violation = {
  id: '17',
  type: ViolationType.OVERSPEND,
  severity: Severity.MEDIUM,
  state: ViolationState.OPEN,
  agentId: 'writer',
  poolId: 'p',
  message: 'Asked for more',
  details: { overage: '1.5' },
  count: 3n,
};

describe('a command line about violations becomes a request', () => {
  test.each<[readonly string[], unknown]>([
    [['watch'], {}],
    [['watch', '--after', '7'], { afterSequence: '7' }],
    [
      ['watch', '--after', '0', '--agent-ids', 'a', '--agent-ids', 'b'],
      { afterSequence: '0', agentIds: ['a', 'b'] },
    ],
    [
      ['watch', '--oldest', '--types', 'rate-limit', '--kinds', 'opened', '--min-severity', 'high'],
      {
        oldest: true,
        types: ['VIOLATION_TYPE_RATE_LIMIT'],
        kinds: ['VIOLATION_EVENT_KIND_OPENED'],
        minSeverity: 'SEVERITY_HIGH',
      },
    ],
    [
      ['list', '--agent', 'writer', '--state', 'open', '--type', 'overspend'],
      {
        agentId: 'writer',
        state: 'VIOLATION_STATE_OPEN',
        type: 'VIOLATION_TYPE_OVERSPEND',
      },
    ],
    [['get', '17'], { violationId: '17' }],
    [
      ['report', 'writer', 'custom', 'It failed twice', '--severity', 'low', '--details', 'tool=x'],
      {
        agentId: 'writer',
        type: 'VIOLATION_TYPE_CUSTOM',
        message: 'It failed twice',
        severity: 'SEVERITY_LOW',
        details: { tool: 'x' },
      },
    ],
    [['resolve', '17', '--note', 'Topped up'], { violationId: '17', note: 'Topped up' }],
    [
      ['escalate', '17', 'critical', '--reason', 'policy'],
      { violationId: '17', severity: 'SEVERITY_CRITICAL', reason: 'policy' },
    ],
    [['stats'], {}],
    [['stats', 'writer'], { agentId: 'writer' }],
  ])('%j', async (words, expected) => {
    expect(await call(...words)).toMatchObject({ code: 0, err: '' });
    expect(asked()).toEqual(expected);
  });
});

describe('what a person sees of violations', () => {
  test('is a line an event', async () => {
    const event = { sequence: 20n, kind: ViolationEventKind.ESCALATED, violation };
    fake.answer(
      method.watchViolations,
      { message: { case: 'bookmark', value: { sequence: 19n, storeId: 's', live: true } } },
      { message: { case: 'event', value: { ...event, time: { seconds: 0n } } } },
    );
    expect((await call('watch')).out).toBe(
      'Event 19, live.\n' +
        '20 1970-01-01T00:00:00.000Z ESCALATED violation 17, MEDIUM OVERSPEND, OPEN: ' +
        'Asked for more (3 times)\n',
    );
  });

  test('is one with its details, and what was done to it', async () => {
    fake.answer(method.getViolation, { violation: { ...violation, actor: 'admin', note: 'seen' } });
    const { out } = await call('get', '17');
    expect(out).toMatch(/17 .*MEDIUM +OVERSPEND +OPEN +writer +p +3 +Asked for more/);
    expect(out).toContain('  overage: 1.5\n  noted by admin: seen\n');
    fake.answer(method.resolveViolation, { sequence: 5n, violation });
    expect((await call('resolve', '17')).out).toMatch(/^Resolved \(entry 5\)\. violation 17, /);
  });

  test('is a table of counts', async () => {
    fake.answer(method.getViolationStats, {
      totalCount: 3n,
      openCount: 1n,
      types: [{ type: ViolationType.OVERSPEND, totalCount: 3n, openCount: 1n }],
      severities: [{ severity: Severity.MEDIUM, totalCount: 3n, openCount: 1n }],
    });
    expect((await call('stats')).out).toBe(
      'VIOLATIONS  ALL  OPEN\n' +
        'all         3    1\n' +
        'MEDIUM      3    1\n' +
        'OVERSPEND   3    1\n',
    );
  });
});
