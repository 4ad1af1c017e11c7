import type { Metadata, status } from '@grpc/grpc-js';

/** The status that a call is ended with. */
export interface Ending {
  code: status;
  details: string;
  metadata?: Metadata;
}

/** The call that a {@link RequestReader} reads for. */
export interface ReadCall {
  /** Identifies the connection. */
  readonly connection: object;
  /** True if the caller sends a stream of messages. */
  readonly isStream: boolean;
  /** The compression of its messages, if any. */
  readonly encoding: string | undefined;
  /** The rejection if there is no room for this many more bytes of requests; undefined if there is. */
  rejectionOf(bytes: number): Ending | undefined;
  end(ending: Ending): void;
}
