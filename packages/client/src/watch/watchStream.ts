import type { ClientDuplexStream, ServiceError } from '@grpc/grpc-js';
import { isHandover } from '../calls/callErrors.js';
import type { Channel } from '../connection/channel.js';
import type { WatchRequest } from '../generated/imstate/v1/WatchRequest.js';
import type { WatchResponse__Output } from '../generated/imstate/v1/WatchResponse.js';
import type { WatchStart } from '../generated/imstate/v1/WatchStart.js';
import type { WatchUpdate } from '../generated/imstate/v1/WatchUpdate.js';
import { ImstateError } from '../shared/errors.js';

/**
 * One stream of Watch, from its start to its end. It is read one response at a time: while nobody requests
 * the next one, gRPC buffers a few and then slows the daemon down.
 */
export class WatchStream {
  readonly #channel: Channel;
  readonly #stream: ClientDuplexStream<WatchRequest, WatchResponse__Output>;
  #failure: ImstateError | undefined;
  #isHandedOver = false;
  #wake = () => {};

  /** Throws if the client is closed. */
  constructor(channel: Channel, start: WatchStart) {
    this.#channel = channel;
    this.#stream = channel.open(() => channel.presenceService.Watch());
    this.#stream.on('readable', () => this.#wake());
    this.#stream.on('error', (error: ServiceError) => {
      this.#isHandedOver = this.#failure === undefined && isHandover(error);
      this.#fail(readFault(channel.explain(error, 0)));
    });
    this.#stream.on('status', () =>
      this.#fail(new ImstateError('UNAVAILABLE', 'the daemon ended the watch')),
    );
    this.#stream.write({ start });
  }

  /** Whether it ended because its connection has reached its maximum age. */
  get isHandedOver(): boolean {
    return this.#isHandedOver;
  }

  /** Changes the set of users. */
  update(update: WatchUpdate): void {
    if (this.#failure === undefined) this.#stream.write({ update });
  }

  /**
   * The next response. Rejects with the error that ended the stream, or if none arrives within the limit. Do
   * not call it again before it has settled.
   */
  async next(limitMs: number): Promise<WatchResponse__Output> {
    const limit = setTimeout(() => this.cancel(this.#channel.noResponseError(limitMs)), limitMs);
    try {
      for (;;) {
        const response: WatchResponse__Output | null = this.#stream.read();
        if (response !== null) return response;
        if (this.#failure !== undefined) throw this.#failure;
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    } finally {
      clearTimeout(limit);
    }
  }

  /** Ends the stream; a pending {@link next} rejects with the error. Safe to call twice. */
  cancel(error: ImstateError): void {
    this.#fail(error);
    this.#stream.cancel();
  }

  #fail(error: ImstateError): void {
    this.#failure ??= error;
    this.#wake();
  }
}

function readFault(error: ImstateError): ImstateError {
  if (error.code !== 'UNIMPLEMENTED') return error;
  const message =
    'the server offers no watches, because it is older or serves only pb.UserStatus: call getUser() instead';
  return new ImstateError('UNIMPLEMENTED', message, { cause: error });
}
