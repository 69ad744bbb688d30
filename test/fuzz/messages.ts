import { create, type DescField, type DescMessage, type Message } from '@bufbuild/protobuf';
import { reflect, type ReflectMessage } from '@bufbuild/protobuf/reflect';
import type { Random } from './mutate.js';

/** What strings of the API may hold, right and wrong. */
const WORDS = [
  ...['', 'a', 'p', 'r-1', 'agent-1', 'default', 'USD', 'tokens', 'x'.repeat(129), 'ü', '\u0000'],
  ...['0', '1', '10.5', '-3', '0.0000000000001', '999999999999999999', '1e3', 'NaN', '007'],
  ...[
    'amount < 5',
    'true',
    '0 0 * * *',
    'Europe/Berlin',
    'https://example.com/',
    '{}',
    'pools: []',
  ],
];

const DEPTH_MAX = 4;

/** A message of a type, some of its fields filled with something. */
export function drawMessage(desc: DescMessage, random: Random, depth = 0): Message {
  const message = create(desc);
  const open = reflect(desc, message);
  for (const field of desc.fields) {
    if (random() < 0.6) fill(open, field, random, depth);
  }
  return message;
}

function fill(open: ReflectMessage, field: DescField, random: Random, depth: number): void {
  switch (field.fieldKind) {
    case 'scalar':
      open.set(field, scalarOf(field.scalar, random));
      break;
    case 'enum':
      open.set(field, Math.floor(random() * 8));
      break;
    case 'message':
      if (depth < DEPTH_MAX) {
        open.set(field, reflect(field.message, drawMessage(field.message, random, depth + 1)));
      }
      break;
    case 'list': {
      const list = open.get(field);
      for (let left = Math.floor(random() * 3); left > 0; left -= 1) {
        if (field.listKind === 'scalar') list.add(scalarOf(field.scalar, random));
        else if (field.listKind === 'enum') list.add(Math.floor(random() * 8));
        else if (depth < DEPTH_MAX) {
          list.add(reflect(field.message, drawMessage(field.message, random, depth + 1)));
        }
      }
      break;
    }
    case 'map': {
      const map = open.get(field);
      if (field.mapKind === 'scalar') map.set(wordOf(random), scalarOf(field.scalar, random));
      break;
    }
  }
}

function wordOf(random: Random): string {
  return WORDS[Math.floor(random() * WORDS.length)] ?? '';
}

/** A value of a scalar type of the wire. */
function scalarOf(scalar: number, random: Random): string | number | bigint | boolean | Uint8Array {
  const [BOOL, STRING, BYTES] = [8, 9, 12];
  if (scalar === STRING) return wordOf(random);
  if (scalar === BOOL) return random() < 0.5;
  if (scalar === BYTES) return new Uint8Array(3);
  // INT64, UINT64, FIXED64, SFIXED64, SINT64
  if ([3, 4, 6, 16, 18].includes(scalar)) return BigInt(Math.floor(random() * 2 ** 40));
  return Math.floor(random() * 1_000);
}
