import { create, toBinary } from '@bufbuild/protobuf';
import { Severity } from '../src/gen/safeguards/v1/severity_pb.js';
import {
  ReportViolationRequestSchema,
  ViolationService,
  WatchViolationsRequestSchema,
} from '../src/gen/safeguards/v1/violation_service_pb.js';
import { ViolationType } from '../src/gen/safeguards/v1/violation_pb.js';
import { agentId, nextRequestId } from './requests.js';
import { Connection } from './wire/connection.js';
import { fieldOf } from './wire/field.js';

const WATCH = `/${ViolationService.typeName}/WatchViolations`;
const REPORT = `/${ViolationService.typeName}/ReportViolation`;

/** Of WatchViolationsResponse. */
const EVENT = 1;

/** From now on, everything. */
const FROM_NOW = Buffer.from(
  toBinary(WatchViolationsRequestSchema, create(WatchViolationsRequestSchema, {})),
);

/** Streams of violations that are read. */
export interface Watchers {
  /** Resolves when each of them has one event more than those asked for before. */
  next(): Promise<void>;
  close(): void;
}

/** Opens so many watches over some connections; they have their first bookmark when it resolves. */
export async function watchers(
  address: string,
  count: number,
  connectionCount: number,
): Promise<Watchers> {
  let fail: (error: Error) => void = () => undefined;
  const broken = new Promise<never>((_resolve, reject) => {
    fail = reject;
  });
  broken.catch(() => undefined);
  const connections = await Promise.all(
    Array.from({ length: connectionCount }, () => Connection.open(address, fail)),
  );
  let ready = 0;
  let seen = 0;
  let wanted = 0;
  let allReady: () => void = () => undefined;
  let allSeen: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => {
    allReady = resolve;
  });
  for (let number = 0; number < count; number += 1) {
    let isReady = false;
    const call = connections[number % connectionCount]?.call(WATCH, {
      message: (bytes) => {
        if (!isReady) {
          isReady = true;
          ready += 1;
          if (ready === count) allReady();
        }
        if (fieldOf(bytes, EVENT) === undefined) return;
        seen += 1;
        if (seen === wanted) allSeen();
      },
      end: () => fail(new Error('a watch ended')),
    });
    call?.send(FROM_NOW, true);
  }
  for (const connection of connections) connection.flush();
  await Promise.race([opened, broken]);
  return {
    next: () => {
      wanted += count;
      const all = new Promise<void>((resolve) => {
        allSeen = resolve;
      });
      return Promise.race([all, broken]);
    },
    close: () => {
      for (const connection of connections) connection.close();
    },
  };
}

/** Opens so many watches, each over a connection of its own, that never read what they get. */
export async function stalledWatchers(address: string, count: number): Promise<() => void> {
  const connections = await Promise.all(
    Array.from({ length: count }, () =>
      Connection.open(address, () => undefined, { narrow: true }),
    ),
  );
  for (const connection of connections) {
    connection.call(WATCH, { message: () => undefined, end: () => undefined }).send(FROM_NOW, true);
    connection.flush();
    connection.stall();
  }
  return () => {
    for (const connection of connections) connection.close();
  };
}

/** Reports violations at a steady rate until it is closed. */
export async function reporter(
  address: string,
  perSecond: number,
  agents: number,
): Promise<() => void> {
  const connection = await Connection.open(address, (error) => {
    throw error;
  });
  const everyMs = 50;
  let number = 0;
  const timer = setInterval(() => {
    for (let count = 0; count < (perSecond * everyMs) / 1_000; count += 1) {
      connection.unary(REPORT, reportOf(agentId((number += 1) % agents)), () => undefined);
    }
    connection.flush();
  }, everyMs);
  return () => {
    clearInterval(timer);
    connection.close();
  };
}

function reportOf(agent: string): Buffer {
  const report = create(ReportViolationRequestSchema, {
    requestId: nextRequestId(),
    agentId: agent,
    type: ViolationType.CUSTOM,
    severity: Severity.LOW,
    message: 'The agent did what its policy does not foresee',
    details: { policy: 'p-17', tool: 'search' },
  });
  return Buffer.from(toBinary(ReportViolationRequestSchema, report));
}
