import { once } from 'node:events';
import { connect as connectHttp2, constants } from 'node:http2';
import { describe, expect, test } from 'vitest';
import { grpcClients, type TestDaemon } from '../../support/daemon.ts';
import { disposables, startDaemon } from '../../support/disposables.ts';
import { frame, rawGrpc } from '../../support/rawGrpc.ts';
import { callHeaders, END_HEADERS, FRAME, http2Frame, rawHttp2 } from '../../support/rawHttp2.ts';
import { until } from '../../support/until.ts';

const GET_USER = '/imstate.v1.PresenceService/GetUser';
const APPLY = '/imstate.v1.PresenceService/Apply';
const BATCH = '/imstate.v1.PresenceService/BatchGetUsers';
const ALICE = frame(Buffer.from('0a05616c696365', 'hex'));
const PING = http2Frame(FRAME.ping, 0, 0, Buffer.alloc(8));

async function serves({ addr }: TestDaemon): Promise<void> {
  const clients = grpcClients(addr);
  expect(await clients.v1.getUser({ userId: 'alice' })).toMatchObject({ userId: 'alice' });
  clients.close();
}

function floodOf(daemon: TestDaemon, onFrame?: Parameters<typeof rawHttp2>[1]) {
  const flood = rawHttp2(daemon.addr, onFrame);
  disposables.push(() => flood.socket.destroy());
  return flood;
}

function rawOf(daemon: TestDaemon) {
  const raw = rawGrpc(daemon.addr);
  disposables.push(() => raw.session.destroy());
  return raw;
}

/** Sends the same bytes repeatedly until the connection is closed. */
async function sendUntilClosed(flood: ReturnType<typeof rawHttp2>, bytes: Buffer): Promise<void> {
  while (!flood.socket.destroyed) await Promise.race([flood.send(bytes), flood.closed]);
}

describe('floods of frames', () => {
  test('answers pings, and closes a connection that floods them', async () => {
    const daemon = await startDaemon();
    let pongs = 0;
    const flood = floodOf(daemon, ({ type, flags }) => {
      if (type === FRAME.ping && flags === 1) pongs += 1;
    });
    await flood.send(...Array.from({ length: 900 }, () => PING));
    await until(() => pongs === 900, 'all pings are answered');
    await sendUntilClosed(flood, Buffer.concat(Array.from({ length: 4_000 }, () => PING)));
    await serves(daemon);
  });

  test('closes a connection that floods settings', async () => {
    const daemon = await startDaemon();
    const setting = http2Frame(FRAME.settings, 0, 0, Buffer.from('000300000064', 'hex'));
    await sendUntilClosed(floodOf(daemon), Buffer.concat(Array.from({ length: 4_000 }, () => setting)));
    await serves(daemon);
  });

  test('sends GOAWAY after a flood of calls that are reset immediately', async () => {
    const daemon = await startDaemon();
    let goaway: number | undefined;
    const flood = floodOf(daemon, ({ type, payload }) => {
      if (type === FRAME.goaway) goaway ??= payload.readUInt32BE(4);
    });
    const headers = callHeaders(GET_USER);
    const cancel = Buffer.from('00000008', 'hex');
    for (let stream = 1; goaway === undefined && stream < 20_000; stream += 200) {
      const calls = Array.from({ length: 100 }, (_, i) => [
        http2Frame(FRAME.headers, END_HEADERS, stream + 2 * i, headers),
        http2Frame(FRAME.reset, 0, stream + 2 * i, cancel),
      ]);
      await flood.send(...calls.flat());
    }
    await until(() => goaway !== undefined || flood.socket.destroyed, 'the connection receives GOAWAY');
    expect(goaway).toBeGreaterThan(0);
    await serves(daemon);
  });

  test('limits headers to 16 KiB, and survives many larger ones', async () => {
    const daemon = await startDaemon();
    const session = connectHttp2(`http://${daemon.addr}`, { maxSendHeaderBlockLength: 2 ** 20 });
    disposables.push(() => session.destroy());
    const send = async (bytes: number) => {
      const name = 'x-long';
      const stream = session.request({
        ':method': 'POST',
        ':path': GET_USER,
        'content-type': 'application/grpc',
        [name]: 'x'.repeat(bytes - name.length),
      });
      stream.on('error', () => {}).resume();
      const answered = once(stream, 'response').then(([got]) => got['grpc-status'] ?? '0');
      stream.end(ALICE);
      return Promise.race([answered, once(stream, 'close').then(() => `reset ${stream.rstCode}`)]);
    };
    expect([await send(16_384), await send(16_385)]).toEqual(['0', '8']);
    const flood = await Promise.all(Array.from({ length: 500 }, () => send(60_000)));
    expect(new Set(flood)).toEqual(new Set(['8']));
    await serves(daemon);
  });

  test('closes a connection that exceeds the stream limit, and serves the others', async () => {
    const daemon = await startDaemon();
    let isAcknowledged = false;
    const flood = floodOf(daemon, ({ type, flags }) => {
      if (type === FRAME.settings && flags === 1) isAcknowledged = true;
    });
    const headers = callHeaders(APPLY);
    const open = (from: number, count: number) =>
      Array.from({ length: count }, (_, i) => http2Frame(FRAME.headers, END_HEADERS, from + 2 * i, headers));
    await until(() => isAcknowledged, 'both sides have acknowledged the settings');
    await flood.send(...open(1, 1_000));
    await serves(daemon);
    expect(flood.socket.destroyed).toBe(false);
    await flood.send(...open(2_001, 1));
    await flood.closed;
    await serves(daemon);
  });
});

