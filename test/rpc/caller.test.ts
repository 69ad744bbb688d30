import { expect, test } from 'vitest';
import { traceIdOf } from '../../src/rpc/caller.js';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';

test.each([
  [`00-${TRACE}-00f067aa0ba902b7-01`, TRACE],
  [`01-${TRACE}-00f067aa0ba902b7-01-more`, TRACE],
  [`00-${'0'.repeat(32)}-00f067aa0ba902b7-01`, ''],
  [`00-${TRACE.toUpperCase()}-00f067aa0ba902b7-01`, ''],
  [TRACE, ''],
  ['', ''],
  [undefined, ''],
  [null, ''],
])('the trace id of %s is "%s"', (traceparent, traceId) => {
  expect(traceIdOf(traceparent)).toBe(traceId);
});
