import { create, ScalarType, toBinary } from '@bufbuild/protobuf';
import type { DescField, DescMessage, Message } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BudgetService } from '../../src/gen/safeguards/v1/budget_service_pb.js';
import { messageBytes } from '../../src/rpc/encode/messages.js';
import { runs } from '../support/seed.js';

/** What an answer holds: counts, enumerations and texts, absent as often as not. */
function value(field: DescField): fc.Arbitrary<unknown> {
  switch (field.fieldKind) {
    case 'scalar':
      return scalar(field.scalar);
    case 'enum':
      return fc.constantFrom(...field.enum.values.map(({ number }) => number));
    case 'message':
      return fc.option(message(field.message), { nil: undefined });
    case 'map':
      return fc.dictionary(fc.string(), fc.string(), { maxKeys: 3 });
    case 'list': {
      const { listKind } = field;
      if (listKind === 'message') return fc.array(message(field.message), { maxLength: 3 });
      if (listKind === 'scalar') return fc.array(scalar(field.scalar), { maxLength: 3 });
      throw new Error(`a list of ${listKind}`);
    }
  }
}

const text = fc.oneof(
  fc.constant(''),
  fc.constantFrom('0', '-12.5', 'agent-1', 'x'.repeat(127), 'x'.repeat(128), 'ü'.repeat(70)),
  fc.string({ unit: 'grapheme' }),
);
const count = fc.oneof(fc.nat(300), fc.nat(), fc.maxSafeNat());

const SCALARS = new Map<ScalarType, fc.Arbitrary<unknown>>([
  [ScalarType.STRING, text],
  [ScalarType.BOOL, fc.boolean()],
  [ScalarType.INT64, count.map(BigInt)],
  [ScalarType.UINT64, count.map(BigInt)],
  [ScalarType.INT32, fc.nat()],
  [ScalarType.UINT32, fc.nat()],
]);

function scalar(type: ScalarType): fc.Arbitrary<unknown> {
  const known = SCALARS.get(type);
  if (known === undefined) throw new Error(`a scalar of type ${type}`);
  return known;
}

function message(schema: DescMessage): fc.Arbitrary<Message> {
  const members = schema.members.map((member) => {
    if (member.kind === 'field') return fc.tuple(fc.constant(member.localName), value(member));
    const cases = member.fields.map((field) =>
      value(field).map((of) => (of === undefined ? {} : { case: field.localName, value: of })),
    );
    return fc.tuple(fc.constant(member.localName), fc.oneof(fc.constant({}), ...cases));
  });
  return fc.tuple(...members).map((pairs) => create(schema, Object.fromEntries(pairs) as never));
}

const answers = BudgetService.methods.map(({ output }) => output);

test.each(answers.map((schema) => [schema.name, schema] as const))(
  'the bytes of %s are those of protobuf-es, behind the room that is left',
  (name, schema) => {
    fc.assert(
      fc.property(message(schema), fc.constantFrom(0, 5), (answer, room) => {
        const bytes = messageBytes(schema, answer, room);
        expect(Buffer.compare(bytes.subarray(room), toBinary(schema, answer))).toBe(0);
      }),
      runs(`bytes of ${name}`, 200),
    );
  },
);
