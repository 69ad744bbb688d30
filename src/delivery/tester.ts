import { setMaxListeners } from 'node:events';
import type { TestChannel } from '../ledger/channel-test.js';
import type { Send } from './courier.js';

/** Tests that go on at once. */
export const TESTS_MAX = 4;

/** Sends tests of channels until it is closed. */
export interface ChannelTester {
  readonly test: TestChannel;
  /** Abandons what is being sent: its answer is that it failed. */
  close(): void;
}

/** Makes a tester. What is sent as a test passes the outbox by. */
export function channelTester(send: Send): ChannelTester {
  const stop = new AbortController();
  setMaxListeners(TESTS_MAX, stop.signal);
  let running = 0;
  return {
    test: async (channel, notification) => {
      if (running >= TESTS_MAX) return undefined;
      running += 1;
      try {
        const result = await send({ channel, notification }, stop.signal);
        const { kind, status, excerpt } = result;
        if (kind === 'DELIVERED') return { delivered: true, status, reason: '', excerpt };
        return { delivered: false, status, reason: result.reason, excerpt };
      } finally {
        running -= 1;
      }
    },
    close: () => stop.abort(),
  };
}
