import { credentials } from '@grpc/grpc-js';
import { connect } from '../../packages/client/src/index.ts';
import { loadProtos } from '../../packages/client/src/wire/protos.ts';
import { disposables } from './disposables.ts';
import { field, numberField } from './protobuf.ts';
import { frame } from './rawGrpc.ts';
import { callHeaders, END_HEADERS, END_STREAM, FRAME, http2Frame, rawHttp2 } from './rawHttp2.ts';
import { until } from './until.ts';

/** Drives a daemon to a limit; resolves once the daemon has received everything. */
type Holder = (addr: string) => Promise<void>;

const PING = http2Frame(FRAME.ping, 0, 0, Buffer.alloc(8));
const PONG_FLAG = 1;
const NO_WINDOW = http2Frame(FRAME.settings, 0, 0, Buffer.from('000400000000', 'hex'));
/** The maximum size of a data frame. */
const FRAME_BYTES = 16_384;
/** How much of a stream a daemon accepts before it has read any of it. */
const WINDOW_BYTES = 65_535;
const STREAMS_OF_CONNECTION = 1_000;
/** Connections that are opened at the same time. */
const AT_ONCE = 500;

const SERVICE = '/imstate.v1.PresenceService';
const APPLY = `${SERVICE}/Apply`;
const HEALTH_WATCH = '/grpc.health.v1.Health/Watch';

/** Sends frames on a connection until the end of the test; resolves once the daemon has read them. */
async function hold(addr: string, frames: Buffer[]): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const connection = rawHttp2(addr, ({ type, flags }) => {
      if (type === FRAME.ping && flags === PONG_FLAG) resolve();
    });
    disposables.push(() => connection.socket.destroy());
    void connection.closed.then(() => reject(new Error('the daemon has closed the connection')));
    void connection.send(...frames, PING);
  });
}

/** The frames of calls on one connection; `flags` are those of the last frame of each. */
function callFrames(count: number, headers: Buffer, body: (call: number) => Buffer, flags = 0): Buffer[] {
  return Array.from({ length: count }, (_, call) => {
    const stream = 2 * call + 1;
    const bytes = body(call);
    const frames = [http2Frame(FRAME.headers, END_HEADERS, stream, headers)];
    for (let at = 0; at < bytes.length; at += FRAME_BYTES) {
      const end = Math.min(bytes.length, at + FRAME_BYTES);
      frames.push(http2Frame(FRAME.data, end === bytes.length ? flags : 0, stream, bytes.subarray(at, end)));
    }
    return frames;
  }).flat();
}

async function holdConnections(addr: string): Promise<void> {
  // One is the client's.
  for (let left = 9_999; left > 0; left -= AT_ONCE)
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, left) }, () => hold(addr, [])));
}

/** The maximum number of streams, each with a first message. */
function streamsOf(method: string, first: (stream: number) => Buffer): Holder {
  return async (addr) => {
    for (let connection = 0; connection < 10; connection++) {
      const message = (call: number) => frame(first(connection * STREAMS_OF_CONNECTION + call));
      await hold(addr, callFrames(STREAMS_OF_CONNECTION, callHeaders(`${SERVICE}/${method}`), message));
    }
  };
}

/** 16 on each connection, up to the maximum. */
async function holdProbes(addr: string): Promise<void> {
  const name = (call: number) => frame(field(1, `${call}-`.padEnd(500, 'x')));
  for (let connection = 0; connection < 63; connection++)
    await hold(addr, callFrames(16, callHeaders(HEALTH_WATCH), name, END_STREAM));
}

async function holdRefused(addr: string): Promise<void> {
  for (let connection = 0; connection < 10; connection++)
    await hold(
      addr,
      callFrames(STREAMS_OF_CONNECTION, callHeaders(HEALTH_WATCH), () => Buffer.alloc(0)),
    );
}

async function holdIncomplete(addr: string): Promise<void> {
  const begun = frame(Buffer.alloc(2 ** 20)).subarray(0, WINDOW_BYTES);
  for (let connection = 0; connection < 6; connection++)
    await hold(
      addr,
      callFrames(500, callHeaders(APPLY), () => begun),
    );
}

async function holdMetadata(addr: string): Promise<void> {
  const headers = callHeaders(APPLY, { note: 'x'.repeat(16_000) });
  for (let connection = 0; connection < 10; connection++)
    await hold(
      addr,
      callFrames(STREAMS_OF_CONNECTION, headers, () => Buffer.alloc(0)),
    );
}

async function holdBatches(addr: string): Promise<void> {
  const operation = field(1, field(4, field(1, 'a')));
  const batches = Buffer.concat(Array.from({ length: 9 }, () => frame(Buffer.alloc(7_000, operation))));
  for (let connection = 0; connection < 6; connection++)
    await hold(addr, [NO_WINDOW, ...callFrames(10, callHeaders(APPLY), () => batches)]);
}

const EVERYTHING = field(1, numberField(3, 1));
const ONE_QUERY = field(1, field(4, field(1, 'alice')));
const leaseOf = (server: number) =>
  Buffer.concat([field(1, `${server}.${'x'.repeat(60)}.example:9000`), numberField(2, 1)]);

const UNREAD_WATCHES = 1_000;
const UNREAD_CHANGES = 3_000;

/** Watches with their own backlogs, and more changes than the limit of all backlogs. */
async function holdUnreadWatches(addr: string): Promise<void> {
  const { PresenceService } = loadProtos().types.imstate.v1;
  const options = { 'grpc.use_local_subchannel_pool': 1 };
  const unread = new PresenceService(addr, credentials.createInsecure(), options);
  disposables.push(() => unread.close());
  let synced = 0;
  for (let i = 0; i < UNREAD_WATCHES; i++) {
    const stream = unread.Watch();
    stream.on('error', () => {});
    stream.once('data', () => {
      synced += 1;
      stream.pause();
    });
    stream.write({ start: { serverAddrs: ['10.0.0.1:9000'], coalesce: true } });
  }
  await until(() => synced === UNREAD_WATCHES, 'all watches are synced');
  const client = await connect({ endpoints: [addr], timeoutMs: 30_000 });
  disposables.push(() => client.close());
  for (let i = 0; i < UNREAD_CHANGES; i += 100) {
    const logins = Array.from({ length: 100 }, (_, k) => `user-${i + k}-`.padEnd(256, 'x'));
    const login = { deviceId: 'phone', serverAddr: '10.0.0.1:9000' };
    await Promise.all(logins.map((userId) => client.online({ ...login, userId })));
  }
}

/** How to reach the limit of each row of the table in docs/limits.md. */
export const HOLDERS: Record<string, Holder> = {
  'idle connections': holdConnections,
  'calls and streams of health, with the longest names': holdProbes,
  'calls that are rejected while their request is still arriving': holdRefused,
  'incomplete requests': holdIncomplete,
  'metadata of streams without a first message': holdMetadata,
  'batches of Apply whose responses nobody reads': holdBatches,
  'streams of Apply': streamsOf('Apply', () => ONE_QUERY),
  'leases of chat servers': streamsOf('KeepServerAlive', leaseOf),
  'watches of everything': streamsOf('Watch', () => EVERYTHING),
  'watches that never read': holdUnreadWatches,
};
