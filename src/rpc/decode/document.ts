import type { Rejection } from '../../domain/answer.js';
import type {
  AgentDocument,
  ApplyConfigurationCommand,
  PoolDocument,
} from '../../domain/command.js';
import type { PoolFunding } from '../../domain/model.js';
import type { ApplyConfigurationRequest } from '../../gen/safeguards/v1/budget_admin_service_pb.js';
import { DOCUMENT_BYTES_MAX } from '../limits.js';
import { initialBudgetOf } from './agent.js';
import { requiredAmount } from './amount.js';
import { formOf, judged, partOf, refuseField } from './form.js';
import type { Form } from './form.js';
import { priorityOf, scaleOf } from './number.js';
import { ADMIN_METADATA, metadataOf } from './pairs.js';
import { fieldsOf, textOf, type Fields } from './document-fields.js';
import { serviceLevelsOf } from './document-levels.js';
import { RULE_KEYS, rulesOf } from './document-rules.js';
import { adminFields } from './pool.js';
import { nameOf, optionalId, requiredId, unitOf } from './text.js';
import { treeOf } from './yaml-tree.js';
import type { Tree } from './yaml-tree.js';

const FUNDINGS: ReadonlyMap<string, PoolFunding> = new Map([
  ['FIXED', 'FIXED'],
  ['POOL_FUNDING_FIXED', 'FIXED'],
  ['ON_DEMAND', 'ON_DEMAND'],
  ['POOL_FUNDING_ON_DEMAND', 'ON_DEMAND'],
]);

/** Reads a configuration document: everything that is wrong with it is named with its path. */
export function decodeApplyConfiguration(
  request: ApplyConfigurationRequest,
): ApplyConfigurationCommand | Rejection {
  const form = formOf();
  const admin = adminFields(form, request);
  return judged(form, {
    method: 'APPLY_CONFIGURATION',
    ...admin,
    ...documentOf(form, request.document, admin.reason, request.prune),
    validateOnly: request.dryRun,
    prune: request.prune,
  });
}

function documentOf(form: Form, text: string, reason: string, prune: boolean) {
  const nothing = { pools: [], agents: [] };
  if (Buffer.byteLength(text) > DOCUMENT_BYTES_MAX) {
    refuseField(form, 'document', 'Give at most 1 MiB');
    return nothing;
  }
  const tree = treeOf(form, 'document', text);
  if (tree === undefined) return nothing;
  if (prune) listed(form, tree);
  if (tree === '') return nothing;
  if (!(tree instanceof Map)) {
    refuseField(form, 'document', 'Give an object with lists such as pools and agents');
    return nothing;
  }
  const root = fieldsOf(form, tree, ['pools', 'agents', ...RULE_KEYS]);
  const pools = listOf(form, root, 'pools', poolOf);
  const agents = listOf(form, root, 'agents', agentOf);
  once(form, 'pools', 'pool_id', pools);
  once(form, 'agents', 'agent_id', agents);
  return { pools, agents, ...rulesOf(form, root, reason) };
}

/** An empty file, a rule file or a template that came out empty must not delete every budget. */
function listed(form: Form, tree: Tree): void {
  for (const key of ['pools', 'agents'] as const) {
    const list = tree instanceof Map ? (tree as Fields).get(key) : undefined;
    if (list !== undefined && list !== '') continue;
    refuseField(form, key, `Prune would delete all ${key}. Give ${key}: [] if that is meant`);
  }
}

const POOL_KEYS = [
  'pool_id',
  'name',
  'initial_budget',
  'priority',
  'unit',
  'scale',
  'min_balance',
  'funding',
  'metadata',
  'service_levels',
] as const;

function poolOf(form: Form, fields: Fields): PoolDocument {
  const text = (key: (typeof POOL_KEYS)[number]) => textOf(form, fields, key);
  const id = requiredId(form, 'pool_id', text('pool_id') ?? '');
  const name = text('name');
  const priority = wholeOf(form, 'priority', text('priority'));
  const minBalance = text('min_balance');
  const funding = text('funding');
  const metadata = mapOf(form, fields, 'metadata');
  const initialBudget = text('initial_budget');
  const unit = text('unit');
  const scale = wholeOf(form, 'scale', text('scale'));
  return {
    id,
    ...(name !== undefined && { name: nameOf(form, name) }),
    ...(priority !== undefined && { priority: priorityOf(form, priority) }),
    ...(minBalance !== undefined && {
      minBalance: requiredAmount(form, 'min_balance', minBalance),
    }),
    ...(funding !== undefined && { funding: fundingOf(form, funding) }),
    ...(metadata !== undefined && { metadata: metadataOf(form, metadata, ADMIN_METADATA) }),
    ...(initialBudget !== undefined && {
      initialBudget: requiredAmount(form, 'initial_budget', initialBudget),
    }),
    ...(unit !== undefined && { unit: givenUnit(form, unit) }),
    ...(scale !== undefined && { scale: scaleOf(form, scale) }),
    ...serviceLevelsOf(form, fields),
  };
}

