import type { Metadata } from '@grpc/grpc-js';
import type { CallDetails } from '../observability/callDetails.js';

/** The call of an open stream, as its handler sees it. */
export interface OpenStreamCall {
  /** Identifies the connection. */
  readonly connection: object;
  /** The stream is over: from now on its caller has as much time to read it as a response. */
  expectTaken(): void;
  /** Resets the stream, and drops what its caller has not read. */
  reset(): void;
  /**
   * What the operations of the stream are logged with; undefined if nobody wants that. `metadata` is that of
   * the call.
   */
  detailsFor(metadata: Metadata): CallDetails | undefined;
}

const streamCalls = new WeakMap<Metadata, OpenStreamCall>();

/** The call of a stream, by the metadata of the call; undefined for other calls. */
export function callOf(metadata: Metadata): OpenStreamCall | undefined {
  return streamCalls.get(metadata);
}

/** Makes {@link callOf} return the call. */
export function noteStreamCall(metadata: Metadata, call: OpenStreamCall): void {
  streamCalls.set(metadata, call);
}
