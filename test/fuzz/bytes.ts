import { connect } from 'node:net';
import fc from 'fast-check';
import { parseHostPort } from '../../packages/client/src/shared/address.ts';

/** The bytes sent on a TCP connection, in a form that can be saved in a file. */
export interface BytesCase {
  /** In hex, one chunk per write. */
  chunks: string[];
}

/** A daemon closes a connection within this time after the last byte of the peer. */
const GIVE_UP_MS = 30_000;

const GOAWAY = 7;
const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

/** An HTTP/2 frame. */
function http2Frame(
  type: number,
  flags: number,
  stream: number,
  payload: Buffer,
  length = payload.length,
): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(length & 0xffffff, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream >>> 0, 5);
  return Buffer.concat([head, payload]);
}

/** An HPACK header without a table: any name, any value. */
function header(name: string, value: string): Buffer {
  const text = (bytes: Buffer) => {
    const length = Math.min(bytes.length, 126);
    return Buffer.concat([Buffer.of(length), bytes.subarray(0, length)]);
  };
  return Buffer.concat([Buffer.of(0), text(Buffer.from(name)), text(Buffer.from(value))]);
}

const wellFormed: [string, string][] = [
  ...([
    [':method', 'POST'],
    [':scheme', 'http'],
    [':path', '/pb.UserStatus/QueryUserStatus'],
  ] as [string, string][]),
  ...([
    [':authority', 'x'],
    ['content-type', 'application/grpc'],
    ['te', 'trailers'],
    ['grpc-timeout', '1S'],
  ] as [string, string][]),
];
const odd = fc.constantFrom<[string, string]>(
  ...([
    [':method', 'POST'],
    [':path', ''],
    [':status', '200'],
    ['', 'x'],
    ['Upper', 'x'],
    ['connection', 'close'],
  ] as [string, string][]),
  ...([
    ['transfer-encoding', 'chunked'],
    ['te', 'gzip'],
    ['x', 'a\0b'],
    ['x', 'a\r\nb'],
    ['content-length', '-1'],
  ] as [string, string][]),
  ...([
    [':path', 'x'],
    [':scheme', ''],
    [':x', 'y'],
    ['host', ''],
    ['cookie', 'a=b'],
    ['grpc-timeout', 'x'],
  ] as [string, string][]),
);
const headerBlock = fc
  .tuple(fc.subarray(wellFormed, { minLength: 4 }), fc.array(odd, { maxLength: 3 }), fc.boolean())
  .map(([usual, more, isFirst]) =>
    Buffer.concat(
      (isFirst ? [...more, ...usual] : [...usual, ...more]).map(([name, value]) => header(name, value)),
    ),
  );
const payload = fc.oneof(
  fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
  fc
    .constantFrom('', '00000000', 'ffffffff', '000000000a0a05616c696365', '0003000000000004ffffffff')
    .map((hex) => Buffer.from(hex, 'hex')),
  headerBlock,
);
const streams = fc.oneof(fc.constantFrom(0, 1, 3, 5, 2, 2 ** 31 - 1, 2 ** 32 - 1), fc.nat(20));
const frames = fc.oneof(
  {
    weight: 4,
    arbitrary: fc
      .tuple(fc.nat(12), fc.nat(255), streams, payload)
      .map(([type, flags, stream, bytes]) => http2Frame(type, flags, stream, bytes)),
  },
  {
    weight: 3,
    arbitrary: fc
      .tuple(headerBlock, fc.constantFrom(1, 3, 5), fc.constantFrom(4, 5))
      .map(([block, stream, flags]) => http2Frame(1, flags, stream, block)),
  },
  // A wrong frame length.
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.nat(9), streams, payload, fc.constantFrom(0, 1, 16_385, 2 ** 24 - 1))
      .map(([type, stream, bytes, length]) => http2Frame(type, 0, stream, bytes, length)),
  },
  // Many streams that are opened and reset immediately; and headers that never end.
  {
    weight: 1,
    arbitrary: fc
      .tuple(headerBlock, fc.integer({ min: 2, max: 60 }))
      .map(([block, count]) =>
        Buffer.concat(
          Array.from({ length: count }, (_, i) => [
            http2Frame(1, 4, 2 * i + 1, block),
            http2Frame(3, 0, 2 * i + 1, Buffer.from('00000008', 'hex')),
          ]).flat(),
        ),
      ),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(headerBlock, fc.integer({ min: 2, max: 60 }))
      .map(([block, count]) =>
        Buffer.concat([
          http2Frame(1, 0, 1, block),
          ...Array<Buffer>(count).fill(http2Frame(9, 0, 1, header('x', 'y'.repeat(120)))),
        ]),
      ),
  },
  // Many pings, settings and window updates.
  {
    weight: 1,
    arbitrary: fc
      .tuple(
        fc.constantFrom(
          http2Frame(6, 0, 0, Buffer.alloc(8)),
          http2Frame(4, 0, 0, Buffer.alloc(0)),
          http2Frame(8, 0, 0, Buffer.from('7fffffff', 'hex')),
        ),
        fc.integer({ min: 2, max: 300 }),
      )
      .map(([one, count]) => Buffer.concat(Array<Buffer>(count).fill(one))),
  },
);
const http2 = fc
  .tuple(
    fc.constantFrom(PREFACE, PREFACE, PREFACE, PREFACE.subarray(0, 20)),
    fc.boolean(),
    fc.array(frames, { maxLength: 8 }),
  )
  .map(([preface, hasSettings, rest]) => [
    preface,
    ...(hasSettings ? [http2Frame(4, 0, 0, Buffer.alloc(0))] : []),
    ...rest,
  ]);
