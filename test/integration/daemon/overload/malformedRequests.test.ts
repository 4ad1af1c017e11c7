import { describe, expect, test } from 'vitest';
import { grpcClients, type TestDaemon } from '../../../support/daemon.ts';
import { disposables, startDaemon } from '../../../support/disposables.ts';
import { scrape, sumOf } from '../../../support/metrics.ts';
import {
  callHeaders,
  END_HEADERS,
  END_STREAM,
  FRAME,
  http2Frame,
  rawHttp2,
} from '../../../support/rawHttp2.ts';
import { until } from '../../../support/until.ts';

const QUERY = '/pb.UserStatus/QueryUserStatus';

/** A client connection with this authority; `call` resolves with the types of the response frames. */
function connectAs(daemon: TestDaemon, authority: string) {
  const frames = new Map<number, number[]>();
  const connection = rawHttp2(daemon.addr, ({ type, flags, stream, payload }) => {
    frames.set(stream, [...(frames.get(stream) ?? []), type]);
    // Every client acknowledges pings, unless it is gone or has not finished its headers.
    if (type === FRAME.ping && flags === 0) void connection.send(http2Frame(FRAME.ping, 1, 0, payload));
  });
  disposables.push(() => connection.socket.destroy());
  let next = 1;
  const call = async () => {
    const stream = next;
    next += 2;
    const headers = callHeaders(QUERY, { ':authority': authority });
    const message = Buffer.from([0, 0, 0, 0, 0]);
    await connection.send(
      http2Frame(FRAME.headers, END_HEADERS, stream, headers),
      http2Frame(FRAME.data, END_STREAM, stream, message),
    );
    await until(() => frames.get(stream), `stream ${stream} is answered`);
    return frames.get(stream) as number[];
  };
  return { call, close: () => connection.socket.end() };
}

function warningsOf({ logged }: TestDaemon) {
  return logged.map((line) => JSON.parse(line)).filter(({ msg }) => msg.includes('malformed'));
}

const REMEDY =
  'HTTP/2 reset requests as malformed: if the client uses grpc-go up to 1.56, give it ' +
  'grpc.WithAuthority("im%2Fstate-server") or update it, as docs/migrating.md describes';

describe('requests with a slash in :authority', () => {
  test('are reset, counted, and logged with the remedy', async () => {
    const daemon = await startDaemon({ http: { addr: '127.0.0.1', port: 0 } });
    const { call } = connectAs(daemon, 'im/state-server');
    for (let i = 0; i < 3; i++) expect(await call()).toEqual([FRAME.reset]);
    const counted = async () => sumOf(await scrape(daemon.http), 'imstate_requests_malformed_total');
    await until(async () => (await counted()) === 3, 'all requests are counted');
    const address = '127.0.0.1';
    expect(warningsOf(daemon)).toMatchObject([
      { level: 40, msg: REMEDY, address, requests: expect.any(Number) },
    ]);
  });

  test('are logged once a minute, also if the clients disconnect immediately', async () => {
    const daemon = await startDaemon({ http: { addr: '127.0.0.1', port: 0 } });
    for (let i = 0; i < 5; i++) {
      const client = connectAs(daemon, 'im/state-server');
      expect(await client.call()).toEqual([FRAME.reset]);
      client.close();
    }
    const counted = async () => sumOf(await scrape(daemon.http), 'imstate_requests_malformed_total');
    await until(async () => (await counted()) === 5, 'all requests are counted');
    expect(warningsOf(daemon)).toMatchObject([{ requests: 1 }]);
  });

  test('are not reported for escaped or other authorities', async () => {
    const daemon = await startDaemon({ http: { addr: '127.0.0.1', port: 0 } });
    for (const authority of ['im%2Fstate-server', 'state.example.com', '[::1]:80', 'a_b']) {
      const client = connectAs(daemon, authority);
      expect(await client.call()).toContain(FRAME.headers);
      client.close();
    }
    const clients = grpcClients(daemon.addr);
    disposables.push(() => clients.close());
    await clients.v1.getStats();
    const witness = connectAs(daemon, 'im/state-server');
    await witness.call();
    await until(() => warningsOf(daemon).length > 0, 'the daemon has logged the reference request');
    expect(sumOf(await scrape(daemon.http), 'imstate_requests_malformed_total')).toBe(1);
  });
});
