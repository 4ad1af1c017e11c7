import type { ClientDuplexStream, ServiceError } from '@grpc/grpc-js';
import { isHandover } from '../calls/callErrors.js';
import type { Channel } from '../connection/channel.js';
import type { KeepServerAliveRequest } from '../generated/imstate/v1/KeepServerAliveRequest.js';
import type { KeepServerAliveResponse__Output } from '../generated/imstate/v1/KeepServerAliveResponse.js';
import { ImstateError } from '../shared/errors.js';

/** What the owner of a {@link LeaseStream} does. After {@link LeaseStream.close} none of these is called. */
export interface LeaseStreamListener {
  onResponse(response: KeepServerAliveResponse__Output): void;
  /** The next message is due. */
  onDue(): void;
  /** The connection has reached its age: open another stream at once. */
  onHandover(): void;
  /** The stream failed, and is closed. */
  onFailure(error: ImstateError): void;
  /** The client is closing. */
  onClosing(): void;
}

/**
 * One stream of KeepServerAlive, from its opening to its end. Each message must be answered before the next
 * is due.
 */
export class LeaseStream {
  /** See LegacyServers.generation, when the stream was opened. */
  readonly generation: number;
  readonly #channel: Channel;
  readonly #listener: LeaseStreamListener;
  readonly #stream: ClientDuplexStream<KeepServerAliveRequest, KeepServerAliveResponse__Output>;
  #timer: NodeJS.Timeout | undefined;
  #isResponseDue = false;
  #isClosed = false;

  /** `ttlMs` is that of the lease. Throws if the client is closed. */
  constructor(channel: Channel, ttlMs: number, listener: LeaseStreamListener) {
    this.#channel = channel;
    this.#listener = listener;
    this.generation = channel.legacyServers.generation;
    this.#stream = channel.open(
      () => channel.presenceService.KeepServerAlive(),
      () => listener.onClosing(),
    );
    this.#stream.on('data', (response: KeepServerAliveResponse__Output) => this.#receive(response));
    this.#stream.on('error', (error: ServiceError) => {
      if (this.#isClosed) return;
      if (isHandover(error)) listener.onHandover();
      else this.#fail(leaseError(this.#channel.explain(error, ttlMs / 3)));
    });
    this.#stream.on('status', () => this.#fail(unavailable('the daemon ended the stream')));
  }

  /** Whether a message was not answered yet. */
  get isResponseDue(): boolean {
    return this.#isResponseDue;
  }

  /** Sends a message, which must be answered within the limit; then the next one is due. */
  send(request: KeepServerAliveRequest, limitMs: number): void {
    this.#isResponseDue = true;
    this.#stream.write(request);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      if (this.#isResponseDue) this.#fail(unavailable(`no answer within ${Math.round(limitMs)} ms`));
      else this.#listener.onDue();
    }, limitMs);
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#stream.cancel();
  }

  #receive(response: KeepServerAliveResponse__Output): void {
    if (this.#isClosed) return;
    this.#isResponseDue = false;
    this.#listener.onResponse(response);
  }

  #fail(error: ImstateError): void {
    if (this.#isClosed) return;
    this.close();
    this.#listener.onFailure(error);
  }
}

/** A lease has one precondition: that no greater incarnation has announced itself. */
function leaseError(error: ImstateError): ImstateError {
  if (error.code !== 'FAILED_PRECONDITION') return error;
  return new ImstateError('SUPERSEDED', error.message, { cause: error, field: error.field });
}

function unavailable(message: string): ImstateError {
  return new ImstateError('UNAVAILABLE', `the lease was not renewed: ${message}`);
}
