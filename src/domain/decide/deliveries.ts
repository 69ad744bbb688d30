import { reject } from '../answer.js';
import type { RetryDeliveryCommand } from '../channel-command.js';
import { carryOut, type Decided } from '../decided.js';
import { beginDraft, closeEntry, putRow, removeRow, type Draft } from '../draft.js';
import { deliveryKey, type Attempt, type DeliveryRow } from '../notification/delivery.js';
import type { Instant } from '../model.js';
import type { Context, State } from '../state.js';

/**
 * Puts a dead letter back into the outbox as if it were new, under its own id; one that waits is due at
 * once.
 */
export function decideRetryDelivery(
  state: State,
  { deliveryId: id }: RetryDeliveryCommand,
  { now }: Context,
): Decided {
  const found = deliveryOf(state, id);
  if (found === undefined) {
    const message = 'There is no such delivery. It has arrived or was taken away';
    return reject('DELIVERY_NOT_FOUND', message, { delivery_id: id });
  }
  const { key, row } = found;
  const draft = beginDraft(state, now);
  const dead = row.deadTime !== 0;
  if (dead) removeRow(draft, 'dead_letters', key);
  const again = { ...row, attempts: 0, createTime: now, deadTime: 0 };
  putRow(draft, 'deliveries', key, { ...(dead ? again : row), dueTime: now });
  const before = dead ? 'DEAD' : `PENDING ${new Date(row.dueTime).toISOString()}`;
  const after = `PENDING ${new Date(now).toISOString()}`;
  closeEntry(draft, 'CONFIGURE', { changes: [{ field: `delivery/${id}.state`, before, after }] });
  return carryOut(draft, { object: { collection: 'deliveries', key } });
}

/** A delivery by its id, wherever it is; of the channels that there are. */
export function deliveryOf(
  state: Pick<State, 'row' | 'rules'>,
  id: string,
): { readonly key: string; readonly row: DeliveryRow } | undefined {
  for (const uid of state.rules.channels.byUid.keys()) {
    const key = deliveryKey(uid, id);
    const row = state.row('deliveries', key) ?? state.row('dead_letters', key);
    if (row !== undefined) return { key, row };
  }
  return undefined;
}

/** Notes that an attempt failed and that there is another one. */
export function postpone(draft: Draft, key: string, dueTime: Instant, attempt: Attempt): void {
  const row = draft.state.row('deliveries', key);
  if (row === undefined) return;
  const attempts = row.attempts + 1;
  putRow(draft, 'deliveries', key, { ...row, attempts, dueTime, lastAttempt: attempt });
}

/** Makes a delivery a dead letter, by its last attempt or for a reason besides. */
export function bury(draft: Draft, key: string, cause: Attempt | string): void {
  const row = draft.state.row('deliveries', key);
  if (row === undefined) return;
  const { now: deadTime } = draft;
  const attempted = typeof cause !== 'string';
  const lastAttempt = attempted ? cause : givenUp(row, cause, deadTime);
  const attempts = row.attempts + (attempted ? 1 : 0);
  removeRow(draft, 'deliveries', key);
  putRow(draft, 'dead_letters', key, { ...row, attempts, lastAttempt, deadTime });
}

/** The last attempt of a delivery that is given up without another one. */
function givenUp({ attempts, lastAttempt }: DeliveryRow, reason: string, now: Instant): Attempt {
  const never = { startTime: now, endTime: now, status: 0, excerpt: '' };
  return { ...never, ...lastAttempt, number: attempts, reason };
}
