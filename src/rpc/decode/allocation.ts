import type {
  AllocateByPriorityCommand,
  AllocateDynamicCommand,
  Normalization,
  RebalancePoolCommand,
  ShortagePolicy,
  UsageStatistic,
} from '../../domain/allocation/command.js';
import type { Amount } from '../../domain/amount.js';
import type { Rejection } from '../../domain/answer.js';
import { ALLOCATED_AGENTS_MAX } from '../../domain/state.js';
import type {
  AllocateByPriorityRequest,
  AllocateDynamicRequest,
  RebalancePoolRequest,
} from '../../gen/safeguards/v1/allocation_pb.js';
import { optionalAmount, positiveAmount, requiredAmount } from './amount.js';
import { formOf, judged, refuseField } from './form.js';
import type { Form } from './form.js';
import { criticalPriorityOf, enumOf, revisionOf } from './number.js';
import { adminFields } from './pool.js';
import { requiredId } from './text.js';
import { USAGE_WINDOW, durationMs } from './time.js';

/** What is meant by what is left out: api.md, "Strategies". */
const DEFAULTS = {
  usageMultiplier: '1.2',
  criticalMinimum: '50',
  priorityWeight: '0.7',
  usageWeight: '0.3',
} as const;

const STATISTICS: readonly UsageStatistic[] = ['MEAN_PER_ENTRY', 'MEAN_PER_ENTRY', 'MEAN_PER_HOUR'];
const SHORTAGES: readonly ShortagePolicy[] = ['REJECT', 'REJECT', 'SCALE'];
const NORMALIZATIONS: readonly Normalization[] = ['SHARE', 'SHARE', 'RAW'];

/** Reads new budgets by usage. */
export function decodeAllocateDynamic(
  request: AllocateDynamicRequest,
): AllocateDynamicCommand | Rejection {
  const form = formOf();
  return judged(form, {
    method: 'ALLOCATE_DYNAMIC',
    ...commonFields(form, request),
    ...dynamicTerms(form, request),
  });
}

/** Reads what a dynamic allocation goes by. */
export function dynamicTerms(
  form: Form,
  request: Pick<
    AllocateDynamicRequest,
    'baseBudget' | 'usageMultiplier' | 'maxBudget' | 'statistic' | 'window'
  >,
) {
  return {
    baseBudget: requiredAmount(form, 'base_budget', request.baseBudget),
    usageMultiplier: positiveAmount(
      form,
      'usage_multiplier',
      request.usageMultiplier || DEFAULTS.usageMultiplier,
    ),
    maxBudget: amountIfGiven(form, 'max_budget', request.maxBudget),
    statistic: enumOf(form, 'statistic', request.statistic, STATISTICS, 'MEAN_PER_ENTRY'),
    windowMs: durationMs(form, 'window', request.window, USAGE_WINDOW),
  };
}

/** Reads new budgets by priority. */
export function decodeAllocateByPriority(
  request: AllocateByPriorityRequest,
): AllocateByPriorityCommand | Rejection {
  const form = formOf();
  return judged(form, {
    method: 'ALLOCATE_BY_PRIORITY',
    ...commonFields(form, request),
    total: amountIfGiven(form, 'total', request.total),
    criticalPriority: criticalPriorityOf(form, request.criticalPriority),
    criticalMinimum: requiredAmount(
      form,
      'critical_minimum',
      request.criticalMinimum || DEFAULTS.criticalMinimum,
    ),
    shortage: enumOf(form, 'shortage', request.shortage, SHORTAGES, 'REJECT'),
  });
}

/** Reads new budgets by priority and usage. */
export function decodeRebalancePool(
  request: RebalancePoolRequest,
): RebalancePoolCommand | Rejection {
  const form = formOf();
  const common = commonFields(form, request);
  return judged(form, { method: 'REBALANCE_POOL', ...common, ...rebalanceTerms(form, request) });
}

/** Reads what a rebalancing goes by. */
export function rebalanceTerms(
  form: Form,
  request: Pick<
    RebalancePoolRequest,
    'total' | 'priorityWeight' | 'usageWeight' | 'minPerAgent' | 'normalization' | 'window'
  >,
) {
  const total = amountIfGiven(form, 'total', request.total);
  const before = form.violations.length;
  const priorityWeight = weightOf(form, 'priority_weight', request.priorityWeight);
  const usageWeight = weightOf(form, 'usage_weight', request.usageWeight);
  if (priorityWeight === 0n && usageWeight === 0n && form.violations.length === before) {
    refuseField(form, 'priority_weight', 'Give a weight above 0 to priority or usage');
  }
  return {
    total,
    priorityWeight,
    usageWeight,
    minPerAgent: optionalAmount(form, 'min_per_agent', request.minPerAgent),
    normalization: enumOf(form, 'normalization', request.normalization, NORMALIZATIONS, 'SHARE'),
    windowMs: durationMs(form, 'window', request.window, USAGE_WINDOW),
  };
}

type CommonRequest = Pick<
  RebalancePoolRequest,
  'requestId' | 'reason' | 'poolId' | 'agentIds' | 'validateOnly' | 'expectedRevision'
>;

function commonFields(form: Form, request: CommonRequest) {
  return {
    ...adminFields(form, request),
    poolId: requiredId(form, 'pool_id', request.poolId),
    agentIds: agentIdsOf(form, request.agentIds),
    validateOnly: request.validateOnly,
    expectedRevision: revisionOf(form, request.expectedRevision),
  };
}

/** Each once and sorted: in which order they are named makes no other request. */
export function agentIdsOf(
  form: Form,
  ids: readonly string[],
  max = ALLOCATED_AGENTS_MAX,
): readonly string[] {
  if (ids.length > max) {
    refuseField(form, 'agent_ids', `Give at most ${max} ids`);
    return [];
  }
  for (const [at, id] of ids.entries()) requiredId(form, `agent_ids[${at}]`, id);
  return [...new Set(ids)].sort();
}

function amountIfGiven(form: Form, field: string, value: string): Amount | undefined {
  return value === '' ? undefined : requiredAmount(form, field, value);
}

function weightOf(form: Form, field: 'priority_weight' | 'usage_weight', value: string): Amount {
  const standard = field === 'priority_weight' ? DEFAULTS.priorityWeight : DEFAULTS.usageWeight;
  return requiredAmount(form, field, value || standard);
}
