import { draftRow, putRow, removeRow, type Draft } from './draft.js';
import {
  agentViolationKey,
  EPISODE_MS,
  episodeKey,
  sequenceKey,
  type Alarm,
  type Episode,
  type RuleName,
  type Violation,
  type ViolationEventKind,
  type ViolationSource,
} from './violation.js';
import { recount } from './violation-counts.js';

/** What only some violations have. */
export interface ViolationFacts {
  readonly source?: ViolationSource;
  readonly reporter?: string;
  readonly entrySequence?: number;
}

/** Opens a violation, with its event. Returns it as opened. */
export function openViolation(draft: Draft, alarm: Alarm, facts: ViolationFacts = {}): Violation {
  const violation: Violation = {
    sequence: draft.violationSequence + 1,
    type: alarm.type,
    severity: alarm.severity,
    state: 'OPEN',
    source: facts.source ?? 'DETECTED',
    rule: alarm.rule,
    agentUid: alarm.agentUid,
    agentId: alarm.agentId,
    poolUid: alarm.poolUid,
    poolId: alarm.poolId,
    message: alarm.message,
    details: alarm.details,
    count: 1,
    entrySequence: facts.entrySequence ?? 0,
    createTime: draft.now,
    updateTime: draft.now,
    endTime: 0,
    reporter: facts.reporter ?? '',
    actor: '',
    note: '',
  };
  if (alarm.agentUid !== 0) {
    const key = agentViolationKey(alarm.agentUid, violation.sequence);
    putRow(draft, 'violations_by_agent', key, { sequence: violation.sequence });
  }
  return tellOf(draft, 'OPENED', violation);
}

/** Writes a violation and the event that left it so. */
export function tellOf(draft: Draft, kind: ViolationEventKind, violation: Violation): Violation {
  draft.violationSequence += 1;
  const sequence = draft.violationSequence;
  const key = sequenceKey(violation.sequence);
  recount(draft, kind === 'OPENED' ? undefined : draftRow(draft, 'violations', key), violation);
  putRow(draft, 'violations', key, violation);
  putRow(draft, 'violation_events', sequenceKey(sequence), {
    sequence,
    time: draft.now,
    kind,
    violation,
  });
  return violation;
}

/**
 * Raises an alarm about an agent and a rule. The first opens a violation and an episode; those that
 * follow within five minutes only count, and write nothing.
 */
export function raise(draft: Draft, alarm: Alarm, facts: ViolationFacts = {}): void {
  const key = episodeKey(alarm.rule, alarm.agentUid);
  const episode = draftRow(draft, 'episodes', key);
  if (episode !== undefined && draft.now < episode.lastTime + EPISODE_MS) {
    draft.repeats.push(key);
    return;
  }
  if (episode !== undefined) endEpisode(draft, key, episode);
  const { sequence } = openViolation(draft, alarm, facts);
  putRow(draft, 'episodes', key, { violation: sequence, count: 1, lastTime: draft.now });
}

/** Ends an episode: its violation is told with the number of times it happened. */
export function endEpisode(draft: Draft, key: string, episode: Episode): void {
  removeRow(draft, 'episodes', key);
  const violation = draftRow(draft, 'violations', sequenceKey(episode.violation));
  // Resolved by an operator in between, or cut by retention: there is nothing left to end.
  if (violation?.state !== 'OPEN') return;
  tellOf(draft, 'EPISODE_ENDED', {
    ...violation,
    state: 'ENDED',
    count: episode.count,
    updateTime: draft.now,
    endTime: draft.now,
  });
}

/** Ends every open episode of a rule that changed or went. */
export function endEpisodesOf(draft: Draft, rule: RuleName): void {
  const prefix = `${rule.kind}/${rule.id}/`;
  for (const [key, episode] of [...draft.state.rows('episodes', { prefix })]) {
    if (draftRow(draft, 'episodes', key) !== undefined) endEpisode(draft, key, episode);
  }
}
