import { toJson } from '@bufbuild/protobuf';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { VERBS } from '../../src/cli/verbs/table.js';
import { AgentState } from '../../src/gen/safeguards/v1/agent_pb.js';
import {
  BudgetAdminService,
  type ListPoolsRequest,
} from '../../src/gen/safeguards/v1/budget_admin_service_pb.js';
import { BudgetService } from '../../src/gen/safeguards/v1/budget_service_pb.js';
import { Decision, DenialReason } from '../../src/gen/safeguards/v1/decision_pb.js';
import { commandLine, type Outcome } from './command-line.js';
import { FakeSidecar } from './fake-sidecar.js';

const agent = BudgetService.method;
const admin = BudgetAdminService.method;
const folder = mkdtempSync(path.join(tmpdir(), 'safeguards-cli-'));
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

let fake: FakeSidecar;
beforeAll(async () => {
  fake = await FakeSidecar.start();
});
beforeEach(() => fake.reset());
afterAll(() => {
  fake.close();
  rmSync(folder, { recursive: true });
});

const token = 'token-token-token-token';

function call(words: string, input = ''): Promise<Outcome> {
  const environment = {
    SAFEGUARDS_ADDRESS: fake.address,
    SAFEGUARDS_ADMIN_ADDRESS: fake.address,
    SAFEGUARDS_ADMIN_TOKEN: token,
  };
  return commandLine(words.split(' '), { environment, input });
}

/** The request of the last call, as JSON without a made-up request_id. */
function asked(): unknown {
  const { method, request } = fake.calls.at(-1)!;
  const verb = VERBS.find((each) => each.method.name === method)!;
  const { requestId, ...rest } = toJson(verb.method.input, request) as Record<string, unknown>;
  return typeof requestId !== 'string' || UUID.test(requestId) ? rest : { requestId, ...rest };
}

describe('a command line becomes a request', () => {
  test.each<[string, unknown]>([
    ['spend a 2.50', { agentId: 'a', amount: '2.50' }],
    [
      'spend a 2 --mode up-to --category llm --quantities tokens=5 --quantities images=1 --run r --dry-run',
      {
        agentId: 'a',
        amount: '2',
        mode: 'SPEND_MODE_UP_TO',
        category: 'llm',
        quantities: { tokens: '5', images: '1' },
        runId: 'r',
        dryRun: true,
      },
    ],
    ['spend a 2 --request-id mine', { requestId: 'mine', agentId: 'a', amount: '2' }],
    ['reserve a 10 --ttl 90s', { agentId: 'a', amount: '10', ttl: '90s' }],
    ['extend r --ttl 1500ms', { reservationId: 'r', ttl: '1.500s' }],
    ['commit r', { reservationId: 'r' }],
    [
      'commit r 0 --no-final --overage REJECT',
      {
        reservationId: 'r',
        amount: '0',
        final: false,
        overage: 'OVERAGE_POLICY_REJECT',
      },
    ],
    ['budget list a b', { agentIds: ['a', 'b'] }],
    ['budget watch --pool p --min-interval 1s', { poolId: 'p', minInterval: '1s' }],
    ['budget adjust a -5.25', { agentId: 'a', delta: '-5.25' }],
    [
      'budget set a 5 --reset-baseline --expected-revision 3',
      {
        agentId: 'a',
        amount: '5',
        resetBaseline: true,
        expectedRevision: '3',
      },
    ],
    ['pool create p', { poolId: 'p', name: 'p' }],
    [
      'pool create --name Pool --funding on-demand --scale 0',
      {
        name: 'Pool',
        funding: 'POOL_FUNDING_ON_DEMAND',
        scale: 0,
      },
    ],
    ['pool fund p -- -5', { poolId: 'p', delta: '-5' }],
    ['agent create a --no-allow-force', { agentId: 'a', name: 'a', allowForce: false }],
    [
      'agent update a --priority 8 --overdraft-limit 2 --reason why',
      {
        agent: { id: 'a', priority: 8, overdraftLimit: '2' },
        updateMask: 'priority,overdraftLimit',
        reason: 'why',
      },
    ],
    ['pool update p --metadata ', { pool: { id: 'p' }, updateMask: 'metadata' }],
    [
      'transfer agent:a pool:x:y 3',
      {
        source: { agentId: 'a' },
        destination: { poolId: 'x:y' },
        amount: '3',
      },
    ],
    ['refund 17', { sequence: '17' }],
    [
      'usage a --granularity hour --start-time 2026-01-01T00:00:00Z',
      {
        agentId: 'a',
        granularity: 'USAGE_GRANULARITY_HOUR',
        startTime: '2026-01-01T00:00:00Z',
      },
    ],
    [
      'changes a --kinds spend --kinds set-budget',
      {
        agentId: 'a',
        kinds: ['ENTRY_KIND_SPEND', 'ENTRY_KIND_SET_BUDGET'],
      },
    ],
    [
      'reservation list --agent a --state open',
      {
        agentId: 'a',
        state: 'RESERVATION_STATE_OPEN',
      },
    ],
    ['export --after-sequence 7', { afterSequence: '7' }],
    ['level get a', { agentId: 'a' }],
    ['levels get agent:a', { agentId: 'a' }],
    ['levels get every-agent', { everyAgent: true }],
    [
      'levels set pool:p full=50:a,b off=0 --expected-revision 3 --reason why',
      {
        poolId: 'p',
        levels: [
          { name: 'full', minPercent: '50', features: ['a', 'b'] },
          { name: 'off', minPercent: '0' },
        ],
        expectedRevision: '3',
        reason: 'why',
      },
    ],
    ['levels set every-agent none', { everyAgent: true }],
  ])('%s', async (words, expected) => {
    fake.answer(agent.spend, { decision: Decision.APPROVED });
    fake.answer(agent.reserve, { decision: Decision.APPROVED });
    fake.answer(agent.extendReservation, { decision: Decision.APPROVED });
    expect(await call(words)).toMatchObject({ code: 0, err: '' });
    expect(asked()).toEqual(expected);
  });

  test.each([
    ['a list', '[{"agentId":"a","amount":"1"},{"agent_id":"b","amount":"2","request_id":"mine"}]'],
    [
      'lines',
      '{"agentId":"a","amount":"1"}\n\n{"agent_id":"b","amount":"2","request_id":"mine"}\n',
    ],
  ])('the items of a batch may be %s', async (_name, input) => {
    await call('batch --atomic', input);
    expect(asked()).toMatchObject({
      items: [
        { requestId: expect.stringMatching(UUID) as string, agentId: 'a', amount: '1' },
        { requestId: 'mine', agentId: 'b', amount: '2' },
      ],
      atomic: true,
    });
  });

  test('the document to apply is sent as it is written', async () => {
    const file = path.join(folder, 'budgets.yaml');
    writeFileSync(file, 'pools:\n  - pool_id: p\n');
    await call(`apply -f ${file} --dry-run --prune`);
    const document = 'pools:\n  - pool_id: p\n';
    expect(asked()).toEqual({ document, dryRun: true, prune: true });
  });

  test('every call has a request_id of its own, shown with --verbose', async () => {
    fake.answer(agent.spend, { decision: Decision.APPROVED });
    const first = await call('spend a 1 --verbose');
    const second = await call('spend a 1 --verbose');
    expect(first.err).toMatch(/^request_id [0-9a-f-]{36}\n$/);
    expect(second.err).not.toBe(first.err);
  });

  test('the token goes to operators’ calls only', async () => {
    await call('pool list');
    await call('budget get a');
    expect(fake.calls.map(({ authorization }) => authorization)).toEqual([
      `Bearer ${token}`,
      undefined,
    ]);
  });

  test('a Unix socket is an address too', async () => {
    const socket = await FakeSidecar.start(`unix:${path.join(folder, 'agent.sock')}`);
    const words = ['budget', 'get', 'a', '--address', socket.address];
    expect((await commandLine(words)).code).toBe(0);
    expect(socket.calls).toHaveLength(1);
    socket.close();
  });
});

