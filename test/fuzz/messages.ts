import fc from 'fast-check';
import protobuf from 'protobufjs/light.js';

/** Texts for fields of these names: mostly the same few, so that fuzzed calls hit existing records. */
const TEXTS: Record<string, string[]> = {
  userId: ['alice', 'bob', 'carol', '用户'],
  deviceId: ['phone', 'web', 'a b'],
  sessionId: ['s1', 's2', 's3', 's4'],
  serverAddr: ['10.0.0.1:9000', '10.0.0.2:9000', '[::1]:9000'],
  platform: ['ios', 'web', ''],
};
const ALIASES: Record<string, string> = {
  userIds: 'userId',
  addUserIds: 'userId',
  removeUserIds: 'userId',
  serverAddrs: 'serverAddr',
  UserID: 'userId',
  DeviceID: 'deviceId',
  ServerAddr: 'serverAddr',
};
/** Texts that may be misread by rules, JSON, Lua, Redis keys and JavaScript objects. */
const ODD_TEXTS = [
  ...[
    '',
    ' ',
    '\0',
    'a\0b',
    '\n',
    '\u007f',
    '\u2028',
    '\ufffd',
    '\u{10ffff}',
    'é'.repeat(128),
    'x'.repeat(256),
  ],
  ...[
    'x'.repeat(257),
    '__proto__',
    'constructor',
    'toString',
    '0',
    '-1',
    '{}',
    '{1}',
    ':',
    ':0',
    'a:1',
    'h:65536',
  ],
  ...['*', '../../etc/passwd', '%s%n', '"', "'", '\\', '0.0', '1-1', 'WyJhIl0', 'eyJhIjoxfQ', 'bnVsbA'],
];
const ODD_NUMBERS = [
  ...[0n, 1n, 2n, 3n, 5n, 6n, 1_000n, 1_001n, 3_600n, 2n ** 31n - 1n, 2n ** 31n, 2n ** 32n, 2n ** 48n - 1n],
  ...[2n ** 48n, 2n ** 53n, 2n ** 53n + 1n, 2n ** 63n - 1n, -1n, -1_000n, -(2n ** 31n), -(2n ** 63n)],
];

const VARINT = 0;
const BYTES = 2;

/** A varint of 64 bits, negative numbers in two's complement. */
function varint(value: bigint): Buffer {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, value);
  for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  return Buffer.from([...bytes, Number(rest)]);
}

function tag(number: number, wireType: number): Buffer {
  return varint(BigInt(number * 8 + wireType));
}

function delimited(number: number, bytes: Buffer): Buffer {
  return Buffer.concat([tag(number, BYTES), varint(BigInt(bytes.length)), bytes]);
}

function textFor(name: string): fc.Arbitrary<Buffer> {
  const usual = TEXTS[ALIASES[name] ?? name] ?? ['a', 'b', 'c'];
  const texts = fc.oneof(
    { weight: 12, arbitrary: fc.constantFrom(...usual) },
    { weight: 2, arbitrary: fc.constantFrom(...ODD_TEXTS) },
    { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 40 }) },
  );
  return texts.map((text) => Buffer.from(text));
}

const numbers = fc.oneof(fc.bigInt({ min: 0n, max: 10n }), fc.constantFrom(...ODD_NUMBERS));

function fieldOf(field: protobuf.Field, depth: number): fc.Arbitrary<Buffer> {
  const one = fc.oneof({ maxDepth: 0 }, oneOf(field, depth));
  if (!(field.repeated || field.map)) return one;
  const some = fc.array(one, { maxLength: 4 });
  const many = fc
    .tuple(one, fc.constantFrom(33, 1_001))
    .map(([bytes, count]) => Array<Buffer>(count).fill(bytes));
  return fc
    .oneof({ weight: 30, arbitrary: some }, { weight: 1, arbitrary: many })
    .map((parts) => Buffer.concat(parts));
}

