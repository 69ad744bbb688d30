/** The HTTP/2 of src/http2 against h2spec, which checks a server by RFC 7540 and RFC 7541. */
import { expect, onTestFinished, test } from 'vitest';
import { HEAD, TRAILERS, bareServer } from '../http2/support/server.js';
import { hasTool, run } from '../support/tools.js';

const isHere = hasTool('h2spec', 'h2spec', ['--version']);

/** Priorities, which RFC 9113 leaves out. */
const LEFT_OUT = [
  'Sends HEADERS frame that depend on itself',
  'Sends PRIORITY frame that depend on itself',
];

test.skipIf(!isHere)('does all that h2spec asks for, priorities excepted', async () => {
  // It wants a body, and calls that are in progress together.
  const server = await bareServer(({ stream }) => {
    setTimeout(() => {
      stream.respond(HEAD);
      stream.write(Buffer.from('an answer'));
      stream.end(TRAILERS);
    }, 20);
  });
  onTestFinished(() => server.close());
  const [host = '', port = ''] = server.address.split(':');
  const { out } = await run('h2spec', ['-h', host, '-p', port, '--strict']);
  const [, failures = ''] = out.split('Failures:');
  const failed = [...failures.matchAll(/× \d+: (.*)/g)].map(([, what]) => what);
  expect(failed, out).toEqual(LEFT_OUT);
  expect(out).toContain('146 tests, 144 passed, 0 skipped, 2 failed');
  process.stdout.write(`${out.trim().split('\n').at(-1) ?? ''}\n`);
});
