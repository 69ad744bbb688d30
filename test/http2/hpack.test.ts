/** Header compression against the examples of RFC 7541, and against what nghttp2 sends. */
import fc from 'fast-check';
import { once } from 'node:events';
import { connect } from 'node:http2';
import { describe, expect, onTestFinished, test } from 'vitest';
import { HpackDecoder, headerBlock } from '../../src/http2/hpack.js';
import { decodeHuffman } from '../../src/http2/huffman.js';
import { bareServer } from './support/server.js';

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');
const read = (decoder: HpackDecoder, text: string, bytesMax = 16_384) =>
  decoder.decode(hex(text), bytesMax).fields.map(({ name, value }) => `${name}: ${value}`);

describe('the examples of RFC 7541, appendix C', () => {
  const first = [':method: GET', ':scheme: http', ':path: /', ':authority: www.example.com'];
  const second = [...first, 'cache-control: no-cache'];
  const third = [
    ...[':method: GET', ':scheme: https', ':path: /index.html'],
    ...[':authority: www.example.com', 'custom-key: custom-value'],
  ];

  test('requests without Huffman coding (C.3)', () => {
    const decoder = new HpackDecoder();
    expect(read(decoder, '8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d')).toEqual(first);
    expect(read(decoder, '8286 84be 5808 6e6f 2d63 6163 6865')).toEqual(second);
    const last = '8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65';
    expect(read(decoder, last)).toEqual(third);
  });

  test('requests with Huffman coding (C.4)', () => {
    const decoder = new HpackDecoder();
    expect(read(decoder, '8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff')).toEqual(first);
    expect(read(decoder, '8286 84be 5886 a8eb 1064 9cbf')).toEqual(second);
    expect(read(decoder, '8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf')).toEqual(
      third,
    );
  });

  test('answers, whose table is full after two (C.6)', () => {
    const decoder = new HpackDecoder();
    const [cache, date] = ['cache-control: private', 'date: Mon, 21 Oct 2013 20:13:21 GMT'];
    const location = 'location: https://www.example.com';
    // What makes the table as small as it is there: 256.
    const begin = '3fe1 01';
    expect(
      read(
        decoder,
        `${begin} 4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6
         2d1b ff6e 919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3`.replaceAll('\n', ''),
      ),
    ).toEqual([':status: 302', cache, date, location]);
    expect(read(decoder, '4883 640e ffc1 c0bf')).toEqual([':status: 307', cache, date, location]);
    const third = read(
      decoder,
      `88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7
       821d d7f2 e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed
       4ee5 b106 3d50 07`.replaceAll('\n', ''),
    );
    expect(third).toEqual([
      ':status: 200',
      cache,
      'date: Mon, 21 Oct 2013 20:13:22 GMT',
      location,
      'content-encoding: gzip',
      'set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1',
    ]);
    // The oldest has made room.
    expect(() => read(decoder, 'c2')).toThrow(/no table/);
  });
});

describe('what is no block', () => {
  test.each([
    ['the index 0', '80', /no table/],
    ['an index beyond the tables', 'be', /no table/],
    ['a number without end', 'ff ffff ffff ffff ff00', /too large/],
    ['a number that is cut short', 'ff', /cut short/],
    ['a text that is cut short', '00 0361', /beyond its block/],
    ['a field without a value', '00 0161', /cut short/],
    ['a table larger than may be', '3fe2 1f', /larger than may be/],
    ['a table size behind a field', '82 20', /behind a field/],
    ['Huffman code padded by zeros', '00 8118 0161', /no Huffman/],
    ['Huffman code padded by a byte', '00 821f ff 0161', /no Huffman/],
    ['the end of the string within', '00 84ff ffff ff 0161', /no Huffman/],
  ])('%s', (_what, bytes, message) => {
    expect(() => read(new HpackDecoder(), bytes)).toThrow(message);
    const error = new HpackDecoder();
    expect(() => read(error, bytes)).toThrow(expect.objectContaining({ code: 9 }) as Error);
  });

  test('random bytes are fields or refused by their error', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        try {
          new HpackDecoder().decode(Buffer.from(bytes), 16_384);
        } catch (error) {
          expect(error).toMatchObject({ name: 'ConnectionError', code: 9 });
        }
      }),
      { numRuns: 2_000 },
    );
  });
});

test('fields beyond the bound are not kept, and the table is as it must be all the same', () => {
  const decoder = new HpackDecoder();
  const field = '4001 61 01 62';
  expect(decoder.decode(hex(field.repeat(10)), 100)).toMatchObject({
    fields: [],
    isOverlong: true,
  });
  expect(read(decoder, 'be')).toEqual(['a: b']);
});

test('a reference to a large entry costs no more than its bound', () => {
  const decoder = new HpackDecoder();
  const value = Buffer.alloc(4_000, 'v');
  decoder.decode(Buffer.concat([hex('4001 61 7fa1 1e'), value]), 16_384);
  const many = decoder.decode(Buffer.alloc(16_000, 0xbe), 16_384);
  expect(many).toMatchObject({ fields: [], isOverlong: true });
});

test('only a block that changes nothing says the same again', () => {
  const decoder = new HpackDecoder();
  expect(decoder.decode(hex('8286'), 100).isRepeatable).toBe(true);
  expect(decoder.decode(hex('00 0161 0162'), 100).isRepeatable).toBe(true);
  expect(decoder.decode(hex('4001 61 0162'), 100).isRepeatable).toBe(false);
  expect(decoder.decode(hex('20'), 100).isRepeatable).toBe(false);
});

const latin1 = fc.string({
  unit: fc.integer({ min: 0, max: 255 }).map((at) => String.fromCharCode(at)),
});

test('what is written is read', () => {
  fc.assert(
    fc.property(fc.dictionary(latin1, latin1), latin1, (fields, long) => {
      const all = { ...fields, long: long.repeat(50) };
      const { fields: found } = new HpackDecoder().decode(headerBlock(all), 1e9);
      expect(found).toEqual(Object.entries(all).map(([name, value]) => ({ name, value })));
    }),
  );
});

test('Huffman code of every byte, as nghttp2 writes it, and requests that push each other out', async () => {
  const server = await bareServer();
  onTestFinished(() => server.close());
  const session = connect(`http://${server.address}`);
  onTestFinished(() => session.destroy());
  const token = fc.string({
    unit: fc.constantFrom('a', 'b', 'c', 'x', 'y', 'z', '0', '1', '8', '9', '-', '_', '.'),
    minLength: 1,
  });
  const inner = fc.string({
    unit: fc.integer({ min: 33, max: 255 }).map((at) => String.fromCharCode(at)),
  });
  const one = fc.dictionary(
    token.map((name) => `x-${name}`),
    inner,
    { maxKeys: 12 },
  );
  const sets = fc.sample(one, 200);
  for (const headers of sets) {
    const stream = session.request({ ':path': '/', ':method': 'POST', ...headers });
    stream.resume();
    stream.end();
    await once(stream, 'close');
    expect(stream.rstCode).toBe(0);
    expect(server.requests.at(-1)?.stream.headers).toMatchObject(headers);
  }
  expect(server.requests.length).toBe(sets.length);
});

test('Huffman code that is none', () => {
  expect(decodeHuffman(hex('f1e3 c2e5 f23a 6ba0 ab90 f4ff'), 0, 12)).toBe('www.example.com');
  expect(decodeHuffman(hex('ff'), 0, 1)).toBeUndefined();
  expect(decodeHuffman(Buffer.alloc(0), 0, 0)).toBe('');
});
