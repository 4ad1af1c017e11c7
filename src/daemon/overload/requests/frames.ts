import { gunzipSync, inflateSync } from 'node:zlib';

/** Each message of gRPC follows a flag (1 byte) and its length (4 bytes). */
export const FRAME_HEADER_BYTES = 5;
const COMPRESSED = 1;
const DECOMPRESSORS = new Map([
  ['gzip', gunzipSync],
  ['deflate', inflateSync],
]);

/** The frame that begins at an offset, if all of it has arrived. It shares the memory of `data`. */
export function wholeFrame(data: Buffer, at: number): Buffer | undefined {
  if (data.length - at < FRAME_HEADER_BYTES) return undefined;
  const end = at + FRAME_HEADER_BYTES + data.readUInt32BE(at + 1);
  return end <= data.length ? data.subarray(at, end) : undefined;
}

export function isCompressed(frame: Buffer): boolean {
  return frame[0] === COMPRESSED;
}

/**
 * A compressed frame with its message decompressed, in one go: nothing but the result stays in memory. A
 * frame of an unknown encoding is returned as it is, for grpc-js to reject. Throws ERR_BUFFER_TOO_LARGE
 * beyond `maxBytes`.
 */
export function decompressed(frame: Buffer, encoding: string | undefined, maxBytes: number): Buffer {
  const decompress = DECOMPRESSORS.get(encoding ?? '');
  if (decompress === undefined) return frame;
  const message = decompress(frame.subarray(FRAME_HEADER_BYTES), { maxOutputLength: maxBytes });
  const header = Buffer.alloc(FRAME_HEADER_BYTES);
  header.writeUInt32BE(message.length, 1);
  return Buffer.concat([header, message]);
}