describe('slow callers', () => {
  test('ends an incomplete request with DEADLINE_EXCEEDED, and stops counting its call', async () => {
    const daemon = await startDaemon({ bounds: { requestMs: 3_000 }, maxCallsInFlight: 1 });
    const stream = rawOf(daemon).begin(GET_USER, Buffer.from([0, 0, 0, 3, 232]));
    const dribble = setInterval(() => stream.write(Buffer.alloc(1)), 100);
    disposables.push(() => clearInterval(dribble));
    const [headers] = await once(stream, 'response');
    clearInterval(dribble);
    expect(headers['grpc-status']).toBe('4');
    expect(decodeURI(headers['grpc-message'])).toBe('the request was not complete within 3000 ms');
    await once(stream.resume(), 'close');
    await serves(daemon);
  });

  test('ends only streams without a first message', async () => {
    const daemon = await startDaemon({ bounds: { requestMs: 3_000 } });
    const clients = grpcClients(daemon.addr);
    disposables.push(() => clients.close());
    const kept = clients.v1.apply();
    await kept.send({ operations: [{ getUser: { userId: 'alice' } }] });
    const [headers] = await once(rawOf(daemon).begin(APPLY), 'response');
    expect(headers['grpc-status']).toBe('4');
    await kept.send({ operations: [{ getUser: { userId: 'alice' } }] });
    kept.cancel();
  });

  /** A connection with a flow-control window of 0, so that no response body can be sent. */
  const closedWindow = (daemon: TestDaemon) => {
    const session = connectHttp2(`http://${daemon.addr}`, { settings: { initialWindowSize: 0 } });
    disposables.push(() => session.destroy());
    return (path: string, body: Buffer) => {
      const stream = session.request({
        ':method': 'POST',
        ':path': path,
        'content-type': 'application/grpc',
      });
      stream.on('error', () => {});
      stream.end(body);
      return stream;
    };
  };

  test('gives up an unread response after the deadline, and stops counting its call', async () => {
    const daemon = await startDaemon({ bounds: { answerMs: 10_000 }, maxCallsInFlight: 2 });
    const call = closedWindow(daemon);
    const unread = [call(GET_USER, ALICE), call(GET_USER, ALICE)];
    await Promise.all(unread.map((stream) => once(stream, 'response')));
    const clients = grpcClients(daemon.addr);
    disposables.push(() => clients.close());
    await expect(clients.v1.getUser({ userId: 'alice' })).rejects.toMatchObject({ code: 8 });
    await Promise.all(unread.map((stream) => once(stream, 'close')));
    expect(unread.map(({ rstCode }) => rstCode)).toEqual(unread.map(() => constants.NGHTTP2_CANCEL));
    await serves(daemon);
  });

  test('rejects calls on a connection with too many unread response bytes, but not on others', async () => {
    const daemon = await startDaemon();
    const clients = grpcClients(daemon.addr);
    disposables.push(() => clients.close());
    const users = Array.from({ length: 1_000 }, (_, i) => `${i}-`.padEnd(256, 'x'));
    const fields = users.map((user) => Buffer.concat([Buffer.from('0a8002', 'hex'), Buffer.from(user)]));
    const request = frame(Buffer.concat(fields));
    const call = closedWindow(daemon);
    // Each response has about 260 kB.
    for (let i = 0; i < 70; i++) await once(call(BATCH, request), 'response');
    const [headers] = await once(call(GET_USER, ALICE), 'response');
    expect(headers['grpc-status']).toBe('8');
    expect(decodeURI(headers['grpc-message'])).toMatch(
      /^\d+ bytes of answers wait until the caller reads them/,
    );
    await serves(daemon);
  });

  test('limits the unread response bytes of simultaneous calls', async () => {
    const daemon = await startDaemon();
    const clients = grpcClients(daemon.addr);
    disposables.push(() => clients.close());
    const apply = clients.v1.apply();
    const metadata = { note: 'x'.repeat(1_000) };
    const operations = Array.from({ length: 500 }, (_, i) => ({
      online: { userId: 'alice', deviceId: `d${i}`, serverAddr: '10.0.0.1:9000', metadata },
    }));
    const { results } = await apply.send({ operations });
    apply.end();
    expect(results.filter(({ error }) => error)).toEqual([]);

    const call = closedWindow(daemon);
    // Each response has half a megabyte.
    const responses = Array.from({ length: 100 }, () => once(call(GET_USER, ALICE), 'response'));
    const answers = (await Promise.all(responses)).map(([headers]) => headers['grpc-status']);
    const accepted = answers.filter((code) => code === undefined).length;
    expect(answers.filter((code) => code === '8')).toHaveLength(100 - accepted);
    // The limit, and the response that exceeds it.
    expect(accepted).toBeGreaterThan(20);
    expect(accepted).toBeLessThan(35);
    await serves(daemon);
  });

  test('allows a watch to be read slowly', async () => {
    const daemon = await startDaemon({ bounds: { answerMs: 3_000 } });
    const clients = grpcClients(daemon.addr);
    disposables.push(() => clients.close());
    const watch = clients.v1.watch({ everything: true, initialState: true });
    await until(() => watch.syncs > 0, 'the watch is synced');
    watch.pause();
    const metadata = { note: 'x'.repeat(1_000) };
    for (let i = 0; i < 300; i++) {
      const login = {
        userId: `u${i}`.padEnd(250, 'x'),
        deviceId: 'd',
        serverAddr: '10.0.0.1:9000',
        metadata,
      };
      await clients.v1.online(login);
    }
    // When this unread response is given up, the watch has waited just as long.
    const unread = closedWindow(daemon)(GET_USER, ALICE);
    await once(unread, 'close');
    expect(unread.rstCode).toBe(constants.NGHTTP2_CANCEL);
    watch.resume();
    await until(() => watch.changes.length === 300, 'the watch has received all changes');
    watch.cancel();
  });
});
