import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import { type Metadata, status } from '@grpc/grpc-js';
import { LIMITS } from '../../presence/limits.js';
import type { SessionListener } from '../internals/grpcHttp2Sessions.js';
import type { Ending } from './requests/readCall.js';

/** Bytes of the authority and scheme of streams that exceed their limit. */
const excessBytes = new WeakMap<ServerHttp2Stream, number>();

/**
 * Measures the authority and scheme of each stream. They are not in the metadata of a call, and last as long
 * as it.
 */
export const pseudoHeaderListener: SessionListener = {
  onStream: (stream, headers) => {
    const bytes = pseudoHeaderBytes(headers);
    if (bytes > LIMITS.authority.max) excessBytes.set(stream, bytes);
  },
};

function pseudoHeaderBytes({
  ':authority': authority,
  ':scheme': scheme,
  host = '',
}: IncomingHttpHeaders): number {
  return (authority ?? host).length + (scheme?.length ?? 0);
}

/** What a call is ended with whose headers are too long; undefined if they are not. */
export function headerExcess(
  bytesOfMetadata: number,
  stream: ServerHttp2Stream | undefined,
): Ending | undefined {
  if (bytesOfMetadata > LIMITS.headers.max) {
    return tooLong(
      `the metadata of a call must be at most ${LIMITS.headers.max} bytes; this one has ${bytesOfMetadata}`,
    );
  }
  const bytes = stream && excessBytes.get(stream);
  if (bytes === undefined) return undefined;
  return tooLong(
    `the authority and scheme of a call must be at most ${LIMITS.authority.max} bytes; these have ${bytes}`,
  );
}

function tooLong(details: string): Ending {
  return { code: status.RESOURCE_EXHAUSTED, details };
}

/** The size of the metadata of a call. */
export function metadataBytes(metadata: Metadata): number {
  let bytes = 0;
  for (const [name, value] of Object.entries(metadata.getMap())) bytes += name.length + value.length;
  return bytes;
}
