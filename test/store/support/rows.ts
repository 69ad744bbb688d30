import fc from 'fast-check';
import { BALANCE_LIMIT } from '../../../src/domain/amount.js';
import type { AllocationRow } from '../../../src/domain/allocation/row.js';
import type { ConfigurationChange } from '../../../src/domain/answer.js';
import {
  ACCOUNT_KINDS,
  type AccountChange,
  BALANCE_FIELDS,
  ENTRY_KINDS,
  type Entry,
  type Posting,
} from '../../../src/domain/entry.js';
import type { EmergencyPolicy } from '../../../src/domain/emergency/policy.js';
import {
  EMERGENCY_RULES,
  EMERGENCY_STATES,
  type EmergencyRequest,
} from '../../../src/domain/emergency/request.js';
import { SCOPE_KINDS, type Scope } from '../../../src/domain/scope.js';
import {
  type Agent,
  METHODS,
  type Metadata,
  type Method,
  type Pool,
  type Quantities,
  type Reservation,
} from '../../../src/domain/model.js';
import type { NamedLevels } from '../../../src/domain/effective-levels.js';
import type { ServiceLevels } from '../../../src/domain/service-level.js';
import type { UsageCell } from '../../../src/domain/usage.js';
import {
  RULE_KINDS,
  SEVERITIES,
  VIOLATION_SOURCES,
  VIOLATION_STATES,
  VIOLATION_TYPES,
  type Violation,
} from '../../../src/domain/violation.js';
import type { BalanceSnapshot, Header } from '../../../src/ledger/store.js';
import {
  AGENT_STATES,
  POOL_FUNDINGS,
  POOL_STATES,
  RESERVATION_STATES,
} from '../../../src/store/tables.js';

/** Rows of every kind with everything that their types admit, edges among it. */

const KEY_MAX = 2 ** 48 - 1;

export const uid = fc.integer({ min: 1, max: KEY_MAX });
export const sequence = fc.oneof(
  fc.integer({ min: 1, max: 300 }),
  fc.integer({ min: 1, max: KEY_MAX }),
);
export const instant = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: KEY_MAX }));
export const uint32 = fc.oneof(
  fc.integer({ min: 0, max: 300 }),
  fc.integer({ min: 0, max: 0xffffffff }),
);
export const counter = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
export const digest = fc.uint8Array({ minLength: 32, maxLength: 32 });

/** Signed, up to the largest balance; often 0, often whole, now and then one step. */
export const amount = fc.oneof(
  fc.constantFrom(0n, 1n, -1n, 10n ** 12n, BALANCE_LIMIT - 1n, 1n - BALANCE_LIMIT),
  fc.bigInt({ min: -(10n ** 9n), max: 10n ** 9n }).map((units) => units * 10n ** 12n),
  fc.bigInt({ min: 1n - BALANCE_LIMIT, max: BALANCE_LIMIT - 1n }),
);

export const ascii = fc.string({ unit: 'grapheme-ascii', maxLength: 140 });
export const text = fc.oneof(
  ascii,
  fc.string({ unit: 'grapheme', maxLength: 140 }),
  fc.constantFrom(
    'ü'.repeat(63),
    'ü'.repeat(64),
    'a'.repeat(127),
    'a'.repeat(128),
    '😀'.repeat(90),
  ),
);
export const id = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._:/-]{0,40}$/);
const requestId = fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 128 });

export function wordOf<Word extends string>(
  table: Readonly<Record<Word, number>>,
): fc.Arbitrary<Word> {
  return fc.constantFrom(...(Object.keys(table) as Word[]));
}

const byKey = ([a]: readonly [string, string], [b]: readonly [string, string]): number =>
  a < b ? -1 : 1;

/** Without keys like `7`: objects list those first, so protobuf-es writes such maps in another order. */
export const key = text.filter((word) => !/^(?:0|[1-9][0-9]{0,9})$/.test(word));
export const metadata: fc.Arbitrary<Metadata> = fc
  .uniqueArray(fc.tuple(fc.oneof(key, fc.constant('__proto__')), text), {
    maxLength: 6,
    selector: ([name]) => name,
  })
  .map((pairs) => pairs.toSorted(byKey));

