import { changesIn } from '../domain/collection.js';
import { beginDraft } from '../domain/draft.js';
import { notifyChannels } from '../domain/notification/notify.js';
import type { Context } from '../domain/state.js';
import type { ViolationEvent } from '../domain/violation.js';
import { SIDECAR_STAMP, type Workspace } from './workspace.js';

/**
 * Puts what channels are told of a group's events into the outbox, in the group's transaction. Of all of
 * its events at once, after its decisions: what an undone batch would have told is not there any more,
 * and a group without events or a store without channels does nothing here.
 */
export function notifyOf(
  workspace: Workspace,
  { now, newId }: Pick<Context, 'now' | 'newId'>,
): void {
  if (workspace.rowChanges.violation_events === undefined) return;
  if (workspace.rules.channels.rows.size === 0) return;
  const draft = beginDraft(workspace, now);
  notifyChannels(draft, eventsOf(workspace), newId);
  workspace.install(draft, SIDECAR_STAMP);
}

/** Those that were written, without those that retention took away. */
function* eventsOf({ rowChanges }: Workspace): Generator<ViolationEvent> {
  for (const event of changesIn(rowChanges, 'violation_events').values()) {
    if (event !== undefined) yield event;
  }
}
