import { changesIn } from '../domain/collection.js';
import { beginDraft, putRow } from '../domain/draft.js';
import type { Instant, Uid } from '../domain/model.js';
import { endEpisode } from '../domain/raise.js';
import { EPISODE_MS, sequenceKey, type Episode } from '../domain/violation.js';
import { SIDECAR_STAMP, type Workspace } from './workspace.js';

/**
 * Counts denials in memory, so that a repeated one writes nothing: what is counted here is written by
 * the next `write`, at most once a second, and a crash costs no more than that second's count. Knows
 * every open episode by its last denial, so that those that are over are found without a walk.
 */
export interface EpisodeBook {
  /** An episode with what was counted since it was written. */
  withRepeats(key: string, episode: Episode): Episode;
  /** Denials of an agent that are not written yet; undefined: none. */
  unwritten(uid: Uid): Count | undefined;
  /** Whether `write` has anything to do. */
  due(now: Instant): boolean;
  /** Writes what was counted and ends the episodes that are over, at most 1,000. */
  write(workspace: Workspace, now: Instant): void;
  /** A decided group is the newest state: its episodes, what went on, who was denied. */
  remember(workspace: Workspace, now: Instant, wrote: boolean): void;
}

/** How often something happened, and when last. */
export interface Count {
  /** From 1. */
  readonly count: number;
  readonly lastTime: Instant;
}

/** Episodes that one writing ends at most, so that no spend waits for it. */
const ENDS_MAX = 1_000;

/** Open episodes beyond this are ended early, oldest first: some 20 MiB of memory. */
const OPEN_MAX = 100_000;

/** Makes a book that knows the episodes of a store. */
export function makeEpisodeBook(
  stored: Iterable<readonly [key: string, row: Episode]>,
): EpisodeBook {
  const repeats = new Map<string, Count>();
  const denials = new Map<Uid, Count>();
  /** Last denials, the longest ago first. */
  const open = new Map<string, Instant>(
    [...stored].map(([key, { lastTime }]) => [key, lastTime] as const).sort((a, b) => a[1] - b[1]),
  );

  function isOver(lastTime: Instant, now: Instant): boolean {
    return lastTime + EPISODE_MS <= now || open.size > OPEN_MAX;
  }

  function touch(key: string, lastTime: Instant): void {
    open.delete(key);
    open.set(key, lastTime);
  }

  function writeDenials(workspace: Workspace, now: Instant): void {
    const draft = beginDraft(workspace, now);
    for (const [agentUid, { count, lastTime }] of denials) {
      const key = sequenceKey(agentUid);
      const before = workspace.row('denials', key)?.count ?? 0;
      putRow(draft, 'denials', key, { agentUid, count: before + count, lastTime });
    }
    workspace.install(draft, SIDECAR_STAMP);
  }

  function writeEpisodes(workspace: Workspace, now: Instant): void {
    const draft = beginDraft(workspace, now);
    let ended = 0;
    for (const [key, lastTime] of open) {
      if (ended === ENDS_MAX || !isOver(lastTime, now)) break;
      const episode = workspace.row('episodes', key);
      // This group may have ended it already and begun the next.
      if (episode !== undefined && isOver(episode.lastTime, now)) endEpisode(draft, key, episode);
      ended += 1;
    }
    for (const key of repeats.keys()) {
      const episode = workspace.row('episodes', key);
      if (episode !== undefined && !draft.rows.episodes?.has(key)) {
        putRow(draft, 'episodes', key, episode);
      }
    }
    workspace.install(draft, SIDECAR_STAMP);
  }

  return {
    withRepeats: (key, episode) => {
      const more = repeats.get(key);
      if (more === undefined) return episode;
      return { ...episode, count: episode.count + more.count, lastTime: more.lastTime };
    },
    unwritten: (uid) => denials.get(uid),
    due: (now) => {
      if (repeats.size > 0 || denials.size > 0) return true;
      for (const lastTime of open.values()) return isOver(lastTime, now);
      return false;
    },
    write: (workspace, now) => {
      writeDenials(workspace, now);
      writeEpisodes(workspace, now);
    },
    remember: (workspace, now, wrote) => {
      if (wrote) {
        repeats.clear();
        denials.clear();
      }
      for (const [key, episode] of changesIn(workspace.rowChanges, 'episodes')) {
        // A row that was written has what was counted of it, and a new one has nothing of the old.
        repeats.delete(key);
        if (episode === undefined) open.delete(key);
        else touch(key, episode.lastTime);
      }
      for (const key of workspace.repeats) {
        repeats.set(key, { count: (repeats.get(key)?.count ?? 0) + 1, lastTime: now });
        touch(key, now);
      }
      for (const { agentUid } of workspace.denied) {
        if (agentUid === 0) continue;
        denials.set(agentUid, { count: (denials.get(agentUid)?.count ?? 0) + 1, lastTime: now });
      }
    },
  };
}
