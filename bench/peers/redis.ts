import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { measure, type Load } from '../load.js';
import { AGENTS, agentId, agentsInTurn } from '../requests.js';
import type { Side } from '../scenario.js';
import type { Stage } from '../stage.js';
import { mustHave } from '../tools.js';
import { RedisConnection } from './redis-connection.js';
import { AGENT_FIELDS, AMOUNT, ENTRIES_KEY, SPEND_SCRIPT } from './redis-spend.js';
import { commandOf } from './resp.js';

/** How long Redis may take until it answers. */
const START_MS = 10_000;

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;

/**
 * Spends by Redis, each durable before its answer: connections that keep a pipeline full each. After
 * every run the stream must have an entry of each answer, so that nothing was a replay.
 */
export async function redisSpends(
  stage: Stage,
  connections: number,
  pipelined: number,
): Promise<Side> {
  const { port, pid } = await startRedis(stage);
  let fail: (error: Error) => void = () => undefined;
  const broken = new Promise<never>((_resolve, reject) => {
    fail = reject;
  });
  broken.catch(() => undefined);
  const opened = await Promise.all(
    Array.from({ length: connections }, () => RedisConnection.open(port, fail)),
  );
  const control = await RedisConnection.open(port, fail);
  await makeAgents(control);
  const spend = spender(String(await control.ask('SCRIPT', 'LOAD', SPEND_SCRIPT)));
  let approved = 0;
  const load: Load = {
    slots: connections * pipelined,
    unitsPerTask: 1,
    task: (slot, done) => {
      opened[slot % connections]?.send(spend(), (reply) => {
        if (!Array.isArray(reply) || reply[0] !== 'APPROVED') {
          fail(new Error(`Redis answered ${String(reply)}`));
        }
        approved += 1;
        done();
      });
    },
    flush: () => {
      for (const connection of opened) connection.flush();
    },
    broken,
    close: () => {
      for (const connection of [...opened, control]) connection.close();
    },
  };
  return {
    name: 'Redis',
    client: 'own',
    run: async (seconds) => {
      const figure = await measure(load, seconds, pid);
      const entries = await control.ask('XLEN', ENTRIES_KEY);
      if (entries !== approved) {
        throw new Error(`Redis has ${String(entries)} entries of ${approved} approvals`);
      }
      return figure;
    },
    close: load.close,
  };
}

/** Starts Redis so that an answer leaves after its command is synced. */
async function startRedis(stage: Stage): Promise<{ port: number; pid: number }> {
  const dir = path.join(stage.folder, 'redis');
  mkdirSync(dir);
  const port = await freePort();
  const child = spawn(
    mustHave('redis-server'),
    [
      ...['--port', String(port), '--bind', '127.0.0.1', '--dir', dir, '--save', ''],
      ...['--appendonly', 'yes', '--appendfsync', 'always', '--daemonize', 'no'],
    ],
    { stdio: 'ignore' },
  );
  stage.onClose(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGTERM');
    await once(child, 'exit');
  });
  const deadline = performance.now() + START_MS;
  for (;;) {
    try {
      const connection = await RedisConnection.open(port, () => undefined);
      const [, fsync] = (await connection.ask('CONFIG', 'GET', 'appendfsync')) as string[];
      connection.close();
      if (fsync !== 'always') throw new Error(`Redis syncs ${fsync ?? 'never'}`);
      return { port, pid: child.pid ?? 0 };
    } catch (error) {
      if (child.exitCode !== null || performance.now() > deadline) throw error;
      await setTimeout(50);
    }
  }
}

async function makeAgents(connection: RedisConnection): Promise<void> {
  for (let number = 0; number < AGENTS; number += 1) {
    await connection.ask('HSET', agentId(number), ...AGENT_FIELDS);
  }
}

/** Makes the next call of the script. */
function spender(digest: string): () => string {
  const nextAgent = agentsInTurn(AGENTS);
  const run = Date.now().toString(16).padStart(12, '0');
  let count = 0;
  return () => {
    const agent = nextAgent();
    const request = `${run}-7000-8000-${(count++).toString(16).padStart(14, '0')}`;
    const now = Date.now();
    const usage = `${agent}:${Math.floor(now / HOUR_MS)}`;
    const minute = String(Math.floor(now / MINUTE_MS) % 60);
    const keys = [agent, `${request}:${agent}`, ENTRIES_KEY, usage];
    return commandOf(
      ...['EVALSHA', digest, String(keys.length), ...keys],
      ...[String(AMOUNT), 'model', '1500', minute],
    );
  };
}

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
