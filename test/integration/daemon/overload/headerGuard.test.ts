import { describe, expect, test } from 'vitest';
import type { TestDaemon } from '../../../support/daemon.ts';
import { disposables, startDaemon } from '../../../support/disposables.ts';
import { scrape, sumOf } from '../../../support/metrics.ts';
import { frame } from '../../../support/rawGrpc.ts';
import {
  callHeaders,
  END_HEADERS,
  END_STREAM,
  FRAME,
  type Frame,
  headerFrames,
  http2Frame,
  rawHttp2,
} from '../../../support/rawHttp2.ts';
import { until } from '../../../support/until.ts';

const GET_USER = '/imstate.v1.PresenceService/GetUser';
const ALICE = frame(Buffer.from('0a05616c696365', 'hex'));
const ENHANCE_YOUR_CALM = 11;

function start(): Promise<TestDaemon> {
  return startDaemon({ http: { addr: '127.0.0.1', port: 0 } });
}

/** A connection that answers pings, as every client does. */
function connectTo({ addr }: TestDaemon) {
  const frames: Frame[] = [];
  const raw = rawHttp2(addr, (got) => {
    frames.push(got);
    if (got.type === FRAME.ping && got.flags === 0) void raw.send(http2Frame(FRAME.ping, 1, 0, got.payload));
  });
  disposables.push(() => raw.socket.destroy());
  const find = (type: number, stream: number) =>
    frames.find((got) => got.type === type && got.stream === stream);
  return { ...raw, find };
}

function isAcknowledgement({ type, flags }: Frame): boolean {
  return type === FRAME.settings && flags === 1;
}

/** The headers of a call with additional fields of a given size. */
function headersWith(fields: number, bytes: number): Buffer {
  const more = Array.from({ length: fields }, (_, i) => [`x-${i}`, 'x'.repeat(bytes)] as const);
  return callHeaders(GET_USER, Object.fromEntries(more));
}

/** The counts of rejected headers in /metrics. */
async function countsOf({ http }: TestDaemon) {
  const families = await scrape(http);
  return {
    refused: sumOf(families, 'imstate_headers_refused_total'),
    malformed: sumOf(families, 'imstate_requests_malformed_total'),
    closed: sumOf(families, 'imstate_connections_closed_total', { reason: 'headers' }),
  };
}

describe('headers that exceed the limits of HTTP/2', () => {
  test.each([
    ['a value of 80 kB', headersWith(1, 80_000)],
    ['a value of 1 MB', headersWith(1, 1_000_000)],
    ['200 fields of 1 kB', headersWith(200, 1_000)],
  ])('%s: sends GOAWAY, and closes, counts and logs the connection', async (_, block) => {
    const daemon = await start();
    const raw = connectTo(daemon);
    await raw.send(...headerFrames(1, block));
    await raw.closed;
    expect(raw.find(FRAME.goaway, 0)).toBeDefined();
    await until(async () => (await countsOf(daemon)).closed === 1, 'the rejection is counted');
    expect(await countsOf(daemon)).toEqual({ refused: 1, closed: 1, malformed: 0 });
    expect(daemon.logged.join('')).toContain('metadata must be at most 16384 bytes');
  });

  test('too many fields: resets, counts and logs the call, and serves others on the connection', async () => {
    const daemon = await start();
    const raw = connectTo(daemon);
    const isAnswered = async (stream: number) => {
      await raw.send(http2Frame(FRAME.headers, END_HEADERS, stream, callHeaders(GET_USER)));
      await raw.send(http2Frame(FRAME.data, END_STREAM, stream, ALICE));
      await until(() => raw.find(FRAME.data, stream), 'the call is answered');
    };
    await isAnswered(1);
    await raw.send(...headerFrames(3, headersWith(200, 20)));
    await until(() => raw.find(FRAME.reset, 3), 'the call is reset');
    expect(raw.find(FRAME.reset, 3)?.payload.readUInt32BE(0)).toBe(ENHANCE_YOUR_CALM);
    await until(async () => (await countsOf(daemon)).refused === 1, 'the rejection is counted');
    await isAnswered(5);
    expect(await countsOf(daemon)).toEqual({ refused: 1, closed: 0, malformed: 0 });
    expect(daemon.logged.join('')).toContain('metadata must be at most 16384 bytes');
  });

  test('incomplete headers: closes the connection', async () => {
    const daemon = await start();
    // A peer that has not finished its headers cannot answer anything.
    const frames: Frame[] = [];
    const raw = rawHttp2(daemon.addr, (got) => frames.push(got));
    disposables.push(() => raw.socket.destroy());
    await until(() => frames.some(isAcknowledgement), 'both sides have acknowledged the settings');
    await raw.send(http2Frame(FRAME.headers, 0, 1, callHeaders(GET_USER)));
    await raw.closed;
    const goaway = frames.find(({ type }) => type === FRAME.goaway);
    expect(goaway?.payload.readUInt32BE(4)).toBe(ENHANCE_YOUR_CALM);
    expect(await countsOf(daemon)).toEqual({ refused: 1, closed: 1, malformed: 0 });
  });
});
