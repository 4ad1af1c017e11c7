import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import protobuf from 'protobufjs';
import { describe, expect, test } from 'vitest';
import { Codec } from '../../../../packages/client/src/wire/codec.ts';

const PROTO = fileURLToPath(new URL('../../../../proto/', import.meta.url));
const FILES = ['pb/user_status.proto', 'imstate/v1/presence.proto'];

const codec = new Codec();
const root = new protobuf.Root();
root.resolvePath = (_, target) => (target.startsWith('google/') ? target : PROTO + target);
root.loadSync(FILES).resolveAll();
const types = ['pb', 'imstate.v1'].flatMap((name) =>
  root.lookup(name) instanceof protobuf.Namespace
    ? (root.lookup(name) as protobuf.Namespace).nestedArray.filter((each) => each instanceof protobuf.Type)
    : [],
);
const names = types.map(({ fullName }) => fullName.slice(1));

const encode = (name: string, message: object) => Buffer.from(root.lookupType(name).encode(message).finish());

/** A decoded message as plain objects and numbers. */
const plain = (name: string, message: object) =>
  root.lookupType(name).toObject(message as protobuf.Message, { longs: Number, defaults: true });

const read = (name: string, bytes: Buffer) => plain(name, codec.reader<object>(name)(bytes));

/** The message as protobufjs decodes it, or undefined. */
function readByProtobufjs(name: string, bytes: Buffer): object | undefined {
  try {
    return plain(name, root.lookupType(name).decode(bytes));
  } catch {
    return undefined;
  }
}

/** Lengths at which the writer changes its method, or the length takes another byte. */
const lengths = fc.constantFrom(0, 1, 47, 48, 49, 123, 125, 127, 128, 129, 16_381, 16_383, 16_384);
const texts = fc.oneof(
  { weight: 8, arbitrary: fc.string({ unit: 'binary', maxLength: 60 }) },
  { weight: 3, arbitrary: fc.string({ maxLength: 60 }) },
  {
    weight: 1,
    arbitrary: fc.tuple(fc.constantFrom('a', 'é', '手', '🙂'), lengths).map(([c, n]) => c.repeat(n)),
  },
);
const integers = fc.oneof(
  fc.maxSafeInteger(),
  fc.constantFrom(0, -1, 127, 128, 2 ** 31, 2 ** 32, -(2 ** 32), 2 ** 53 - 1, 1 - 2 ** 53),
);

/** Any message of the type; any field may be absent. */
function messages(type: protobuf.Type): fc.Arbitrary<object> {
  const fields = type.fieldsArray.map((field) => {
    const one = values(field.resolve());
    if (field.map) return [field.name, fc.dictionary(texts, one, { maxKeys: 4 })];
    return [field.name, field.repeated ? fc.array(one, { maxLength: 4 }) : one];
  });
  // Fields of a oneof exclude each other.
  const oneofs = type.oneofsArray.filter((oneof) => oneof.fieldsArray.length > 1);
  return fc
    .tuple(fc.record(Object.fromEntries(fields), { requiredKeys: [] }), fc.nat())
    .map(([message, choice]) => {
      const all: Record<string, unknown> = message;
      for (const { oneof } of oneofs) {
        const given = oneof.filter((name) => name in all);
        for (const name of given) if (name !== given[choice % given.length]) delete all[name];
      }
      return all;
    });
}

function values({ type, resolvedType }: protobuf.Field): fc.Arbitrary<unknown> {
  if (resolvedType instanceof protobuf.Type) return messages(resolvedType);
  if (resolvedType instanceof protobuf.Enum || type === 'int32') return fc.integer();
  if (type === 'int64') return integers;
  if (type === 'bool') return fc.boolean();
  if (type === 'string') return texts;
  throw new Error(`the writer knows nothing of ${type}`);
}

describe('compared with protobufjs', () => {
  test.each(names)('%s is encoded and decoded equally', (name) => {
    const write = codec.writer(name);
    fc.assert(
      fc.property(messages(root.lookupType(name)), (message) => {
        const bytes = write(message);
        expect(bytes.equals(encode(name, message))).toBe(true);
        expect(read(name, bytes)).toEqual(readByProtobufjs(name, bytes));
      }),
      { numRuns: 60 },
    );
  });

  test('truncated and changed bytes are rejected, or decoded equally', () => {
    const name = 'imstate.v1.ApplyRequest';
    const change = fc.record({ at: fc.nat(), to: fc.nat(255), keep: fc.nat() });
    fc.assert(
      fc.property(messages(root.lookupType(name)), change, (message, { at, to, keep }) => {
        const whole = encode(name, message);
        const bytes = Buffer.from(whole.subarray(0, keep % (whole.length + 1)));
        if (keep % 2 === 0 && bytes.length > 0) bytes[at % bytes.length] = to;
        let got: object | undefined;
        try {
          got = read(name, bytes);
        } catch {
          return;
        }
        expect(got).toEqual(readByProtobufjs(name, bytes));
      }),
      { numRuns: 500 },
    );
  });
});

