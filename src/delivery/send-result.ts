/** What came of one attempt to send. Never holds a secret, not even one that the receiver repeated. */
export type SendResult = Delivered | Retry | Refused;

/** What every result says about the receiver's answer. */
interface Answered {
  /** The HTTP status; 0: there was no answer, or the channel is no webhook. */
  readonly status: number;
  /** The beginning of the answer's body, one line of at most 256 characters. */
  readonly excerpt: string;
}

/** The receiver has it. */
export interface Delivered extends Answered {
  readonly kind: 'DELIVERED';
}

/** It may pass later. */
export interface Retry extends Answered {
  readonly kind: 'RETRY';
  /** One phrase for people. */
  readonly reason: string;
  /** The receiver wants to be left alone for so long, bounded; undefined: it did not say. */
  readonly retryAfterMs: number | undefined;
}

/** It would be refused again: a dead letter. */
export interface Refused extends Answered {
  readonly kind: 'REFUSED';
  /** One phrase for people, with what to do. */
  readonly reason: string;
}

/** A failure that may pass, without any answer. */
export function retry(reason: string): Retry {
  return { kind: 'RETRY', status: 0, excerpt: '', reason, retryAfterMs: undefined };
}

/** A failure that will not pass, without any answer. */
export function refused(reason: string): Refused {
  return { kind: 'REFUSED', status: 0, excerpt: '', reason };
}