const AGENT_KEYS = [
  'agent_id',
  'name',
  'pool_id',
  'initial_budget',
  'priority',
  'overdraft_limit',
  'allow_force',
  'parent_id',
  'metadata',
  'service_levels',
] as const;

function agentOf(form: Form, fields: Fields): AgentDocument {
  const text = (key: (typeof AGENT_KEYS)[number]) => textOf(form, fields, key);
  const id = requiredId(form, 'agent_id', text('agent_id') ?? '');
  const name = text('name');
  const priority = wholeOf(form, 'priority', text('priority'));
  const overdraftLimit = text('overdraft_limit');
  const allowForce = text('allow_force');
  const parentId = text('parent_id');
  const metadata = mapOf(form, fields, 'metadata');
  const poolId = text('pool_id');
  const initialBudget = text('initial_budget');
  return {
    id,
    ...(name !== undefined && { name: nameOf(form, name) }),
    ...(priority !== undefined && { priority: priorityOf(form, priority) }),
    ...(overdraftLimit !== undefined && {
      overdraftLimit: requiredAmount(form, 'overdraft_limit', overdraftLimit),
    }),
    ...(allowForce !== undefined && { allowForce: booleanOf(form, 'allow_force', allowForce) }),
    ...(parentId !== undefined && { parentId: optionalId(form, 'parent_id', parentId) }),
    ...(metadata !== undefined && { metadata: metadataOf(form, metadata, ADMIN_METADATA) }),
    ...(poolId !== undefined && { poolId: requiredId(form, 'pool_id', poolId) }),
    ...(initialBudget !== undefined && { initialBudget: initialBudgetOf(form, initialBudget) }),
    ...serviceLevelsOf(form, fields),
  };
}

const KEYS = { pools: POOL_KEYS, agents: AGENT_KEYS } as const;

function listOf<T>(
  form: Form,
  root: Fields,
  key: 'pools' | 'agents',
  read: (form: Form, fields: Fields) => T,
): readonly T[] {
  const list = root.get(key);
  if (list === undefined || list === '') return [];
  if (!Array.isArray(list)) {
    refuseField(form, key, 'Give a list');
    return [];
  }
  return (list as readonly Tree[]).flatMap((item, at) => {
    const part = partOf(form, `${key}[${at}].`);
    if (item instanceof Map) return [read(part, fieldsOf(part, item, KEYS[key]))];
    refuseField(form, `${key}[${at}]`, 'Give an object');
    return [];
  });
}

function mapOf(form: Form, fields: Fields, key: string): Record<string, string> | undefined {
  const value = fields.get(key);
  if (value === undefined) return undefined;
  if (value === '') return {};
  if (!(value instanceof Map)) {
    refuseField(form, key, 'Give an object');
    return undefined;
  }
  const part = partOf(form, `${key}.`);
  const pairs = [...(value as Fields).keys()].map((name) => [
    name,
    textOf(part, value, name) ?? '',
  ]);
  return Object.fromEntries(pairs) as Record<string, string>;
}

function wholeOf(form: Form, field: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^-?\d{1,9}$/.test(text)) return Number(text);
  refuseField(form, field, 'Give a whole number');
  return undefined;
}

function booleanOf(form: Form, field: string, text: string): boolean {
  if (text !== 'true' && text !== 'false') refuseField(form, field, 'Give true or false');
  return text === 'true';
}

function fundingOf(form: Form, text: string): PoolFunding {
  const funding = FUNDINGS.get(text);
  if (funding === undefined) refuseField(form, 'funding', 'Give FIXED or ON_DEMAND');
  return funding ?? 'FIXED';
}

function givenUnit(form: Form, text: string): string {
  if (text === '') refuseField(form, 'unit', 'Give a unit or leave it out');
  return unitOf(form, text);
}

function once(
  form: Form,
  list: 'pools' | 'agents',
  key: string,
  objects: readonly { readonly id: string }[],
): void {
  const seen = new Set<string>();
  for (const [at, { id }] of objects.entries()) {
    if (id !== '' && seen.has(id)) refuseField(form, `${list}[${at}].${key}`, 'Describe it once');
    seen.add(id);
  }
}