describe('encoding', () => {
  const write = codec.writer('imstate.v1.BatchGetUsersResponse');
  const nested = (bytes: number) => ({
    users: [
      { userId: 'a'.repeat(bytes), devices: [{ deviceId: 'd' }] },
      { userId: 'b', online: true },
    ],
  });

  test.each([100, 120, 16_000, 16_380, 2_097_140])('nested messages of about %i bytes', (about) => {
    for (let bytes = about; bytes < about + 12; bytes++) {
      expect(write(nested(bytes)).equals(encode('imstate.v1.BatchGetUsersResponse', nested(bytes)))).toBe(
        true,
      );
    }
  });

  test('a lone surrogate is rejected, and the next message is complete', () => {
    const broken = ['\ud800', 'a\udc00', '\ud83d'.repeat(60), `${'a'.repeat(60)}\ud83d`, '\udc00\ud800'];
    for (const userId of broken) {
      expect(() => write({ users: [{ userId: 'ok' }, { userId }] })).toThrow(RangeError);
      expect(write(nested(3)).equals(encode('imstate.v1.BatchGetUsersResponse', nested(3)))).toBe(true);
    }
  });

  test('a message does not change when a longer one follows', () => {
    const first = write(nested(10));
    const copy = Buffer.from(first);
    write(nested(500_000));
    write(nested(11));
    expect(first.equals(copy)).toBe(true);
  });
});

describe('decoding', () => {
  const int64 = (value: bigint) =>
    Buffer.from(
      root
        .lookupType('google.protobuf.Duration')
        .encode({ seconds: longOf(value) })
        .finish(),
    );
  const longOf = (value: bigint) => ({
    low: Number(BigInt.asIntN(32, value)),
    high: Number(BigInt.asIntN(32, value >> 32n)),
    unsigned: false,
  });

  test('64-bit numbers become the nearest number, to both extremes', () => {
    const { seconds } = read('google.protobuf.Duration', Buffer.alloc(0)) as { seconds: number };
    expect(seconds).toBe(0);
    for (const value of [1n, -1n, 2n ** 32n, -(2n ** 32n), 2n ** 53n - 1n, 2n ** 63n - 1n, -(2n ** 63n)]) {
      expect(read('google.protobuf.Duration', int64(value))).toMatchObject({ seconds: Number(value) });
    }
  });

  test('absent fields have their defaults', () => {
    expect(codec.reader('imstate.v1.GetStatsResponse')(Buffer.alloc(0))).toMatchObject({
      usersOnline: 0,
      devicesOnline: 0,
      devicesByPlatform: {},
      devicesByServer: {},
    });
    expect(codec.reader('imstate.v1.Operation')(Buffer.alloc(0))).toMatchObject({
      online: null,
      offline: null,
      heartbeat: null,
      getUser: null,
    });
    // An entry without key and value.
    const entry = Buffer.from('1a00', 'hex');
    expect(read('imstate.v1.GetStatsResponse', entry)).toMatchObject({ devicesByPlatform: { '': 0 } });
  });

  test('a key __proto__ is a key', () => {
    const metadata = JSON.parse('{"__proto__":"a","constructor":"b"}') as Record<string, string>;
    const bytes = codec.writer('imstate.v1.Device')({ metadata });
    const got = codec.reader<{ metadata: object }>('imstate.v1.Device')(bytes);
    expect(JSON.stringify(got.metadata)).toBe(JSON.stringify(metadata));
  });

  test.each([
    ['is cut off', '0a0561'],
    ['is cut off in the middle of a character', '0a01e6'],
    ['has half of a surrogate pair', '0a03eda080'],
    ['has more bytes than it needs', '0a02c080'],
    ['has a length of 4 GiB', '0affffffff0f61'],
  ])('a string that %s is rejected', (_, hex) => {
    expect(() => read('imstate.v1.GetUserRequest', Buffer.from(hex, 'hex'))).toThrow();
  });
});
