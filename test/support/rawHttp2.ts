import { connect } from 'node:net';

/** The connection preface of an HTTP/2 client. */
export const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
const FRAME_HEAD_BYTES = 9;

/** Types of frames. */
export const FRAME = {
  data: 0,
  headers: 1,
  reset: 3,
  settings: 4,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;
export const END_STREAM = 1;
export const END_HEADERS = 4;

/** A received frame. */
export interface Frame {
  type: number;
  flags: number;
  stream: number;
  payload: Buffer;
}

/** The bytes of a frame. */
export function http2Frame(
  type: number,
  flags: number,
  stream: number,
  payload: Buffer = Buffer.alloc(0),
): Buffer {
  const head = Buffer.alloc(FRAME_HEAD_BYTES);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** The headers of a gRPC call, as HPACK without its tables. */
export function callHeaders(path: string, more: Readonly<Record<string, string>> = {}): Buffer {
  const headers = Object.entries({
    ':method': 'POST',
    ':scheme': 'http',
    ':path': path,
    ':authority': 'localhost',
    'content-type': 'application/grpc',
    te: 'trailers',
    ...more,
  });
  return Buffer.concat(headers.flatMap(([name, value]) => [Buffer.of(0), hpackText(name), hpackText(value)]));
}

const MAX_FRAME_BYTES = 16_384;

/** The frames for headers of any size. */
export function headerFrames(stream: number, block: Buffer): Buffer[] {
  const frames: Buffer[] = [];
  for (let at = 0; at < block.length; at += MAX_FRAME_BYTES) {
    const isLast = at + MAX_FRAME_BYTES >= block.length;
    const type = at === 0 ? FRAME.headers : FRAME.continuation;
    const part = block.subarray(at, at + MAX_FRAME_BYTES);
    frames.push(http2Frame(type, isLast ? END_HEADERS : 0, stream, part));
  }
  return frames;
}

/** A text in HPACK: its length, with 7 bits in the first byte, and its raw bytes. */
function hpackText(value: string): Buffer {
  const max = 127;
  const length: number[] = [Math.min(value.length, max)];
  if (value.length >= max) {
    let left = value.length - max;
    for (; left >= 128; left = Math.floor(left / 128)) length.push((left % 128) | 0x80);
    length.push(left);
  }
  return Buffer.concat([Buffer.from(length), Buffer.from(value)]);
}

/**
 * A TCP connection for any bytes. It starts HTTP/2 and acknowledges settings, and does nothing else by
 * itself.
 */
export function rawHttp2(addr: string, onFrame: (frame: Frame) => void = () => {}) {
  const [host, port] = addr.split(':') as [string, string];
  const socket = connect(Number(port), host);
  socket.setNoDelay(true);
  let rest: Buffer = Buffer.alloc(0);
  socket.on('data', (chunk: Buffer) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    while (rest.length >= FRAME_HEAD_BYTES) {
      const end = FRAME_HEAD_BYTES + rest.readUIntBE(0, 3);
      if (rest.length < end) break;
      const [type, flags] = [rest.readUInt8(3), rest.readUInt8(4)];
      if (type === FRAME.settings && flags === 0) socket.write(http2Frame(FRAME.settings, 1, 0));
      onFrame({ type, flags, stream: rest.readUInt32BE(5), payload: rest.subarray(FRAME_HEAD_BYTES, end) });
      rest = rest.subarray(end);
    }
  });
  socket.on('error', () => {});
  socket.write(Buffer.concat([Buffer.from(PREFACE), http2Frame(FRAME.settings, 0, 0)]));
  return {
    socket,
    /** Resolves when the other side has closed it. */
    closed: new Promise<void>((resolve) => socket.once('close', () => resolve())),
    /** Sends frames; resolves once they are written. */
    send: (...frames: Buffer[]) =>
      new Promise<void>((resolve) => {
        socket.write(Buffer.concat(frames), () => resolve());
      }),
  };
}
