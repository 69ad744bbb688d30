import { describe, expect, test } from 'vitest';
import { createLog, type Log } from '../../src/telemetry/log.js';

function captured(format: 'json' | 'text', level: 'info' | 'warn' | 'silent' = 'info') {
  const lines: string[] = [];
  const log = createLog(
    { logLevel: level, logFormat: format },
    { write: (line) => lines.push(line) },
  );
  return { log, lines };
}

const parsed = (line: string | undefined) => JSON.parse(line ?? '') as Record<string, unknown>;

describe('the log', () => {
  test('writes one JSON object a line, with level, time and message', () => {
    const { log, lines } = captured('json');
    log.info({ agent_id: 'a', amount: 12n }, 'Spent');
    expect(parsed(lines[0])).toEqual({
      level: 'info',
      time: expect.stringMatching(/^\d{4}-.*Z$/) as string,
      agent_id: 'a',
      amount: '12',
      message: 'Spent',
    });
  });

  test('writes lines for people on request', () => {
    const { log, lines } = captured('text');
    log.warn({ port: 7450, name: 'agents' }, 'Listening');
    expect(lines[0]).toMatch(/^\d\d:\d\d:\d\d\.\d{3} warn {2}Listening port=7450 name=agents\n$/);
  });

  test('leaves out what is below its level', () => {
    const { log, lines } = captured('json', 'warn');
    log.info({}, 'no');
    log.warn({}, 'yes');
    expect(lines).toHaveLength(1);
    const silent = captured('json', 'silent');
    silent.log.error({}, 'no');
    expect(silent.lines).toEqual([]);
  });

  test('writes an error with its stack and its cause', () => {
    const { log, lines } = captured('json');
    log.error({ error: new Error('broke', { cause: new Error('disk') }) }, 'Fault');
    expect(parsed(lines[0])['error']).toMatchObject({
      name: 'Error',
      message: 'broke',
      stack: expect.stringContaining('log.test') as string,
      cause: { message: 'disk' },
    });
  });
});

describe('secrets', () => {
  const secret = 'hunter2-hunter2';
  test.each<[string, (log: Log) => void]>([
    ['in a field', (log) => log.info({ token: secret }, 'x')],
    ['deep in a field', (log) => log.info({ call: { headers: { Authorization: secret } } }, 'x')],
    ['in the text of a field', (log) => log.warn({ header: `bearer ${secret}` }, 'x')],
    ['in the message', (log) => log.error({}, `refused Bearer ${secret}`)],
    ['in an error', (log) => log.error({ error: new Error(`Bearer ${secret}`) }, 'x')],
  ])('%s are not written', (_name, write) => {
    for (const format of ['json', 'text'] as const) {
      const { log, lines } = captured(format);
      write(log);
      expect(lines.join()).not.toContain(secret);
      expect(lines.join()).toContain('[redacted]');
    }
  });

  test('a page token, a number of tokens and a path are none', () => {
    const { log, lines } = captured('json');
    log.info({ page_token: 'abc', tokens: '1834', admin_token_file: '/x/admin.token' }, 'x');
    expect(parsed(lines[0])).toMatchObject({
      page_token: 'abc',
      tokens: '1834',
      admin_token_file: '/x/admin.token',
    });
  });

  test('an object that holds itself does not hang the log', () => {
    const { log, lines } = captured('json');
    const loop: Record<string, unknown> = {};
    loop['self'] = loop;
    log.info({ loop }, 'x');
    expect(lines[0]).toContain('[deeper]');
  });
});
