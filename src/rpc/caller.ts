const TRACEPARENT = /^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}/;
const NO_TRACE = '0'.repeat(32);

/** The trace id of a `traceparent` header (W3C Trace Context), or empty. */
export function traceIdOf(traceparent: unknown): string {
  if (typeof traceparent !== 'string') return '';
  const traceId = TRACEPARENT.exec(traceparent)?.[1];
  return traceId === undefined || traceId === NO_TRACE ? '' : traceId;
}