function oneOf(field: protobuf.Field, depth: number): fc.Arbitrary<Buffer> {
  const { id, name, type, resolvedType } = field;
  if (field instanceof protobuf.MapField) {
    const entry = fc.tuple(textFor(name), textFor(name));
    return entry.map(([key, value]) =>
      delimited(id, Buffer.concat([delimited(1, key), delimited(2, value)])),
    );
  }
  if (resolvedType instanceof protobuf.Type) {
    return messageOf(resolvedType, depth - 1).map((bytes) => delimited(id, bytes));
  }
  if (type === 'string') return textFor(name).map((bytes) => delimited(id, bytes));
  return numbers.map((value) => Buffer.concat([tag(id, VARINT), varint(value)]));
}

/** A message of this type, with valid field numbers and types, and arbitrary values. */
export function messageOf(type: protobuf.Type, depth = 4): fc.Arbitrary<Buffer> {
  const fields = depth === 0 ? [] : type.fieldsArray;
  const parts = fields.map((field) => fc.option(fieldOf(field, depth), { freq: 6, nil: Buffer.alloc(0) }));
  return fc.tuple(...parts).map((present) => Buffer.concat(present));
}

/** Make a message invalid, at a relative position (0 to 1) and with a random byte. */
const MUTATIONS: ((bytes: Buffer, at: number, byte: number) => Buffer)[] = [
  // Flip a bit.
  (bytes, at, byte) => withByte(bytes, at, (old) => old ^ (1 << (byte & 7))),
  (bytes, at, byte) => withByte(bytes, at, () => byte),
  // Truncate it.
  (bytes, at) => bytes.subarray(0, indexAt(bytes, at)),
  // Repeat a part.
  (bytes, at) => Buffer.concat([bytes, bytes.subarray(indexAt(bytes, at))]),
  (bytes, at, byte) => inserted(bytes, at, Buffer.alloc((byte % 16) + 1, byte)),
  // A length of 4 GiB, a negative one, and one that is too long for a varint.
  (bytes, at) => inserted(bytes, at, Buffer.from('0affffffff0f', 'hex')),
  (bytes, at) => inserted(bytes, at, Buffer.from('0affffffffffffffffff01', 'hex')),
  (bytes, at) => inserted(bytes, at, Buffer.from('ffffffffffffffffffffff', 'hex')),
  // Bytes that are not UTF-8.
  (bytes, at) => inserted(bytes, at, Buffer.from('0a02c328', 'hex')),
  // Nested groups and messages.
  (bytes, at, byte) => inserted(bytes, at, Buffer.alloc(byte * 40, 0x0b)),
  (bytes, _, byte) => nested(bytes, byte),
  // Other wire types: 64 bits, 32 bits, the end of a group, an unknown one; and field 0.
  (bytes, at) => inserted(bytes, at, Buffer.from('0901020304050607080d01020304', 'hex')),
  (bytes, at) => inserted(bytes, at, Buffer.from('0c', 'hex')),
  (bytes, at) => inserted(bytes, at, Buffer.from('0f', 'hex')),
  (bytes, at) => inserted(bytes, at, Buffer.from('0000', 'hex')),
];

function indexAt(bytes: Buffer, at: number): number {
  return Math.floor(at * bytes.length);
}

function withByte(bytes: Buffer, at: number, change: (old: number) => number): Buffer {
  const copy = Buffer.from(bytes);
  const index = indexAt(bytes, at);
  if (index < copy.length) copy[index] = change(copy[index] as number) & 0xff;
  return copy;
}

function inserted(bytes: Buffer, at: number, more: Buffer): Buffer {
  const index = indexAt(bytes, at);
  return Buffer.concat([bytes.subarray(0, index), more, bytes.subarray(index)]);
}

function nested(bytes: Buffer, levels: number): Buffer {
  let message = bytes;
  for (let i = 0; i < levels; i++) message = delimited(1, message);
  return message;
}

const mutations = fc.array(
  fc.tuple(
    fc.constantFrom(...MUTATIONS),
    fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
    fc.nat(255),
  ),
  { minLength: 1, maxLength: 3 },
);

/** The bytes after one to three mutations. */
export function mutated(bytes: fc.Arbitrary<Buffer>): fc.Arbitrary<Buffer> {
  return fc
    .tuple(bytes, mutations)
    .map(([original, applied]) =>
      applied.reduce((done, [mutate, at, byte]) => mutate(done, at, byte), original),
    );
}
