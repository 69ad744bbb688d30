/** Requests over the wire: whatever their bytes are, they are judged or refused, and nothing fails. */
import { toBinary, toJsonString, type DescMethod } from '@bufbuild/protobuf';
import { status } from '@grpc/grpc-js';
import { expect, test } from 'vitest';
import { BudgetAdminService } from '../../src/gen/safeguards/v1/budget_admin_service_pb.js';
import { BudgetService } from '../../src/gen/safeguards/v1/budget_service_pb.js';
import { MetricsService } from '../../src/gen/safeguards/v1/metrics_service_pb.js';
import { ViolationService } from '../../src/gen/safeguards/v1/violation_service_pb.js';
import { createAgent, createPool } from '../fakes/commands.js';
import { MemoryLedger } from '../fakes/memory-ledger.js';
import { asAdmin, connect } from '../rpc/support/grpc.js';
import { TOKEN, serve } from '../rpc/support/harness.js';
import { post } from '../rpc/support/http.js';
import { drawMessage } from './messages.js';
import { corpus, mutated, mutatedText, type Random } from './mutate.js';
import { FUZZ_TIMEOUT_MS, fuzz } from './run.js';

const timeout = FUZZ_TIMEOUT_MS;

const SERVICES = [BudgetService, BudgetAdminService, MetricsService, ViolationService];
/** There is nothing to copy in memory. */
const WITHOUT = ['Backup'];
const ALL: readonly DescMethod[] = SERVICES.flatMap((service) => service.methods).filter(
  ({ name }) => !WITHOUT.includes(name),
);
const METHODS = ALL.filter(({ methodKind }) => methodKind === 'unary');
const STREAMS = ALL.filter(({ methodKind }) => methodKind !== 'unary');

/** Bytes that have been looked at once: each is sent to every method first. */
const KNOWN = corpus('requests').map((hex) => Buffer.from(hex.replaceAll(/\s/g, ''), 'hex'));

/** Codes that say that the sidecar failed, not the request. */
const FAULTS = [status.INTERNAL, status.UNKNOWN, status.DATA_LOSS, status.UNAVAILABLE];

async function serveLedger() {
  const it = await MemoryLedger.open();
  await it.must(createPool('p', '1000'));
  await it.must(createAgent('a', 'p', '100'));
  return serve({ ledger: it.ledger });
}

const pick = <T>(choices: readonly T[], random: Random): T =>
  choices[Math.floor(random() * choices.length)]!;

const pathOf = (method: DescMethod) => `/${method.parent.typeName}/${method.name}`;
const asIs = (bytes: Buffer) => bytes;

test(
  'a gRPC request of any bytes is answered, and no fault of the sidecar',
  { timeout },
  async () => {
    const { admin, lines } = await serveLedger();
    const client = connect(admin);
    const send = async (method: DescMethod, bytes: Buffer) => {
      const code = await new Promise<number>((resolve) => {
        client.makeUnaryRequest(pathOf(method), asIs, asIs, bytes, asAdmin(), (error) =>
          resolve(error?.code ?? status.OK),
        );
      });
      expectNoFault(method, code);
    };
    for (const method of METHODS) {
      for (const bytes of KNOWN) await send(method, bytes);
    }
    await fuzz('gRPC', async (random) => {
      const method = pick(METHODS, random);
      await send(method, bytesOf(method, random));
    });
    expect(lines.filter(({ level }) => level === 'error')).toEqual([]);
  },
);

test(
  'a stream of messages of any bytes goes on or ends, and no fault of the sidecar',
  { timeout },
  async () => {
    const { admin, agent, lines } = await serveLedger();
    const clients = [connect(admin), connect(agent)];
    await fuzz('streams', async (random) => {
      const method = pick(STREAMS, random);
      const stream = pick(clients, random).makeBidiStreamRequest(
        pathOf(method),
        asIs,
        asIs,
        asAdmin(),
      );
      const code = await new Promise<number>((resolve) => {
        // What goes well goes on: it is left after its first answer, or soon.
        const leaving = setTimeout(() => stream.cancel(), 20);
        stream.on('data', () => stream.cancel());
        stream.on('error', () => undefined);
        stream.on('status', (end: { readonly code: number }) => {
          clearTimeout(leaving);
          resolve(end.code);
        });
        for (let left = 1 + Math.floor(random() * 4); left > 0; left -= 1) {
          stream.write(bytesOf(method, random));
        }
        if (random() < 0.5) stream.end();
      });
      expectNoFault(method, code);
    });
    expect(lines.filter(({ level }) => level === 'error')).toEqual([]);
  },
);

test(
  'a Connect request of any bytes is answered, and no fault of the sidecar',
  { timeout },
  async () => {
    const { admin, lines } = await serveLedger();
    const headers = {
      authorization: `Bearer ${TOKEN}`,
      'content-type': 'application/proto',
    };
    await fuzz('Connect', async (random) => {
      const method = pick(METHODS, random);
      const answer = await post(admin, pathOf(method), bytesOf(method, random), headers);
      expect([500, 503], method.name).not.toContain(answer.status);
    });
    expect(lines.filter(({ level }) => level === 'error')).toEqual([]);
  },
);

function bytesOf(method: DescMethod, random: Random): Buffer {
  const good = Buffer.from(toBinary(method.input, drawMessage(method.input, random)));
  return random() < 0.5 ? good : mutated(good, [good, ...KNOWN], random);
}

function expectNoFault(method: DescMethod, code: number): void {
  const faults = FAULTS.map((fault) => status[fault]);
  expect(faults, method.name).not.toContain(status[code]);
}

test(
  'an HTTP request of any JSON is answered, and no fault of the sidecar',
  { timeout },
  async () => {
    const { admin, lines } = await serveLedger();
    const headers = { authorization: `Bearer ${TOKEN}` };
    const words = [
      '{',
      '}',
      '[',
      ']',
      '"',
      ':',
      ',',
      'null',
      '1e999',
      '-0',
      '\\u0000',
      '\\ud800',
      '@type',
    ];
    await fuzz('JSON', async (random) => {
      const method = pick(METHODS, random);
      const good = jsonOf(method, random);
      const text = random() < 0.3 ? good : mutatedText(good, [good], words, random);
      const answer = await post(admin, pathOf(method), Buffer.from(text), headers);
      // 500 is INTERNAL, UNKNOWN and DATA_LOSS, 503 is UNAVAILABLE.
      expect([500, 503], `${method.name} ${text}`).not.toContain(answer.status);
    });
    expect(lines.filter(({ level }) => level === 'error')).toEqual([]);
  },
);

/** A request as JSON; not every message that can be sent can be printed. */
function jsonOf({ input }: DescMethod, random: Random): string {
  const message = drawMessage(input, random);
  try {
    return toJsonString(input, message);
  } catch {
    return '{"requestId": "r-1", "ttl": "1e9s", "amount": 5}';
  }
}
