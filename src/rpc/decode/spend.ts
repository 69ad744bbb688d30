import { formatAmount } from '../../domain/amount.js';
import { reject } from '../../domain/answer.js';
import type { Rejection } from '../../domain/answer.js';
import type { ReserveCommand, SpendCommand, SpendMode } from '../../domain/command.js';
import type { BatchItem } from '../../ledger/api.js';
import type {
  BatchSpendRequest,
  ReserveRequest,
  SpendRequest,
} from '../../gen/safeguards/v1/budget_service_pb.js';
import type { RpcLimits } from '../limits.js';
import { isFailure } from '../status.js';
import { requiredAmount } from './amount.js';
import { formOf, judged, refuseField } from './form.js';
import type { Form } from './form.js';
import { enumOf } from './number.js';
import { AGENT_METADATA, metadataOf, quantitiesOf } from './pairs.js';
import { categoryOf, requestIdOf, requiredId, runIdOf, unitOf } from './text.js';
import { TTL, durationMs } from './time.js';

/** The bounds that a spend is read with. */
export type SpendLimits = Pick<RpcLimits, 'forcedAmountMax' | 'batchItemsMax'>;

const MODES: readonly SpendMode[] = ['STRICT', 'STRICT', 'UP_TO', 'FORCE'];
const RESERVE_MODES: readonly ReserveCommand['mode'][] = ['STRICT', 'STRICT', 'UP_TO'];

/** Reads a spend. */
export function decodeSpend(request: SpendRequest, limits: SpendLimits): SpendCommand | Rejection {
  const form = formOf();
  return judged(form, spendOf(form, request, limits));
}

/** Reads a batch: an item that is malformed is rejected by itself. */
export function decodeBatch(
  { items }: BatchSpendRequest,
  limits: SpendLimits,
): readonly BatchItem[] | Rejection {
  if (items.length === 0 || items.length > limits.batchItemsMax) {
    const description = `Give 1 to ${limits.batchItemsMax} items`;
    return {
      ...reject('BATCH_TOO_LARGE', 'The batch has no item or too many. Split it', {
        items: String(items.length),
        batch_items_max: String(limits.batchItemsMax),
      }),
      fields: [{ field: 'items', description }],
    };
  }
  return items.map((item, at) => decodeItem(item, `items[${at}].`, limits));
}

/** Reads one item of a batch or stream. */
export function decodeItem(item: SpendRequest, prefix: string, limits: SpendLimits): BatchItem {
  const form = formOf(prefix);
  const command = spendOf(form, item, limits);
  if (item.dryRun) refuseField(form, 'dry_run', 'Leave it out here and use Spend for a dry run');
  const read = judged(form, command);
  return isFailure(read) ? { ...read, requestId: item.requestId } : command;
}

function spendOf(form: Form, request: SpendRequest, limits: SpendLimits): SpendCommand {
  const command: SpendCommand = {
    method: 'SPEND',
    requestId: requestIdOf(form, request.requestId, !request.dryRun),
    agentId: requiredId(form, 'agent_id', request.agentId),
    amount: requiredAmount(form, 'amount', request.amount),
    mode: enumOf(form, 'mode', request.mode, MODES, 'STRICT'),
    category: categoryOf(form, request.category),
    quantities: quantitiesOf(form, request.quantities),
    unit: unitOf(form, request.unit),
    runId: runIdOf(form, request.runId),
    metadata: metadataOf(form, request.metadata, AGENT_METADATA),
    dryRun: request.dryRun,
  };
  if (command.mode === 'FORCE' && command.amount > limits.forcedAmountMax) {
    refuseField(form, 'amount', `Force at most ${formatAmount(limits.forcedAmountMax)}`);
  }
  return command;
}

/** Reads a hold. */
export function decodeReserve(request: ReserveRequest): ReserveCommand | Rejection {
  const form = formOf();
  return judged(form, {
    method: 'RESERVE',
    requestId: requestIdOf(form, request.requestId, !request.dryRun),
    agentId: requiredId(form, 'agent_id', request.agentId),
    amount: requiredAmount(form, 'amount', request.amount),
    mode: enumOf(form, 'mode', request.mode, RESERVE_MODES, 'STRICT'),
    ttlMs: durationMs(form, 'ttl', request.ttl, TTL),
    category: categoryOf(form, request.category),
    quantities: quantitiesOf(form, request.quantities),
    unit: unitOf(form, request.unit),
    runId: runIdOf(form, request.runId),
    metadata: metadataOf(form, request.metadata, AGENT_METADATA),
    dryRun: request.dryRun,
  });
}