export const quantities: fc.Arbitrary<Quantities> = fc
  .uniqueArray(fc.record({ name: fc.stringMatching(/^[a-z][a-z0-9_]{0,31}$/), amount }), {
    maxLength: 5,
    selector: ({ name }) => name,
  })
  .map((list) => list.toSorted((a, b) => (a.name < b.name ? -1 : 1)));

export const usage: fc.Arbitrary<readonly UsageCell[]> = fc.array(
  fc.record({
    index: fc.integer({ min: 0, max: 59 }),
    amount,
    entries: counter,
    requests: counter,
    refunded: amount,
    quantities,
  }),
  { minLength: 1, maxLength: 60 },
);

export const header: fc.Arbitrary<Header> = fc.record({
  storeId: ascii,
  owner: ascii,
  headSequence: fc.oneof(fc.constant(0), sequence),
  headHash: digest,
  time: instant,
  nextUid: uid,
  verifiedSequence: fc.oneof(fc.constant(0), sequence),
  verifiedHash: digest,
  purgedSequence: fc.oneof(fc.constant(0), sequence),
  createTime: instant,
  violationSequence: fc.oneof(fc.constant(0), sequence),
  frozenAgents: fc.option(counter, { nil: undefined }),
  usageHour: uint32,
  usage,
});

export const pool: fc.Arbitrary<Pool> = fc.record({
  uid,
  id,
  name: text,
  priority: uint32,
  unit: id,
  scale: fc.integer({ min: 0, max: 12 }),
  funding: wordOf(POOL_FUNDINGS),
  state: wordOf(POOL_STATES),
  minBalance: amount,
  initialBudget: amount,
  metadata,
  revision: counter,
  createTime: instant,
  updateTime: instant,
  agentCount: counter,
  lastSequence: sequence,
  usageHour: uint32,
  usage,
  funded: amount,
  spent: amount,
  reserved: amount,
  unallocated: amount,
  debt: amount,
  base: amount,
  baseline: amount,
});

export const agent: fc.Arbitrary<Agent> = fc.record({
  uid,
  id,
  poolUid: uid,
  name: text,
  priority: uint32,
  state: wordOf(AGENT_STATES),
  overdraftLimit: amount,
  allowForce: fc.boolean(),
  parentId: fc.oneof(fc.constant(''), id),
  initialBudget: amount,
  metadata,
  revision: counter,
  budgetRevision: counter,
  createTime: instant,
  updateTime: instant,
  budgetTime: instant,
  deleteTime: instant,
  openReservations: uint32,
  quantityNames: fc.array(fc.stringMatching(/^[a-z][a-z0-9_]{0,31}$/), { maxLength: 64 }),
  lastSequence: sequence,
  usageHour: uint32,
  usage,
  spendCount: counter,
  lastSpendTime: instant,
  serviceLevel: text,
  allocated: amount,
  spent: amount,
  reserved: amount,
  base: amount,
  baseline: amount,
});

const method = wordOf<Method>(METHODS);

export const reservation: fc.Arbitrary<Reservation> = fc.record({
  id: fc.uuid({ version: 7 }),
  agentUid: uid,
  state: wordOf(RESERVATION_STATES),
  amount,
  held: amount,
  committed: amount,
  category: ascii,
  quantities,
  runId: ascii,
  metadata,
  extensions: uint32,
  createTime: instant,
  expireTime: instant,
  endTime: instant,
  settledLate: fc.boolean(),
  commits: uint32,
  verbs: fc.array(fc.record({ method, requestId }), { maxLength: 5 }),
});

const posting: fc.Arbitrary<Posting> = fc.record({
  field: wordOf(BALANCE_FIELDS),
  delta: amount,
  after: amount,
});

const account: fc.Arbitrary<AccountChange> = fc.record({
  kind: wordOf(ACCOUNT_KINDS),
  uid,
  previousSequence: fc.oneof(fc.constant(0), sequence),
  postings: fc.array(posting, { maxLength: 8 }),
  remaining: fc.option(amount, { nil: undefined }),
});

export const entry: fc.Arbitrary<Entry> = fc.record({
  sequence,
  time: instant,
  kind: wordOf(ENTRY_KINDS),
  previousHash: digest,
  accounts: fc.array(account, { maxLength: 4 }),
  amount: fc.option(amount, { nil: undefined }),
  changes: fc.array(fc.record({ field: text, before: text, after: text }), { maxLength: 4 }),
  requestId: ascii,
  method: fc.option(method, { nil: undefined }),
  principal: text,
  reason: text,
  reservationId: fc.oneof(fc.constant(''), fc.uuid({ version: 7 })),
  refundedSequence: fc.oneof(fc.constant(0), sequence),
  category: ascii,
  quantities,
  runId: ascii,
  traceId: ascii,
  metadata,
});

