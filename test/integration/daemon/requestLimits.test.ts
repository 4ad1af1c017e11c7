import { once } from 'node:events';
import { connect as connectHttp2, constants } from 'node:http2';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { grpcClients } from '../../support/daemon.ts';
import { disposables, startDaemon } from '../../support/disposables.ts';
import { field } from '../../support/protobuf.ts';
import { frame, rawGrpc } from '../../support/rawGrpc.ts';
import { until } from '../../support/until.ts';

const GET_USER = '/imstate.v1.PresenceService/GetUser';
const APPLY = '/imstate.v1.PresenceService/Apply';
const HEALTH_CHECK = '/grpc.health.v1.Health/Check';
const HEALTH_WATCH = '/grpc.health.v1.Health/Watch';
const REFLECTION = '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo';
const CHANNELZ = '/grpc.channelz.v1.Channelz/GetTopChannels';

function rawOf(addr: string) {
  const raw = rawGrpc(addr);
  disposables.push(() => raw.destroy());
  return raw;
}

describe('the size of a request', () => {
  test.each([
    ...[HEALTH_CHECK, HEALTH_WATCH, REFLECTION, CHANNELZ].map((path) => [path, 512] as const),
    ...[GET_USER, '/pb.UserStatus/Online'].map((path) => [path, 8_192] as const),
    ['/imstate.v1.PresenceService/KeepServerAlive', 65_536] as const,
  ])('of %s is limited to %i bytes, compressed or not', async (path, limit) => {
    const { addr } = await startDaemon();
    const raw = rawOf(addr);
    const tooLong = Buffer.alloc(limit + 1, field(15, 'xx'));
    const headers = { 'grpc-encoding': 'gzip' };
    const answers = [
      await raw.send(path, frame(tooLong)),
      await raw.send(path, frame(gzipSync(tooLong), 1), headers),
      await raw.send(path, frame(gzipSync(Buffer.alloc(2 ** 20)), 1), headers),
    ];
    expect(answers.map((answer) => answer.headers['grpc-status'])).toEqual(['8', '8', '8']);
    expect(decodeURI(`${answers[0]?.headers['grpc-message']}`)).toBe(
      `a request of this method must be at most ${limit} bytes; this one has ${limit + 1}`,
    );
  });

  test('rejects a batch of half a million empty operations before it is decoded', async () => {
    const { addr } = await startDaemon();
    const operations = frame(Buffer.alloc(2 ** 20, field(1, '')));
    const answer = await rawOf(addr).send(APPLY, operations);
    expect(answer.headers['grpc-status']).toBe('3');
  });

  test('ends an answered stream with a status when a request is too large', async () => {
    const { addr } = await startDaemon();
    const stream = rawOf(addr).begin(APPLY, frame(field(1, field(4, field(1, 'alice')))));
    await once(stream, 'data');
    const trailers = once(stream, 'trailers');
    stream.write(frame(Buffer.alloc(2 ** 20 + 1)).subarray(0, 5));
    expect((await trailers)[0]).toMatchObject({ 'grpc-status': '8' });
  });

  test.each([':authority', ':scheme'])('rejects %s that is too long', async (name) => {
    const { addr } = await startDaemon();
    const session = connectHttp2(`http://${addr}`);
    disposables.push(() => session.destroy());
    const ask = async (length: number) => {
      const stream = session.request({
        ':method': 'POST',
        ':path': GET_USER,
        'content-type': 'application/grpc',
        [name]: 'x'.repeat(length),
      });
      stream.on('error', () => {}).resume();
      const response = once(stream, 'response');
      stream.end(frame(field(1, 'alice')));
      const [headers] = await response;
      return headers['grpc-status'] ?? '0';
    };
    expect([await ask(450), await ask(513)]).toEqual(['0', '8']);
  });
});

describe('without credentials', () => {
  test('allows 16 health calls and streams per connection', async () => {
    const { addr } = await startDaemon();
    const raw = rawOf(addr);
    const watch = async (connection: typeof raw) => {
      const stream = connection.begin(HEALTH_WATCH);
      const response = once(stream, 'response');
      stream.end(frame(field(1, 'nobody knows it')));
      const [headers] = await response;
      stream.resume();
      return { stream, status: headers['grpc-status'] };
    };
    const open = await Promise.all(Array.from({ length: 16 }, () => watch(raw)));
    expect(open.map(({ status }) => status)).toEqual(open.map(() => undefined));
    expect((await watch(raw)).status).toBe('8');
    expect((await watch(rawOf(addr))).status).toBeUndefined();
    const clients = grpcClients(addr);
    disposables.push(() => clients.close());
    expect(await clients.v1.getUser({ userId: 'alice' })).toMatchObject({ online: false });
    open[0]?.stream.close();
    await until(async () => (await watch(raw)).status === undefined, 'another stream is accepted');
  });

  test('closes rejected calls although their request continues', async () => {
    const { addr } = await startDaemon({ maxCallsInFlight: 0 });
    const raw = rawOf(addr);
    const streams = Array.from({ length: 100 }, () => raw.begin(GET_USER));
    const ended = await Promise.all(
      streams.map(async (stream) => {
        const closed = once(stream.resume(), 'close');
        const [headers] = await once(stream, 'response');
        await closed;
        return [headers['grpc-status'], stream.rstCode];
      }),
    );
    expect(ended).toEqual(streams.map(() => ['8', constants.NGHTTP2_NO_ERROR]));
  });

  test('ends a stream that fails twice after a response with a status, before its caller does', async () => {
    const { addr } = await startDaemon();
    const getUser = field(1, field(4, field(1, 'alice')));
    const tooMany = Array.from({ length: 1_001 }, () => field(1, field(4, field(1, 'x'.repeat(150)))));
    const malformed = Buffer.of(0xff);
    const body = Buffer.concat([getUser, Buffer.concat(tooMany), malformed].map((message) => frame(message)));
    for (let i = 0; i < 5; i++) {
      const { headers } = await rawOf(addr).send(APPLY, body, {}, { isOpen: true });
      expect(['3', '13']).toContain(headers['grpc-status']);
    }
  });
});
