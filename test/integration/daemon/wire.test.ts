import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadProtos } from '../../../packages/client/src/wire/protos.ts';
import vectors from '../../fixtures/pb-user-status.json' with { type: 'json' };
import { grpcClients, startTestDaemon, type TestDaemon } from '../../support/daemon.ts';
import { frame, rawGrpc } from '../../support/rawGrpc.ts';

const QUERY = '/pb.UserStatus/QueryUserStatus';
const ONLINE = '/pb.UserStatus/Online';
const WELL_FORMED = Buffer.from('0a05616c696365120570686f6e65', 'hex');

describe('messages encoded by protoc', () => {
  const { service } = loadProtos().types.pb.UserStatus;
  const codecs: Record<string, { write: (fields: object) => Buffer; read: (bytes: Buffer) => object }> = {};
  for (const [name, method] of Object.entries(service)) {
    codecs[`pb.${name}Request`] = { write: method.requestSerialize, read: method.requestDeserialize };
    codecs[`pb.${name}Response`] = { write: method.responseSerialize, read: method.responseDeserialize };
  }

  test.each(vectors.messages)('$message $fields is $hex', ({ message, fields, hex }) => {
    const codec = codecs[message];
    expect(codec?.write(fields).toString('hex')).toBe(hex);
    expect(codec?.read(Buffer.from(hex, 'hex'))).toMatchObject(fields);
  });
});

describe('requests of misbehaving clients', () => {
  let daemon: TestDaemon;
  let raw: ReturnType<typeof rawGrpc>;

  beforeAll(async () => {
    daemon = await startTestDaemon();
    raw = rawGrpc(daemon.addr);
  });

  afterAll(async () => {
    raw.close();
    await daemon.remove();
  });

  const status = async (path: string, body: Buffer, headers?: Record<string, string | undefined>) =>
    Number((await raw.send(path, body, headers)).headers['grpc-status']);
  const text = (field: number, bytes: Buffer) =>
    Buffer.concat([Buffer.of(field * 8 + 2, bytes.length), bytes]);

  test('a well-formed request, for comparison', async () => {
    expect(await status(QUERY, frame(WELL_FORMED))).toBe(0);
  });

  test('an unknown method and an unknown service', async () => {
    expect(await status('/pb.UserStatus/Nothing', frame(WELL_FORMED))).toBe(12);
    expect(await status('/pb.Nothing/Query', frame(WELL_FORMED))).toBe(12);
    expect(await status('/', frame(WELL_FORMED))).toBe(12);
  });

  test('a message that is not protobuf', async () => {
    expect(await status(QUERY, frame(Buffer.from('ffffffffff', 'hex')))).toBe(13);
    expect(await status(QUERY, frame(Buffer.from('0a7f61', 'hex')))).toBe(13);
  });

  test.each(['ff', 'c3', 'c328', 'eda080', 'f5808080'])(
    'a string of the bytes %s, which are not UTF-8',
    async (hex) => {
      const broken = text(1, Buffer.from(hex, 'hex'));
      expect(await status(QUERY, frame(broken))).toBe(13);
      expect(await status('/imstate.v1.PresenceService/GetUser', frame(broken))).toBe(13);
      expect(await status(ONLINE, frame(Buffer.concat([broken, text(2, Buffer.from('d'))])))).toBe(13);
    },
  );

  test('U+FFFD is an ordinary character', async () => {
    expect(await status(QUERY, frame(text(1, Buffer.from('\ufffd'))))).toBe(0);
  });

  test('gzip is accepted, unknown compression is rejected', async () => {
    const zipped = frame(gzipSync(WELL_FORMED), 1);
    expect(await status(QUERY, zipped, { 'grpc-encoding': 'gzip' })).toBe(0);
    expect(await status(QUERY, frame(WELL_FORMED, 1), { 'grpc-encoding': 'snappy' })).toBe(12);
    expect(
      await status(QUERY, frame(Buffer.from('no gzip'), 1), { 'grpc-encoding': 'gzip' }),
    ).toBeGreaterThan(0);
  });

  test('a deadline that has passed', async () => {
    expect(await status(QUERY, frame(WELL_FORMED), { 'grpc-timeout': '0n' })).toBe(4);
  });

  // 24 days, 25 days (more than 32 bits of milliseconds), longer ones, and the longest possible.
  test.each(['576H', '600H', '1200H', '2160000S', '40000M', '99999999H'])(
    'a deadline in %s, longer than any timer',
    async (timeout) => {
      expect(await status(QUERY, frame(WELL_FORMED), { 'grpc-timeout': timeout })).toBe(0);
    },
  );

  test('a wrong content type', async () => {
    const answer = await raw.send(QUERY, frame(WELL_FORMED), { 'content-type': 'application/json' });
    expect(answer.headers[':status']).toBe(415);
  });

  test('no te header', async () => {
    expect(await status(QUERY, frame(WELL_FORMED), { te: undefined })).toBe(0);
  });

  test('the authority of Go clients that dial etcd:///im/state-server', async () => {
    expect(await status(QUERY, frame(WELL_FORMED), { ':authority': 'im%2Fstate-server' })).toBe(0);
  });

  test('a message of more than 1 MiB', async () => {
    const long = Buffer.alloc(1024 * 1024 + 1, 'a');
    expect(await status(QUERY, frame(long))).toBe(8);
    const bomb = frame(gzipSync(Buffer.alloc(16 * 1024 * 1024)), 1);
    expect(await status(QUERY, bomb, { 'grpc-encoding': 'gzip' })).toBe(8);
  });

  test('a body that ends too early, or has no message or two', async () => {
    expect(await status(QUERY, frame(WELL_FORMED).subarray(0, 8))).toBeGreaterThan(0);
    expect(await status(QUERY, Buffer.alloc(0))).toBeGreaterThan(0);
    expect(await status(QUERY, Buffer.concat([frame(WELL_FORMED), frame(WELL_FORMED)]))).toBeGreaterThan(0);
  });

  test('a stream with invalid bytes ends with a status, also while a response is pending', async () => {
    const path = '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo';
    const [empty, senseless] = [frame(Buffer.alloc(0)), frame(Buffer.of(0x8f))];
    const headers = { 'grpc-timeout': '10S' };
    expect(await status(path, Buffer.concat([empty, empty, senseless]), headers)).toBe(13);
  });

  test('rejected requests leave nothing behind, and the daemon continues to serve', async () => {
    const { pb, v1, close } = grpcClients(daemon.addr);
    const tooLong = 'x'.repeat(257);
    for (const bad of [
      { UserID: '', DeviceID: 'phone', ServerAddr: 'a:1' },
      { UserID: 'partial', DeviceID: '', ServerAddr: 'a:1' },
      { UserID: 'partial', DeviceID: 'phone', ServerAddr: '' },
      { UserID: 'partial', DeviceID: tooLong, ServerAddr: 'a:1' },
      { UserID: 'partial', DeviceID: 'ph\u0000ne', ServerAddr: 'a:1' },
    ]) {
      await expect(pb.online(bad)).rejects.toMatchObject({ code: 3 });
    }
    expect(await v1.getUser({ userId: 'partial' })).toMatchObject({ devices: [] });
    close();
  });
});