describe('what cannot be a request is not sent', () => {
  test.each([
    ['spend a 1 --mode maybe', '--mode: "maybe" is none of strict, up-to, force.'],
    ['reserve a 1 --ttl soon', '--ttl: "soon" is no duration.'],
    ['spend a 1 --quantities tokens', '--quantities: "tokens" is not name=value.'],
    ['transfer a pool:b 1', '"a" names neither side. Write agent:ID or pool:ID.'],
    ['levels get a', '"a" names no scope. Write agent:ID, pool:ID or every-agent.'],
    ['levels set agent:a full', '"full" is no level. Write one like full=50:'],
    ['levels set agent:a', "missing required argument 'levels'"],
    ['pool create p --scale nine', '--scale: "nine" is no whole number'],
    ['agent update a --reason why', 'Nothing to update'],
    ['apply -f missing.yaml', 'missing.yaml cannot be read'],
    ['spend a', "missing required argument 'amount'"],
    ['spend a 1 --colour red', "unknown option '--colour'"],
    ['spent a 1', 'Did you mean spend?'],
    ['pool', 'Usage: safeguards pool'],
    ['', 'Usage: safeguards'],
  ])('%s', async (words, message) => {
    const { code, err } = await commandLine(words === '' ? [] : words.split(' '));
    expect(err).toContain(message);
    expect(code).toBe(2);
    expect(fake.calls).toEqual([]);
  });
});

