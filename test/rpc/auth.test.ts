import { expect, test } from 'vitest';
import { authenticator } from '../../src/rpc/auth.js';
import { traceIdOf } from '../../src/rpc/caller.js';

const admit = authenticator({ kind: 'token', token: 'secret' });

test.each([
  [[], 'CREDENTIALS_MISSING'],
  [['Bearer secret'], undefined],
  [['bearer secret'], undefined],
  [['Bearer  secret'], undefined],
  [['Bearer secre'], 'CREDENTIALS_INVALID'],
  [['Bearer secrets'], 'CREDENTIALS_INVALID'],
  [['Bearer secret x'], 'CREDENTIALS_INVALID'],
  [['secret'], 'CREDENTIALS_INVALID'],
  [[''], 'CREDENTIALS_INVALID'],
  [['Bearer secret', 'Bearer secret'], 'CREDENTIALS_INVALID'],
  [[Buffer.from('Bearer secret')], 'CREDENTIALS_INVALID'],
])('the header %j is %s', (authorization, reason) => {
  expect(admit(authorization)?.reason).toBe(reason);
});

test('a refusal does not repeat what was sent', () => {
  expect(JSON.stringify(admit(['Bearer hunter2']))).not.toContain('hunter2');
});

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
