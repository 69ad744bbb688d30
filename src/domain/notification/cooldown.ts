import type { Instant } from '../model.js';
import {
  isClosing,
  rankOf,
  type Severity,
  type ToldViolation,
  type ViolationEvent,
} from './notification.js';

/** How long a channel is left in peace after it was told of a rule and agent: 5 minutes. */
export const COOLDOWN_MS_DEFAULT = 5 * 60_000;

/** Violations of one rule and agent that a channel is known to believe open; the newest are kept. */
export const OPEN_TOLD_MAX = 64;

/** A violation that a channel was told of and that it was not told the end of. */
export interface OpenTold {
  readonly violationId: string;
  /** As last told. */
  readonly severity: Severity;
}

/** What a channel knows about one rule and agent. */
export interface CooldownState {
  /** When the running cooldown began. */
  readonly toldTime: Instant;
  /** The severest of what was told since. */
  readonly toldSeverity: Severity;
  readonly open: readonly OpenTold[];
  /** Events that were not told since the last one that was; the held one is not among them. */
  readonly suppressed: number;
  /** What is told when the cooldown is over, unless its violation ends before. */
  readonly held: ViolationEvent | undefined;
}

/** An event that is to be told now. */
export interface Tell {
  readonly verdict: 'TELL';
  readonly event: ViolationEvent;
  /** For Notification.suppressed. */
  readonly suppressed: number;
  /** For Notification.toldSeverity. */
  readonly toldSeverity: Severity | undefined;
  readonly state: CooldownState;
}

/** An event that is not told now. */
export interface Keep {
  readonly verdict: 'KEEP';
  /** Undefined: nothing to remember. */
  readonly state: CooldownState | undefined;
  /** When to ask releaseHeld; undefined: nothing is held. */
  readonly dueTime: Instant | undefined;
}

/**
 * What shares a cooldown: a rule and an agent, or a rule and a pool where no agent is concerned. A rule's
 * violations are all of one type, so violations that no rule found share one by their type. No two have
 * the same key. At most 320 bytes.
 */
export function cooldownKey({ ruleId, type, agentId, poolId }: ToldViolation): string {
  return JSON.stringify([type, ruleId, ...(agentId === '' ? ['', poolId] : [agentId])]);
}

/**
 * Judges the next event of a rule and agent for one channel. Of what opens or escalates, one is told
 * per cooldown, and anything severer than that at once. What must wait is counted, and the severest of
 * it (the newest of equals) is held for releaseHeld, so that a lasting problem is told in the end. The
 * end of a violation is told when its beginning was, whatever the cooldown, so that nobody waits for it.
 * A cooldown of 0 tells everything.
 */
export function judgeEvent(
  state: CooldownState | undefined,
  event: ViolationEvent,
  now: Instant,
  cooldownMs: number,
): Tell | Keep {
  if (isClosing(event.kind)) return judgeEnd(state, event, cooldownMs);
  if (state === undefined) return tell(NOTHING_TOLD, event, now);
  const { severity } = event.violation;
  if (now >= state.toldTime + cooldownMs || rankOf(severity) > rankOf(state.toldSeverity)) {
    return tell(state, event, now);
  }
  // From here on it is certain that the event waits or is left out.
  const { held } = state;
  const replaces =
    held === undefined ||
    held.violation.id === event.violation.id ||
    rankOf(severity) >= rankOf(held.violation.severity);
  const next = {
    ...state,
    held: replaces ? event : held,
    suppressed: state.suppressed + (held === undefined ? 0 : 1),
  };
  return { verdict: 'KEEP', state: next, dueTime: state.toldTime + cooldownMs };
}

/** The held event once the cooldown is over; undefined: nothing is held, or not yet. */
export function releaseHeld(
  state: CooldownState,
  now: Instant,
  cooldownMs: number,
): Tell | undefined {
  const { held, toldTime } = state;
  if (held === undefined || now < toldTime + cooldownMs) return undefined;
  return tell(state, held, now);
}

/** Whether a state can be forgotten: its cooldown is over and nothing depends on it. */
export function isForgettable(state: CooldownState, now: Instant, cooldownMs: number): boolean {
  return (
    state.open.length === 0 &&
    state.held === undefined &&
    state.suppressed === 0 &&
    now >= state.toldTime + cooldownMs
  );
}

const NOTHING_TOLD: CooldownState = {
  toldTime: 0,
  toldSeverity: 'INFO',
  open: [],
  suppressed: 0,
  held: undefined,
};

/** Tells of an open violation: a cooldown begins. */
function tell(state: CooldownState, event: ViolationEvent, now: Instant): Tell {
  const { id, severity } = event.violation;
  const { open, suppressed, held } = settleHeld(state, id, event);
  const others = open.filter(({ violationId }) => violationId !== id);
  return {
    verdict: 'TELL',
    event,
    suppressed,
    toldSeverity: severityTold(open, id),
    state: {
      toldTime: now,
      toldSeverity: severity,
      open: [...others, { violationId: id, severity }].slice(-OPEN_TOLD_MAX),
      suppressed: 0,
      held,
    },
  };
}

function judgeEnd(
  state: CooldownState | undefined,
  event: ViolationEvent,
  cooldownMs: number,
): Tell | Keep {
  if (state === undefined) return { verdict: 'KEEP', state: undefined, dueTime: undefined };
  const { id } = event.violation;
  const { suppressed, held } = settleHeld(state, id, event);
  const toldSeverity = severityTold(state.open, id);
  if (toldSeverity === undefined) {
    const dueTime = held === undefined ? undefined : state.toldTime + cooldownMs;
    const next = { ...state, held, suppressed: suppressed + 1 };
    return { verdict: 'KEEP', state: next, dueTime };
  }
  const open = state.open.filter(({ violationId }) => violationId !== id);
  const next = { ...state, open, held, suppressed: 0 };
  return { verdict: 'TELL', event, suppressed, toldSeverity, state: next };
}

/** The state without a held event of a violation of which something newer is known: it is counted. */
function settleHeld(state: CooldownState, violationId: string, event: ViolationEvent) {
  const { held } = state;
  if (held?.violation.id !== violationId) return state;
  const isReleased = held.sequence === event.sequence;
  return { ...state, held: undefined, suppressed: state.suppressed + (isReleased ? 0 : 1) };
}

function severityTold(open: readonly OpenTold[], id: string): Severity | undefined {
  return open.find(({ violationId }) => violationId === id)?.severity;
}