describe('answers', () => {
  const budget = {
    agentId: 'a',
    poolId: 'p',
    unit: 'USD',
    available: '7.5',
    remaining: '7.5',
    spent: '2.5',
    reserved: '0',
    remainingPercent: '75',
    state: AgentState.ACTIVE,
  };

  test('an approval is one line', async () => {
    fake.answer(agent.spend, {
      decision: Decision.APPROVED,
      grantedAmount: '2.5',
      sequence: 12n,
      budget,
      replayed: true,
    });
    expect(await call('spend a 2.5')).toEqual({
      code: 0,
      out:
        'Approved: 2.5 spent (entry 12, answered before). ' +
        'a has 7.5 USD available, 2.5 spent, 0 reserved.\n',
      err: '',
    });
  });

  test('a denial says by what, by how much and what would pass, and exits with 3', async () => {
    fake.answer(agent.spend, {
      decision: Decision.DENIED,
      denial: {
        reason: DenialReason.INSUFFICIENT_BUDGET,
        ruleId: 'a',
        limit: '10',
        counted: '9.75',
        shortfall: '0.5',
        largestAmount: '0.25',
        message: 'The budget does not cover it',
      },
    });
    const { code, out } = await call('spend a 0.75');
    expect(code).toBe(3);
    expect(out).toBe(
      [
        'Denied: INSUFFICIENT_BUDGET. The budget does not cover it',
        '  rule            a, limit 10, counted 9.75',
        '  shortfall       0.5',
        '  largest amount  0.25',
        '',
      ].join('\n'),
    );
    const json = await call('spend a 0.75 --json');
    expect(json.code).toBe(3);
    expect(JSON.parse(json.out)).toMatchObject({
      decision: 'DECISION_DENIED',
      replayed: false,
      denial: { shortfall: '0.5' },
    });
  });

  test('a batch exits with the worst of its results', async () => {
    const outcome = (decision: Decision) => ({
      requestId: 'r',
      result: { case: 'outcome', value: { decision } } as const,
    });
    const error = { requestId: 'r', result: { case: 'error', value: { message: 'x' } } as const };
    const codes: number[] = [];
    for (const results of [
      [outcome(Decision.APPROVED)],
      [outcome(Decision.APPROVED), outcome(Decision.DENIED)],
      [outcome(Decision.DENIED), error],
    ]) {
      fake.answer(agent.batchSpend, { results });
      codes.push((await call('batch', '[{}]')).code);
    }
    expect(codes).toEqual([0, 3, 1]);
  });

  test('balances are a table', async () => {
    fake.answer(agent.getBudget, { budget });
    expect((await call('budget get a')).out).toBe(
      'AGENT  POOL  AVAILABLE  REMAINING  RESERVED  SPENT  UNIT  %   STATE\n' +
        'a      p     7.5        7.5        0         2.5    USD   75  ACTIVE\n',
    );
  });

  test('a watch is one line an event, in JSON one object a line', async () => {
    fake.answer(
      agent.watchBudgets,
      { event: { case: 'budget', value: budget } },
      { event: { case: 'snapshotComplete', value: { agentCount: 1 } } },
      { event: { case: 'agentLeft', value: { agentId: 'a' } } },
    );
    expect((await call('budget watch a')).out.split('\n')).toHaveLength(4);
    const lines = (await call('budget watch a --json')).out.trimEnd().split('\n');
    expect(lines.map((line) => Object.keys(JSON.parse(line) as object)[0])).toEqual([
      'budget',
      'snapshotComplete',
      'agentLeft',
    ]);
  });

  test('a list says that there is more, and --all follows it', async () => {
    fake.answerBy(admin.listPools, (request) => {
      const { pageToken } = request as ListPoolsRequest;
      const next = { '': 'two', two: 'three' }[pageToken] ?? '';
      return { pools: [{ id: `after-${pageToken}` }], nextPageToken: next };
    });
    expect(await call('pool list')).toMatchObject({
      code: 0,
      err: 'There is more: add --all, or --page-token two\n',
    });
    const { out, err } = await call('pool list --all');
    expect(err).toBe('');
    expect(out.match(/after-\w*/g)).toEqual(['after-', 'after-two', 'after-three']);
    expect(out.match(/POOL/g)).toHaveLength(1);
    const json = await call('pool list --all --json');
    const { pools, nextPageToken } = JSON.parse(json.out) as Record<string, unknown>;
    expect(pools).toHaveLength(3);
    expect(nextPageToken).toBe('');
  });

  test('a ledger that does not verify exits with 1', async () => {
    const findings = [{ sequence: 4n, account: 'AGENT 7', message: 'spent is 3, stored is 4' }];
    fake.answer(admin.verifyLedger, { clean: false, findings });
    const { code, out } = await call('verify-ledger');
    expect(code).toBe(1);
    expect(out).toContain('NOT CLEAN');
    expect(out).toContain('  entry 4 AGENT 7 spent is 3, stored is 4\n');
  });

  test.each(VERBS.map((verb) => [verb.words, verb] as const))(
    '%s can print an empty answer both ways',
    async (_words, verb) => {
      const words = verb.example.replace('budgets.yaml', '-').split(' > ')[0]!;
      // Files of the examples are not there; what would come from them is typed.
      const typed = words.replace(/"[^"]*"/g, 'why').replace(/@\S+\.txt/g, 'text');
      const clean = typed.replace('items.json', '-');
      const plain = await call(clean, '{}');
      const json = await call(`${clean.replace(' --json', '')} --json`, '{}');
      expect([plain.err, json.err]).toEqual(['', '']);
      expect([0, 1, 3]).toContain(plain.code);
      expect(() => JSON.parse(json.out) as unknown).not.toThrow();
    },
  );
});
