import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import type protobuf from 'protobufjs/light.js';
import { loadRoot } from '../../packages/client/src/wire/protos.ts';
import { frame } from '../support/rawGrpc.ts';
import { messageOf, mutated } from './messages.ts';

/** An HTTP/2 request, in a form that can be saved in a file. */
export interface CallCase {
  path: string;
  /** Overrides the headers of a well-formed call. */
  headers: Record<string, string>;
  /** The body in hex, one chunk per write. */
  chunks: string[];
  /** True if the caller never ends the request. */
  isOpen: boolean;
}

/** Deadline of a call that never ends by itself. */
const SHORT = '50m';

interface Method {
  path: string;
  request: fc.Arbitrary<Buffer>;
}

const methods: Method[] = ['pb.UserStatus', 'imstate.v1.PresenceService'].flatMap((name) =>
  loadRoot()
    .lookupService(name)
    .methodsArray.map(({ name: method, resolvedRequestType }) => ({
      path: `/${name}/${method}`,
      request: messageOf(resolvedRequestType as protobuf.Type),
    })),
);
const anyMessage = fc.oneof(...methods.map(({ request }) => request));
/** Other paths, served and unknown. */
const others: Method[] = [
  ...['/grpc.health.v1.Health/Check', '/grpc.health.v1.Health/Watch'],
  ...[
    '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo',
    '/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo',
  ],
  ...[
    'GetTopChannels',
    'GetServers',
    'GetServer',
    'GetServerSockets',
    'GetChannel',
    'GetSubchannel',
    'GetSocket',
  ].map((method) => `/grpc.channelz.v1.Channelz/${method}`),
  ...[
    '/',
    '/x',
    '//',
    '/pb.UserStatus',
    '/pb.UserStatus/',
    '/pb.UserStatus/online',
    '/imstate.v1.PresenceService/Nothing',
  ],
  ...['/__proto__/constructor', '/pb.UserStatus/__proto__', '/%00/%ff', `/${'x'.repeat(4_000)}/y`],
].map((path) => ({ path, request: anyMessage }));

const ODD_HEADERS: fc.Arbitrary<Record<string, string>>[] = [
  fc
    .constantFrom(
      '',
      'application/json',
      'application/grpc+json',
      'application/grpc+proto',
      'application/grpc-web',
      'text/html',
      'application/grpc; charset=utf-8',
      'application/grpcfoo',
    )
    .map((type) => ({ 'content-type': type })),
  fc
    .constantFrom(
      '',
      '0n',
      '1n',
      '1u',
      '1m',
      '99999999H',
      '999999999999S',
      '-1S',
      'S',
      '1',
      '1.5S',
      'x',
      ' 1S',
    )
    .map((timeout) => ({ 'grpc-timeout': timeout })),
  fc
    .constantFrom('', 'identity', 'gzip', 'deflate', 'snappy', 'gzip,gzip')
    .map((encoding) => ({ 'grpc-encoding': encoding })),
  fc
    .constantFrom('', 'gzip', 'x', 'identity,deflate,gzip')
    .map((encoding) => ({ 'grpc-accept-encoding': encoding })),
  fc.constantFrom('GET', 'PUT', 'HEAD', 'OPTIONS', 'PATCH', 'BREW').map((method) => ({ ':method': method })),
  fc
    .constantFrom('', 'x', 'im%2Fstate-server', 'a'.repeat(300), '..')
    .map((authority) => ({ ':authority': authority })),
  fc.constantFrom('!!', 'AAA', 'AAAA', ',', 'x'.repeat(2_000)).map((value) => ({ 'trace-bin': value })),
  fc.constantFrom('0', '1', '99999999999', '-1', 'x').map((length) => ({ 'content-length': length })),
  fc.integer({ min: 1_000, max: 15_000 }).map((length) => ({ 'x-long': 'y'.repeat(length) })),
  fc
    .integer({ min: 10, max: 200 })
    .map((count) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`x-many-${i}`, 'y']))),
  fc
    .string({ maxLength: 30 })
    .map((value) => ({ authorization: value.replace(/[^\x20-\x7e]/g, '?').trim() })),
];
const headers = fc.oneof(
  { weight: 8, arbitrary: fc.constant({}) },
  { weight: 2, arbitrary: fc.oneof(...ODD_HEADERS) },
  {
    weight: 1,
    arbitrary: fc
      .array(fc.oneof(...ODD_HEADERS), { minLength: 2, maxLength: 4 })
      .map((some) => Object.assign({}, ...some)),
  },
);

/** Valid and invalid gRPC frames around messages. */
function framed(message: fc.Arbitrary<Buffer>): fc.Arbitrary<Buffer> {
  const well = message.map((bytes) => frame(bytes));
  const withLength = (bytes: Buffer, length: number) => {
    const whole = frame(bytes);
    whole.writeUInt32BE(length >>> 0, 1);
    return whole;
  };
  return fc.oneof(
    { weight: 14, arbitrary: well },
    {
      weight: 3,
      arbitrary: fc.array(well, { minLength: 2, maxLength: 6 }).map((frames) => Buffer.concat(frames)),
    },
    { weight: 1, arbitrary: message.map((bytes) => frame(gzipSync(bytes), 1)) },
    { weight: 1, arbitrary: fc.tuple(message, fc.nat(255)).map(([bytes, flag]) => frame(bytes, flag)) },
    {
      weight: 1,
      arbitrary: fc
        .tuple(message, fc.integer({ min: -3, max: 3 }))
        .map(([bytes, more]) => withLength(bytes, bytes.length + more)),
    },
    {
      weight: 1,
      arbitrary: fc
        .tuple(message, fc.constantFrom(0, 2 ** 20 + 1, 2 ** 31, 2 ** 32 - 1))
        .map(([bytes, length]) => withLength(bytes, length)),
    },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)) },
  );
}

function chunked(body: fc.Arbitrary<Buffer>): fc.Arbitrary<string[]> {
  const cuts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 3 });
  return fc.tuple(body, cuts).map(([bytes, at]) => {
    const offsets = [
      0,
      ...at.map((part) => Math.floor(part * bytes.length)).sort((a, b) => a - b),
      bytes.length,
    ];
    return offsets.slice(1).map((end, i) => bytes.subarray(offsets[i], end).toString('hex'));
  });
}

function callOf({ path, request }: Method): fc.Arbitrary<CallCase> {
  const message = fc.oneof({ weight: 3, arbitrary: request }, { weight: 2, arbitrary: mutated(request) });
  return fc.record({
    path: fc.constant(path),
    headers,
    chunks: chunked(framed(message)),
    isOpen: fc.oneof(
      { weight: 19, arbitrary: fc.constant(false) },
      { weight: 1, arbitrary: fc.constant(true) },
    ),
  });
}

/** Any HTTP/2 request: mostly to methods of imstate, half of them well-formed except for their values. */
export const calls: fc.Arbitrary<CallCase> = fc.oneof(
  { weight: 9, arbitrary: fc.oneof(...methods.map(callOf)) },
  { weight: 1, arbitrary: fc.oneof(...others.map(callOf)) },
);

/** Adds a deadline; a short one if the call would not end by itself. */
export function headersOf({ path, headers: own, isOpen }: CallCase): Record<string, string> {
  const isEndless = isOpen || path.endsWith('/Watch');
  return { 'grpc-timeout': '20S', ...own, ...(isEndless && { 'grpc-timeout': SHORT }) };
}