const http1 = fc
  .tuple(
    fc.constantFrom('GET', 'POST', 'PRI', 'CONNECT', ''),
    fc.constantFrom('/', '*', '/pb.UserStatus/Online', `/${'x'.repeat(9_000)}`),
    fc.constantFrom('HTTP/1.1', 'HTTP/1.0', 'HTTP/2.0', 'HTTP/9'),
    fc.constantFrom(
      'Host: x',
      'Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABk',
      'Transfer-Encoding: chunked',
      `X: ${'y'.repeat(9_000)}`,
    ),
    fc.constantFrom('', '5\r\nhello\r\n0\r\n\r\n', '{"user":"alice"}'),
  )
  .map(([method, path, version, head, body]) => [
    Buffer.from(`${method} ${path} ${version}\r\n${head}\r\n\r\n${body}`),
  ]);
/** The beginning of a TLS connection. */
const tls = fc
  .uint8Array({ maxLength: 200 })
  .map((bytes) => [Buffer.concat([Buffer.from('16030100c8010000c40303', 'hex'), Buffer.from(bytes)])]);
const noise = fc.array(
  fc.uint8Array({ maxLength: 100 }).map((bytes) => Buffer.from(bytes)),
  { maxLength: 4 },
);

/** Any bytes on a connection: HTTP/2 frames, HTTP/1, the beginning of TLS, noise. */
export const bytesCases: fc.Arbitrary<BytesCase> = fc
  .oneof(
    { weight: 6, arbitrary: http2 },
    { weight: 1, arbitrary: http1 },
    { weight: 1, arbitrary: tls },
    { weight: 1, arbitrary: noise },
  )
  .map((chunks) => ({ chunks: chunks.map((chunk) => chunk.toString('hex')) }));

/**
 * Sends the bytes, and describes what is wrong if the daemon neither closes the connection nor sends GOAWAY.
 * (Node.js leaves a connection open after GOAWAY; keepalive ends it 40 s later.)
 */
export function sendBytes(addr: string, { chunks }: BytesCase): Promise<string | undefined> {
  const { host, port } = parseHostPort(addr) as { host: string; port: number };
  return new Promise((resolve) => {
    const socket = connect(port, host);
    let answered: Buffer = Buffer.alloc(0);
    const limit = setTimeout(() => {
      resolve(`the connection is still open; it answered ${answered.toString('hex')}`);
      socket.destroy();
    }, GIVE_UP_MS);
    socket.on('error', () => {});
    socket.on('data', (data: Buffer) => {
      answered = Buffer.concat([answered, data]);
      if (hasGoaway(answered)) socket.destroy();
    });
    socket.on('close', () => {
      clearTimeout(limit);
      resolve(undefined);
    });
    for (const chunk of chunks) socket.write(Buffer.from(chunk, 'hex'));
    socket.end();
  });
}

function hasGoaway(frames: Buffer): boolean {
  for (let at = 0; at + 9 <= frames.length; at += 9 + frames.readUIntBE(at, 3)) {
    if (frames[at + 3] === GOAWAY) return true;
  }
  return false;
}
