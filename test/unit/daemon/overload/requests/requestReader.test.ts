import { gzipSync } from 'node:zlib';
import { Metadata } from '@grpc/grpc-js';
import { describe, expect, test } from 'vitest';
import { countFields } from '../../../../../src/daemon/overload/requests/fields.ts';
import { HeldBytes } from '../../../../../src/daemon/overload/requests/heldBytes.ts';
import type { Ending } from '../../../../../src/daemon/overload/requests/readCall.ts';
import { RequestReader } from '../../../../../src/daemon/overload/requests/requestReader.ts';
import { field, numberField } from '../../../../support/protobuf.ts';
import { frame } from '../../../../support/rawGrpc.ts';

const RULE = { maxBytes: 4_096, maxFields: 3 };

/** A reader of a call, and the outcome of the call. */
function readerOf({ isStream = true, room = Infinity } = {}) {
  const held = new HeldBytes();
  const endings: Ending[] = [];
  const connection = {};
  const reader = new RequestReader(
    {
      connection,
      isStream,
      encoding: 'gzip',
      rejectionOf: (bytes) => (held.total + bytes <= room ? undefined : { code: 8, details: 'no room' }),
      end: (ending) => void endings.push(ending),
    },
    RULE,
    held,
  );
  return { reader, held, endings, connection };
}

describe('messages of a call', () => {
  const messages = [field(1, 'alice'), Buffer.alloc(0), field(1, 'x'.repeat(4_000)), field(1, 'bob')];
  const bytes = Buffer.concat(messages.map((message) => frame(message)));

  test.each([1, 2, 5, 7, 64, 5_000])('are reassembled from chunks of %i bytes', (step) => {
    const { reader, held, endings } = readerOf();
    const frames: Buffer[] = [];
    for (let at = 0; at < bytes.length; at += step)
      frames.push(...reader.write(bytes.subarray(at, at + step)));
    expect(frames).toEqual(messages.map((message) => frame(message)));
    expect(endings).toEqual([]);
    for (const _ of frames) reader.passed();
    expect(held.total).toBe(0);
  });

  test('are decompressed up to the limit', () => {
    const { reader, endings } = readerOf();
    expect(reader.write(frame(gzipSync(field(1, 'alice')), 1))).toEqual([frame(field(1, 'alice'))]);
    expect(reader.write(frame(gzipSync(Buffer.alloc(4_097)), 1))).toEqual([]);
    expect(endings).toMatchObject([{ code: 8 }]);
    expect(reader.write(frame(field(1, 'bob')))).toEqual([]);
  });

  test('end the call if their compression is invalid', () => {
    const { reader, endings } = readerOf();
    expect(reader.write(frame(Buffer.from('no gzip'), 1))).toEqual([]);
    expect(endings).toMatchObject([{ code: 13 }]);
  });

  test('end the call at their header if they are too long', () => {
    const { reader, endings, held } = readerOf();
    expect(reader.write(frame(Buffer.alloc(4_097)).subarray(0, 5))).toEqual([]);
    expect(endings).toMatchObject([{ code: 8 }]);
    expect(held.total).toBeLessThan(16);
  });

  test('end the call if they have too many entries, including unknown fields', () => {
    const entries = (count: number) => Buffer.concat(Array.from({ length: count }, () => field(9, '')));
    const { reader, endings } = readerOf();
    expect(reader.write(frame(entries(3)))).toHaveLength(1);
    expect(reader.write(frame(entries(4)))).toEqual([]);
    expect(endings).toMatchObject([{ code: 3 }]);
  });
});

describe('the memory of a call', () => {
  test('grows with the received bytes, not with the announced length', () => {
    const { reader, held, connection } = readerOf();
    reader.write(frame(Buffer.alloc(4_096)).subarray(0, 105));
    expect(held.of(connection)).toBeGreaterThanOrEqual(105);
    expect(held.of(connection)).toBeLessThan(300);
    reader.close();
    expect(held.total).toBe(0);
  });

  test('is counted until the handler has processed the message, even after the call', () => {
    const { reader, held } = readerOf();
    reader.releasedByHandler();
    reader.write(Buffer.concat([frame(field(1, 'a')), frame(field(1, 'b'))]));
    reader.beginMessage();
    reader.passed();
    const both = held.total;
    reader.close();
    expect(held.total).toBeLessThan(both);
    expect(held.total).toBeGreaterThan(0);
    reader.endMessage();
    expect(held.total).toBe(0);
  });

  test('includes the metadata of a stream until its first message', () => {
    const { reader, held } = readerOf();
    const metadata = new Metadata();
    metadata.set('authorization', 'x'.repeat(8_000));
    expect(reader.begin(metadata, 8_013)).toBe(true);
    expect(held.total).toBe(8_013);
    reader.releaseMetadata();
    expect([held.total, metadata.getMap()]).toEqual([0, {}]);
  });

  test('stops reading at the limit', () => {
    const { reader, held } = readerOf({ room: 1_000 });
    expect(reader.write(frame(field(1, 'alice')))).toEqual([]);
    expect(held.total).toBe(0);
  });
});

test('counts fields by their tags, up to the limit or malformed bytes', () => {
  const message = Buffer.concat([
    field(1, 'a'),
    numberField(2, 300),
    Buffer.from('19'.padEnd(18, '0'), 'hex'),
  ]);
  expect(countFields(message, 10)).toBe(3);
  expect(countFields(message, 2)).toBe(2);
  expect(countFields(Buffer.concat([message, Buffer.of(0x0b), message]), 10)).toBe(3);
});
