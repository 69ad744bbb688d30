import {
  type DescMessage,
  type MessageInitShape,
  create,
  fromBinary,
  toBinary,
} from '@bufbuild/protobuf';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  BatchSpendRequestSchema,
  CommitRequestSchema,
  ReserveRequestSchema,
  SpendRequestSchema,
  SpendStreamRequestSchema,
} from '../../../src/gen/safeguards/v1/budget_service_pb.js';
import { readMessage, readPlain } from '../../../src/rpc/decode/messages.js';
import { runs } from '../../support/seed.js';

/** Mostly plain, so that whole messages often are. */
const text = fc.oneof(
  {
    weight: 40,
    arbitrary: fc.constantFrom('', '0.25', 'agent-1', 'x'.repeat(127), 'x'.repeat(128), '\u007f'),
  },
  { weight: 1, arbitrary: fc.constantFrom('ü', '\u0080') },
  { weight: 1, arbitrary: fc.string({ unit: 'grapheme', maxLength: 20 }) },
);
const key = fc.oneof(
  { weight: 40, arbitrary: fc.constantFrom('', 'tokens', 'k') },
  { weight: 1, arbitrary: fc.constant('__proto__') },
);
const pairs = fc.dictionary(key, text, { maxKeys: 3 });
const mode = fc.oneof({ weight: 20, arbitrary: fc.nat(4) }, { weight: 1, arbitrary: fc.integer() });
const spend = fc.record(
  {
    requestId: text,
    agentId: text,
    amount: text,
    mode,
    category: text,
    quantities: pairs,
    unit: text,
    runId: text,
    metadata: pairs,
    dryRun: fc.boolean(),
  },
  { requiredKeys: [] },
);
const ttl = fc.record({
  seconds: fc.oneof(fc.bigInt(0n, 2n), fc.bigInt(-5n, 2n ** 40n)),
  nanos: fc.oneof(fc.nat(2), fc.integer()),
});

interface Case {
  readonly schema: DescMessage;
  readonly value: fc.Arbitrary<object>;
}
const CASES: readonly Case[] = [
  { schema: SpendRequestSchema, value: spend },
  {
    schema: BatchSpendRequestSchema,
    value: fc.record({ items: fc.array(spend, { maxLength: 4 }), atomic: fc.boolean() }),
  },
  {
    schema: SpendStreamRequestSchema,
    value: fc.record({ item: fc.option(spend, { nil: undefined }) }),
  },
  {
    schema: ReserveRequestSchema,
    value: fc
      .tuple(spend, fc.option(ttl, { nil: undefined }))
      .map(([fields, duration]) => ({ ...fields, ttl: duration })),
  },
  {
    schema: CommitRequestSchema,
    value: fc.record(
      {
        requestId: text,
        reservationId: text,
        amount: text,
        final: fc.boolean(),
        overage: mode,
        quantities: pairs,
        metadata: pairs,
      },
      { requiredKeys: [] },
    ),
  },
];

/** What reading came to: a message, or that there is none. */
function outcome(read: () => unknown): unknown {
  try {
    return read();
  } catch {
    return 'NO_MESSAGE';
  }
}

/** Both ways to read, of which the second is the measure. */
function expectSame(schema: DescMessage, bytes: Uint8Array): void {
  const buffer = Buffer.from(bytes);
  const ours = outcome(() => readMessage(schema, buffer));
  const theirs = outcome(() => fromBinary(schema, bytes, { readUnknownFields: false }));
  expect(ours).toEqual(theirs);
}

function bytesOf({ schema }: Case, value: object): Uint8Array {
  return toBinary(schema, create(schema, value as MessageInitShape<DescMessage>));
}

describe.each(CASES.map((one) => [one.schema.name, one] as const))('%s', (name, one) => {
  test('is read as protobuf-es reads it', () => {
    fc.assert(
      fc.property(one.value, (value) => {
        expectSame(one.schema, bytesOf(one, value));
      }),
      runs(`reading ${name}`, 300),
    );
  });

  test('is read as protobuf-es reads it, or refused as it refuses, whatever happened to the bytes', () => {
    const change = fc.record({ at: fc.nat(), byte: fc.nat(255) });
    fc.assert(
      fc.property(
        one.value,
        one.value,
        fc.array(change, { maxLength: 3 }),
        fc.nat(8),
        (first, second, changes, cut) => {
          // One message behind another is both of them, merged.
          const bytes = Buffer.concat([bytesOf(one, first), bytesOf(one, second)]);
          for (const { at, byte } of changes) if (bytes.length > 0) bytes[at % bytes.length] = byte;
          expectSame(one.schema, bytes.subarray(0, Math.max(0, bytes.length - cut)));
        },
      ),
      runs(`reading changed ${name}`, 1_000),
    );
  });
});

test.each([
  [SpendRequestSchema, { requestId: 'r', amount: '0.25', mode: 2, quantities: { tokens: '12' } }],
  [BatchSpendRequestSchema, { items: [{ agentId: 'a' }, { dryRun: true }], atomic: true }],
  [SpendStreamRequestSchema, { item: { metadata: { k: 'v' } } }],
  [ReserveRequestSchema, { ttl: { seconds: 60n, nanos: 5 }, runId: 'run' }],
  [CommitRequestSchema, { reservationId: 'x', amount: '1', final: true, overage: 2 }],
] as const)('an ordinary $name is read by hand', (schema: DescMessage, value) => {
  const message = create(schema, value as MessageInitShape<DescMessage>);
  expect(readPlain(schema, Buffer.from(toBinary(schema, message)))).toEqual(message);
});

test('what is out of the ordinary is left to protobuf-es', () => {
  const bytesOfSpend = (value: MessageInitShape<typeof SpendRequestSchema>) =>
    Buffer.from(toBinary(SpendRequestSchema, create(SpendRequestSchema, value)));
  const unusual = [
    bytesOfSpend({ metadata: { k: 'ü' } }),
    bytesOfSpend({ mode: -1 as never }),
    Buffer.concat([bytesOfSpend({ agentId: 'a' }), Buffer.from([0x9a, 0x06, 0x01, 0x00])]),
    bytesOfSpend({ agentId: 'a' }).subarray(0, 2),
  ];
  for (const bytes of unusual) expect(readPlain(SpendRequestSchema, bytes)).toBeUndefined();
});
