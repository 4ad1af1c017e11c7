import type { status } from '@grpc/grpc-js';

/** Handles the messages of one stream. */
export interface StreamHandler<Request> {
  /** Handles a message; resolves when it is done. `arrivedAt` is a time of performance.now(). */
  handle(request: Request, arrivedAt: number): Promise<void>;
  /** The message is not handled: the store is overloaded, or the stream is over. */
  reject?(request: Request, code: status, arrivedAt: number): void;
  /**
   * Resolves when the handler can accept the next message. What was handled no longer counts as work at the
   * store.
   */
  ready?(): Promise<void>;
  /** How many messages are handled at the same time. Default: 1. */
  readonly maxConcurrent?: number;
  /**
   * True if a daemon that stops finishes the messages it has received and ends the stream with OK. Otherwise
   * the stream fails.
   */
  readonly endsGracefully?: boolean;
  /** Resolves when the stream may end without a loss for its caller. Default: at once. */
  canEnd?(): Promise<void>;
  /** The stream is over. */
  close?(): void;
  /** The network holds nothing of the stream any more: its caller has everything, or is gone. */
  disconnected?(): void;
  /** True if the stream stays open after the caller has ended its side. */
  readonly outlivesRequests?: boolean;
}

/** The load that a request, or a message of a stream, puts on the store. */
export interface Cost<Request> {
  /** In operations. Default: 1. */
  weigh?(request: Request): number;
  /** True if sessions end when it is rejected: it is rejected last. */
  readonly isVital?: boolean;
}
