import type { Metadata } from '@grpc/grpc-js';

/** A call, as its observer sees it. */
export interface ObservedCall {
  readonly path: string;
  readonly metadata: Metadata;
  /** The address of the caller, with its port. */
  readonly peer: string;
}
