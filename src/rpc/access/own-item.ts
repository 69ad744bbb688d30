import type { BatchItem } from '../../ledger/api.js';
import type { SpendRequest } from '../../gen/safeguards/v1/budget_service_pb.js';
import { refuseForeign } from './confined.js';
import type { Confined } from './confined.js';

/**
 * An item of a batch or stream, refused where its agent is not the caller's own, however well formed
 * it is.
 */
export function ownItem(
  request: SpendRequest | undefined,
  item: BatchItem,
  confined: Confined | undefined,
): BatchItem {
  if (confined === undefined || request === undefined) return item;
  const refusal = refuseForeign(confined, [request.agentId]);
  return refusal === undefined ? item : { ...refusal, requestId: request.requestId };
}
