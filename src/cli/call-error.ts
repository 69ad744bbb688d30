/** One field that the server found wrong. */
export interface WrongField {
  readonly field: string;
  readonly description: string;
}

type Told = 'code' | 'message' | 'advice';
type Optional = 'reason' | 'metadata' | 'fields' | 'retryAfterMs';
type CallErrorParts = Pick<CallError, Told> & Partial<Pick<CallError, Optional>>;

/** A call that was not answered: what the server said, or why it could not be asked. */
export class CallError extends Error {
  /** The name of the gRPC code, such as `NOT_FOUND`. */
  readonly code: string;
  /** Such as `AGENT_NOT_FOUND`; empty when no sidecar answered. */
  readonly reason: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly fields: readonly WrongField[];
  /** When to come back, in milliseconds. */
  readonly retryAfterMs: number | undefined;
  /** What to do about it, one sentence; empty when there is nothing to say. */
  readonly advice: string;

  constructor(parts: CallErrorParts) {
    super(parts.message);
    this.name = 'CallError';
    this.code = parts.code;
    this.reason = parts.reason ?? '';
    this.metadata = parts.metadata ?? {};
    this.fields = parts.fields ?? [];
    this.retryAfterMs = parts.retryAfterMs;
    this.advice = parts.advice;
  }

  /** For people: reason and message, what is wrong with each field, values, what to do. */
  asText(): string {
    const { code, reason, message, metadata, fields, retryAfterMs, advice } = this;
    const values = Object.entries(metadata).filter(
      // The names of the fields stand before their descriptions already.
      ([name]) => name !== 'fields' || fields.length === 0,
    );
    const lines = [
      `${reason === '' ? code : reason}: ${message}`,
      ...fields.map(({ field, description }) => `  ${field}: ${description}`),
      ...values.map(([name, value]) => `  ${name} = ${value}`),
      ...(retryAfterMs === undefined ? [] : [`  come back in ${retryAfterMs} ms`]),
      ...(advice === '' ? [] : [advice]),
    ];
    return `${lines.join('\n')}\n`;
  }

  /** For programs: the same as one JSON object `{"error": ...}`. */
  asJson(): string {
    const { code, reason, message, metadata, fields, retryAfterMs, advice } = this;
    const error = { code, reason, message, metadata, fields, retryAfterMs, advice };
    return `${JSON.stringify({ error }, undefined, 2)}\n`;
  }
}
