import { setImmediate as nextTurn } from 'node:timers/promises';
import {
  fromJson,
  toJson,
  type DescMethod,
  type DescMethodServerStreaming,
  type JsonValue,
} from '@bufbuild/protobuf';
import { vi } from 'vitest';
import { BudgetAdminService } from '../../../src/gen/safeguards/v1/budget_admin_service_pb.js';
import { BudgetService } from '../../../src/gen/safeguards/v1/budget_service_pb.js';
import { MetricsService } from '../../../src/gen/safeguards/v1/metrics_service_pb.js';
import { ViolationService } from '../../../src/gen/safeguards/v1/violation_service_pb.js';
import type { Ledger } from '../../../src/ledger/ledger.js';
import { SECOND } from '../../fakes/manual-time.js';
import { asAdmin, connect, pathOf, serverStream } from '../../rpc/support/grpc.js';
import { serve, TOKEN, type Harness } from '../../rpc/support/harness.js';
import { post } from '../../rpc/support/http.js';

/** A request as any client may write it: what is kept of one outlives the types of this code. */
export interface Call {
  readonly method: string;
  readonly body: JsonObject;
}

/** A call, and what it answered. */
export interface Answered extends Call {
  readonly answer: JsonObject;
}

export type JsonObject = Readonly<Record<string, JsonValue>>;

const SERVICES = [BudgetService, BudgetAdminService, MetricsService, ViolationService];
const METHODS = new Map<string, DescMethod>(
  SERVICES.flatMap((service) => service.methods).map((method) => [method.name, method]),
);

/** A ledger that is called in JSON. Its timers go off when `tick` says so. */
export class ServedLedger {
  readonly ledger: Ledger;
  readonly #server: Harness;

  private constructor(ledger: Ledger, server: Harness) {
    this.ledger = ledger;
    this.#server = server;
  }

  static async open(ledger: Ledger): Promise<ServedLedger> {
    const server = await serve({ ledger, limits: { messageBytesMax: 2 ** 22 } });
    return new ServedLedger(ledger, server);
  }

  /** Calls a method, and fails unless it answers. */
  async call(method: string, body: JsonObject = {}): Promise<JsonObject> {
    const path = pathOf(methodOf(method));
    const headers = { authorization: `Bearer ${TOKEN}` };
    const { status, json, body: bytes } = await post(this.#server.admin, path, body, headers);
    if (status !== 200) throw new Error(`${method}: ${status} ${bytes.toString()}`);
    return json as JsonObject;
  }

  /** Reads so many messages of a stream that have a field, or all that come. */
  async read(
    method: string,
    body: JsonObject,
    field: string,
    count = Infinity,
  ): Promise<readonly JsonObject[]> {
    const of = methodOf(method) as DescMethodServerStreaming;
    const client = connect(this.#server.admin);
    const stream = serverStream(client, of, fromJson(of.input, body), asAdmin());
    const messages: JsonObject[] = [];
    if (count > 0) {
      for await (const message of stream) {
        const json = toJson(of.output, message as never) as JsonObject;
        if (field in json) messages.push(json);
        if (messages.length === count) break;
      }
    }
    stream.on('error', () => undefined);
    stream.cancel();
    client.close();
    return messages;
  }

  /** The ledger's timers go off, as if so long had passed for them, and what they begin ends. */
  async tick(ms = SECOND): Promise<void> {
    vi.advanceTimersByTime(ms);
    for (let turns = 0; turns < 60; turns += 1) await nextTurn();
  }

  /** Stops serving. The ledger stays open. */
  async close(): Promise<void> {
    await this.#server.close({ graceMs: 0 });
  }
}

function methodOf(name: string): DescMethod {
  const method = METHODS.get(name);
  if (method === undefined) throw new Error(`no service has a method ${name}`);
  return method;
}
