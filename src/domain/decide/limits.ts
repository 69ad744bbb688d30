import type { Rejection } from '../answer.js';
import { rejectFields } from '../answer.js';
import { fitsScale, formatAmount, type Amount } from '../amount.js';
import type {
  CreateLimitCommand,
  DeleteLimitCommand,
  UpdateLimitCommand,
} from '../rule-command.js';
import { carryOut, unchanged, type Decided } from '../decided.js';
import { beginDraft, closeEntry, putRow } from '../draft.js';
import { AMOUNT_METRIC, type SpendingLimit } from '../limit.js';
import { endEpisodesOf } from '../raise.js';
import type { Scope } from '../scope.js';
import type { Context, State } from '../state.js';
import { changesOf, firstValuesOf } from './changes.js';
import { checkRevision } from './checks.js';
import { countPast } from './limit-past.js';
import { checkRoom, removeLimit, resolveScope, ruleExists, ruleNotFound } from './rules.js';

const FIELDS = [
  ['name', 'name'],
  ['metric', 'metric'],
  ['value', 'value'],
  ['enforcement', 'enforcement'],
  ['severity', 'severity'],
] as const satisfies readonly (readonly [string, keyof SpendingLimit])[];

/** Makes a spending limit. Guide: set_spending_limit. Counts from now, or from the usage so far. */
export function decideCreateLimit(
  state: State,
  command: CreateLimitCommand,
  context: Context,
): Decided {
  const id = command.limitId === '' ? context.newId() : command.limitId;
  if (state.rules.rows.limits.has(id)) return ruleExists('LIMIT_ALREADY_EXISTS', 'limit', id);
  const scope = resolveScope(state, command.scope);
  if ('verdict' in scope) return scope;
  const refusal =
    checkRoom('limit', state.rules.limits.size) ??
    checkValue(state, scope, command.metric, command.value, 'value');
  if (refusal !== undefined) return refusal;

  const draft = beginDraft(state, context.now);
  const limit: SpendingLimit = {
    uid: draft.nextUid,
    id,
    name: command.name,
    scope,
    metric: command.metric,
    window: command.window,
    value: command.value,
    enforcement: command.enforcement,
    severity: command.severity,
    countFrom: command.includePast ? 0 : context.now,
    revision: 1,
    createTime: context.now,
    updateTime: context.now,
  };
  draft.nextUid += 1;
  putRow(draft, 'limits', id, limit);
  if (command.includePast) {
    const tooMany = countPast(draft, limit);
    if (tooMany !== undefined) return tooMany;
  }
  const fields = firstValuesOf(limit, FIELDS);
  closeEntry(draft, 'CONFIGURE', {
    changes: [
      { field: `limit/${id}.scope`, before: '', after: scopeText(command) },
      { field: `limit/${id}.window`, before: '', after: JSON.stringify(limit.window) },
      ...fields.map((change) => ({ ...change, field: `limit/${id}.${change.field}` })),
    ],
  });
  return carryOut(draft, { object: { collection: 'limits', key: id } });
}

function scopeText({ scope }: CreateLimitCommand): string {
  return `${scope.kind} ${scope.id}`;
}

/** Changes a limit's name, value, enforcement or severity. Its counters stay, its episodes end. */
export function decideUpdateLimit(
  state: State,
  command: UpdateLimitCommand,
  context: Context,
): Decided {
  const limit = state.rules.rows.limits.get(command.limitId);
  if (limit === undefined) return ruleNotFound('LIMIT_NOT_FOUND', 'limit', command.limitId);
  const { patch } = command;
  const refusal =
    checkRevision(command.expectedRevision, limit.revision) ??
    (patch.value === undefined
      ? undefined
      : checkValue(state, limit.scope, limit.metric, patch.value, 'limit.value'));
  if (refusal !== undefined) return refusal;
  const changes = changesOf<SpendingLimit>(limit, patch, FIELDS);
  const object = { collection: 'limits', key: limit.id } as const;
  if (changes.length === 0) return unchanged({ object });

  const draft = beginDraft(state, context.now);
  putRow(draft, 'limits', limit.id, {
    ...limit,
    ...patch,
    revision: limit.revision + 1,
    updateTime: context.now,
  });
  endEpisodesOf(draft, { kind: 'LIMIT', id: limit.id });
  closeEntry(draft, 'CONFIGURE', {
    changes: changes.map((change) => ({ ...change, field: `limit/${limit.id}.${change.field}` })),
  });
  return carryOut(draft, { object });
}

/** Takes a limit away, with what it counted. */
export function decideDeleteLimit(
  state: State,
  command: DeleteLimitCommand,
  context: Context,
): Decided {
  const limit = state.rules.rows.limits.get(command.limitId);
  if (limit === undefined) return ruleNotFound('LIMIT_NOT_FOUND', 'limit', command.limitId);
  const stale = checkRevision(command.expectedRevision, limit.revision);
  if (stale !== undefined) return stale;
  const draft = beginDraft(state, context.now);
  removeLimit(draft, limit.id);
  const field = `limit/${limit.id}.value`;
  closeEntry(draft, 'CONFIGURE', {
    changes: [{ field, before: formatAmount(limit.value), after: '' }],
  });
  return carryOut(draft, {});
}

/** INVALID_REQUEST for a value with digits that no amount of the pool can have. */
function checkValue(
  state: State,
  scope: Scope,
  metric: string,
  value: Amount,
  field: string,
): Rejection | undefined {
  const poolUid = scope.kind === 'AGENT' ? state.agent(scope.uid)?.poolUid : scope.uid;
  const pool = poolUid === undefined ? undefined : state.pool(poolUid);
  if (pool === undefined || metric !== AMOUNT_METRIC || fitsScale(value, pool.scale)) {
    return undefined;
  }
  return rejectFields([
    {
      field,
      description: `${formatAmount(value)} has more than the ${pool.scale} decimals of pool ${pool.id}; round it`,
    },
  ]);
}