export const balance: fc.Arbitrary<BalanceSnapshot> = fc.record({
  allocated: amount,
  spent: amount,
  reserved: amount,
  overdraftLimit: amount,
  initialBudget: amount,
  baseline: amount,
  state: wordOf(AGENT_STATES),
  budgetRevision: counter,
  poolUid: uid,
  budgetTime: instant,
  serviceLevel: text,
});

export const change: fc.Arbitrary<ConfigurationChange> = fc.record({
  action: fc.constantFrom('CREATE', 'UPDATE', 'DELETE', 'MOVE'),
  objectKind: fc.constantFrom('pool', 'agent', 'spending_limit', 'service_levels'),
  objectId: id,
  fields: fc.array(text, { maxLength: 3 }),
});

/** Any violation. */
export const violation: fc.Arbitrary<Violation> = fc.record({
  sequence,
  type: wordOf(VIOLATION_TYPES),
  severity: wordOf(SEVERITIES),
  state: wordOf(VIOLATION_STATES),
  source: wordOf(VIOLATION_SOURCES),
  rule: fc.record({ kind: wordOf(RULE_KINDS), id }),
  agentUid: uid,
  agentId: id,
  poolUid: uid,
  poolId: id,
  message: text,
  details: metadata,
  count: counter,
  entrySequence: sequence,
  createTime: instant,
  updateTime: instant,
  endTime: instant,
  reporter: text,
  actor: text,
  note: text,
});

export const ruleScope: fc.Arbitrary<Scope> = fc.record({ kind: wordOf(SCOPE_KINDS), uid });

export const serviceLevels: fc.Arbitrary<ServiceLevels> = fc.record({
  scope: ruleScope,
  levels: fc.array(
    fc.record({ name: text, minPercent: amount, features: fc.array(text, { maxLength: 3 }) }),
    { maxLength: 3 },
  ),
  revision: counter,
  createTime: instant,
  updateTime: instant,
});

export const effectiveLevels: fc.Arbitrary<NamedLevels> = fc.record({
  sourceId: fc.oneof(fc.constant(''), id),
  set: fc.option(serviceLevels, { nil: undefined }),
});

const optionalAmount = fc.option(amount, { nil: undefined });

export const emergencyPolicy: fc.Arbitrary<EmergencyPolicy> = fc.record({
  scope: ruleScope,
  enabled: fc.boolean(),
  priorityThreshold: fc.integer({ min: 1, max: 11 }),
  criticalShare: amount,
  perDayMax: optionalAmount,
  perRequestMax: optionalAmount,
  cooldownMs: counter,
  approvalAbove: optionalAmount,
  approvalTtlMs: counter,
  mint: fc.boolean(),
  revision: counter,
  createTime: instant,
  updateTime: instant,
});

export const emergencyRequest: fc.Arbitrary<EmergencyRequest> = fc.record({
  number: sequence,
  id,
  agentUid: uid,
  agentId: id,
  poolUid: uid,
  poolId: id,
  unit: ascii,
  priority: fc.integer({ min: 1, max: 10 }),
  amount,
  reason: text,
  state: wordOf(EMERGENCY_STATES),
  rule: wordOf(EMERGENCY_RULES),
  approved: amount,
  approvable: amount,
  explanation: text,
  retryTime: instant,
  sequence,
  createTime: instant,
  expireTime: instant,
  endTime: instant,
  note: text,
});

export const allocation: fc.Arbitrary<AllocationRow> = fc.record({
  agentId: id,
  priority: fc.integer({ min: 1, max: 10 }),
  before: amount,
  after: amount,
  baseline: amount,
  usage: fc.option(fc.record({ amount, entries: counter }), { nil: undefined }),
  leftOut: fc.boolean(),
});

export const scope = fc.record({
  uid: fc.oneof(fc.constant(0), uid),
  method,
  requestId,
});

export const naming = fc.record({ id, uid });
export const refunded = fc.record({ sequence, amount });
