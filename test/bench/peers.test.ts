/** How the benchmarks read what their peers say. */
import { expect, test } from 'vitest';
import { completedOf, timesOf } from '../../bench/peers/h2load-output.js';
import { timesOf as pgbenchTimes } from '../../bench/peers/pgbench-log.js';
import { commandOf, ReplyReader } from '../../bench/peers/resp.js';
import { agentsInTurn, agentId } from '../../bench/requests.js';

test('a reply of Redis is read wherever its bytes are cut', () => {
  const bytes = Buffer.from(
    '*3\r\n$8\r\nAPPROVED\r\n:7\r\n$-1\r\n+OK\r\n-ERR no\r\n$2\r\n\r\n\r\n',
  );
  const whole = new ReplyReader().read(bytes);
  expect(whole).toEqual([['APPROVED', 7, null], 'OK', new Error('ERR no'), '\r\n']);
  for (let cut = 0; cut <= bytes.length; cut += 1) {
    const reader = new ReplyReader();
    const parts = [bytes.subarray(0, cut), bytes.subarray(cut)];
    expect(parts.flatMap((part) => reader.read(part))).toEqual(whole);
  }
});

test('a command of Redis counts bytes, not characters', () => {
  expect(commandOf('SET', 'ü')).toBe('*2\r\n$3\r\nSET\r\n$2\r\nü\r\n');
});

test('h2load is believed only where nothing failed', () => {
  const line = (failed: number) =>
    `finished in 1s\nrequests: 90 total, 90 started, 90 done, 90 succeeded, ${failed} failed, 0 errored, 0 timeout\n`;
  expect(completedOf(line(0))).toBe(90);
  expect(() => completedOf(line(1))).toThrow('h2load had failures');
  expect(() => completedOf('usage')).toThrow('h2load printed usage');
  expect(timesOf('1\t200\t2500\n2\t200\t500\n')).toEqual([0.5, 2.5]);
});

test('a transaction that pgbench says has failed is not a time', () => {
  expect(pgbenchTimes('0 1 1500 0 1700000000 5\n1 2 250 0 1700000000 9\n')).toEqual([1.5, 0.25]);
  expect(() => pgbenchTimes('0 1 failed 0 1700000000 5\n')).toThrow('pgbench logged 0 1 failed');
});

test.each([1, 2, 10, 1_000])('a load over %i agents calls each equally often', (count) => {
  const next = agentsInTurn(count);
  const called = Array.from({ length: count }, next);
  expect(new Set(called).size).toBe(count);
  expect(next()).toBe(called[0]);
  expect(called.every((id) => id.length === agentId(0).length)).toBe(true);
});
