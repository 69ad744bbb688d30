/** The parts of a connection, each against the plainest thing that does the same. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FrameReader } from '../../src/http2/frame-reader.js';
import { FRAME_BYTES_MAX } from '../../src/http2/frames.js';
import { Output } from '../../src/http2/output.js';
import { RecentStreams } from '../../src/http2/recent-streams.js';
import { areTrailers, requestHeaders } from '../../src/http2/request-headers.js';
import { StreamTable } from '../../src/http2/stream-table.js';
import { PREFACE, frame } from '../support/http2-frames.js';

test('streams are found as in a Map, whatever their ids', () => {
  const id = fc.oneof(fc.nat(60), fc.nat(2 ** 31 - 1)).map((at) => 2 * Math.floor(at / 2) + 1);
  const step = fc.record({ id, isAdded: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
      const table = new StreamTable<{ readonly id: number }>();
      const map = new Map<number, { readonly id: number }>();
      for (const { id: at, isAdded } of steps) {
        if (!isAdded) {
          table.delete(at);
          map.delete(at);
        } else if (!map.has(at)) {
          const entry = { id: at };
          table.add(entry);
          map.set(at, entry);
        }
        expect(table.size).toBe(map.size);
        for (const { id: known } of steps) expect(table.get(known)).toBe(map.get(known));
      }
      expect(new Set(table.all())).toEqual(new Set(map.values()));
    }),
  );
});

test('frames are found in whatever pieces they come', () => {
  const one = fc.record({
    type: fc.nat(255),
    flags: fc.nat(255),
    stream: fc.nat(2 ** 31 - 1),
    payload: fc.oneof(fc.nat(40), fc.constantFrom(FRAME_BYTES_MAX - 1, FRAME_BYTES_MAX)),
  });
  const pieces = fc.array(fc.oneof(fc.integer({ min: 1, max: 30 }), fc.nat(40_000)));
  fc.assert(
    fc.property(fc.array(one, { maxLength: 8 }), pieces, (sent, cuts) => {
      const frames = sent.map(({ type, flags, stream, payload }) => ({
        ...{ type, flags, stream },
        payload: Buffer.alloc(payload, type),
      }));
      const bytes = Buffer.concat([
        PREFACE,
        ...frames.map(({ type, flags, stream, payload }) => frame(type, flags, stream, payload)),
      ]);
      const found: unknown[] = [];
      const reader = new FrameReader((type, flags, stream, whole, from, to) => {
        found.push({ type, flags, stream, payload: Buffer.from(whole.subarray(from, to)) });
      });
      let at = 0;
      for (const cut of cuts) {
        reader.read(bytes.subarray(at, at + cut));
        at += cut;
      }
      reader.read(bytes.subarray(at));
      expect(found).toEqual(frames);
    }),
  );
});

test('a frame that is too long is refused by its head, and so is another preface', () => {
  const reader = new FrameReader(() => undefined);
  reader.read(PREFACE);
  const head = frame(0, 0, 1, Buffer.alloc(0), FRAME_BYTES_MAX + 1);
  reader.read(head.subarray(0, 8));
  expect(() => reader.read(head.subarray(8))).toThrow(
    expect.objectContaining({ code: 6 }) as Error,
  );
  const other = new FrameReader(() => undefined);
  other.read(PREFACE.subarray(0, 10));
  expect(() => other.read(Buffer.from('X'))).toThrow(expect.objectContaining({ code: 1 }) as Error);
});

test('what is written is taken, however much it is', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(90_000), { maxLength: 6 }), (sizes) => {
      const output = new Output();
      const all = sizes.map((size, at) => Buffer.alloc(size, at));
      for (const [at, bytes] of all.entries()) {
        output.head(bytes.length, at, at, at);
        output.bytes(bytes);
      }
      const wanted = all.map((bytes, at) => frame(at, at, at, bytes));
      const taken = output.take();
      // What comes next begins anew, and leaves what was taken as it is.
      output.uint16(0x0102);
      output.uint32(0xfffefdfc);
      expect(output.take()).toEqual(Buffer.from('0102fffefdfc', 'hex'));
      expect(output.length).toBe(0);
      expect(taken.equals(Buffer.concat(wanted))).toBe(true);
    }),
  );
});

test('streams that are over are known for a while, and who ended them', () => {
  const recent = new RecentStreams();
  recent.add(1, true);
  recent.add(3, false);
  const seen = () => [1, 3, 5].map((id) => [recent.has(id), recent.isOurs(id)]);
  expect(seen()).toEqual([
    [true, true],
    [true, false],
    [false, false],
  ]);
  for (let id = 5; id < 5 + 2 * 1_024; id += 2) recent.add(id, false);
  expect(recent.has(1) || recent.has(3)).toBe(false);
});

test('headers that RFC 9113 forbids are none', () => {
  const field = (text: string) => {
    const colon = text.indexOf(':', 1);
    return { name: text.slice(0, colon), value: text.slice(colon + 1) };
  };
  const pseudo = [':method:POST', ':scheme:http', ':path:/'];
  const headers = (...more: readonly string[]) => requestHeaders([...pseudo, ...more].map(field));
  expect(
    headers(':authority:a', 'te:Trailers', 'a: \tb\t ', 'a:c d', 'cookie:x', 'cookie:y', 'e: '),
  ).toEqual(
    Object.assign(Object.create(null) as object, {
      ...{ ':method': 'POST', ':scheme': 'http', ':path': '/', ':authority': 'a' },
      ...{ te: 'Trailers', a: 'b, c d', cookie: 'x; y', e: '' },
    }),
  );
  const forbidden = [
    ...['A:b', 'a b:c', ':d', 'connection:close', 'upgrade:h2c', 'transfer-encoding:chunked'],
    ...['te:gzip', ':path:/', ':status:200', ':unknown:1', 'a:b\r\nc', 'a:\0'],
  ];
  for (const text of forbidden) expect([text, headers(text)]).toEqual([text, undefined]);
  expect(headers('a:b', ':authority:late')).toBeUndefined();
  for (const missing of pseudo) {
    const rest = pseudo.filter((text) => text !== missing);
    expect(requestHeaders(rest.map(field))).toBeUndefined();
    const name = missing.slice(0, missing.indexOf(':', 1));
    expect(requestHeaders([...rest, `${name}:`].map(field))).toBeUndefined();
  }
  expect(areTrailers([field('x:y')])).toBe(true);
  expect(areTrailers([field(':path:/')])).toBe(false);
});
