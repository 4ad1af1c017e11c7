import type { ServerHttp2Stream } from 'node:http2';
import type { ServerInterceptingCallInterface } from '@grpc/grpc-js';

type Call = ServerInterceptingCallInterface;

/** Decodes messages from the bytes of a call. */
export interface Decoder {
  write(data: Buffer): Buffer[];
}

/** The private fields of a call of grpc-js; see {@link hasCallFields}. */
interface CallFields {
  stream?: ServerHttp2Stream;
  wantTrailers?: boolean;
  callEventTracker?: { addMessageSent(): void } | null;
  decoder?: Decoder;
  incomingEncoding?: string;
}

/**
 * Patch of grpc-js: the functions of this file read and replace private fields of the call that the first
 * interceptor gets, for what grpc-js has no public access to:
 * - the stream of `node:http2`. A server cannot reset a call: an answer that nobody reads would stay in
 *   memory as long as its connection.
 * - whether grpc-js has ended the call by itself, since its deadline passed or a message cannot be decoded. A
 *   message written after that fails and takes the status with it, so the client waits in vain.
 * - the decoder. It has one limit for the messages of all methods, and decompresses any number of them at the
 *   same time.
 *
 * - Upstream: https://github.com/grpc/grpc-node/pull/2650 added interceptors of servers, without access to
 *   the stream; no issue for the rest.
 * - Tested with grpc-js 1.14.7.
 * - Relies on: `stream`, `wantTrailers`, `callEventTracker`, `decoder` and `incomingEncoding` of
 *   `BaseServerInterceptingCall`.
 * - Fallback, field by field: no stream, so nothing is reset and answers are not counted; grpc-js's own
 *   decoder and limit.
 *
 * Returns whether the call has all of these fields.
 */
export function hasCallFields(call: Call): boolean {
  const { stream, wantTrailers, callEventTracker, decoder, incomingEncoding } = fieldsOf(call);
  return (
    typeof stream?.close === 'function' &&
    typeof stream.write === 'function' &&
    typeof wantTrailers === 'boolean' &&
    (callEventTracker === null || typeof callEventTracker?.addMessageSent === 'function') &&
    typeof decoder?.write === 'function' &&
    typeof incomingEncoding === 'string'
  );
}

/** The stream of HTTP/2 below the call; undefined if grpc-js hides it. */
export function streamOf(call: Call): ServerHttp2Stream | undefined {
  return fieldsOf(call).stream;
}

/** How the messages of the call are compressed; undefined if grpc-js hides it. */
export function encodingOf(call: Call): string | undefined {
  return fieldsOf(call).incomingEncoding;
}

/** True if the status of the call was sent, so that no message may follow. */
export function hasStatus(call: Call): boolean {
  return fieldsOf(call).wantTrailers === true;
}

/** Counts a message for channelz that was written to the stream itself. */
export function countSentMessage(call: Call): void {
  fieldsOf(call).callEventTracker?.addMessageSent();
}

/** Replaces the decoder of the call; returns whether that was possible. */
export function replaceDecoder(call: Call, decoder: Decoder): boolean {
  const fields = fieldsOf(call);
  if (typeof fields.decoder?.write !== 'function') return false;
  fields.decoder = decoder;
  return true;
}

function fieldsOf(call: Call): CallFields {
  return call as CallFields;
}
