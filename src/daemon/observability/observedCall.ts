import type { Metadata } from '@grpc/grpc-js';

/** A call, as far as its observer is concerned. */
export interface ObservedCall {
  readonly path: string;
  readonly metadata: Metadata;
  /** Address of the caller, with its port. */
  readonly peer: string;
}
