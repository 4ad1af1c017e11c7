import {
  type ChannelCredentials,
  type ChannelInterface,
  connectivityState,
  type Interceptor,
  status,
} from '@grpc/grpc-js';
import { type Fault, fromFault, isUnimplemented } from '../calls/callErrors.js';
import type { CallOptions } from '../calls/messages.js';
import type { PresenceServiceClient } from '../generated/imstate/v1/PresenceService.js';
import type { UserStatusClient } from '../generated/pb/UserStatus.js';
import { isSecure } from '../internals/secureConnector.js';
import { ImstateError } from '../shared/errors.js';
import { type Attempt, hedge } from '../shared/hedge.js';
import { type ClientOptions, checkTimeout, type Timeouts, timeoutsOf } from './clientOptions.js';
import type { Discovery } from './discovery.js';
import { EndpointView } from './endpointView.js';
import { NAMES_OPTION, registerSchemes, WATCH_OPTION } from './resolver.js';
import { makeStubs } from './stubs.js';
import { cancelledBy, type StartCall, UnaryCall, type UnaryCallOptions } from './unaryCall.js';

/** The credentials of a client. */
export interface Access {
  /** Of the connections. */
  credentials: ChannelCredentials;
  /** Adds the token to each call; undefined if there is none. */
  interceptor: Interceptor | undefined;
  /** Whether calls may go to this host, with the token they carry. */
  mayDial(host: string): boolean;
}

/**
 * How long a read may go without a response before another daemon is called too, and how many are called in
 * all.
 */
const HEDGE_DELAY_MS = 1_000;
const MAX_ATTEMPTS = 3;

/**
 * One gRPC channel that follows a discovery and balances round robin, with the deadlines and errors of
 * imstate.
 */
export class Channel {
  readonly presenceService: PresenceServiceClient;
  readonly userStatus: UserStatusClient;
  readonly timeouts: Timeouts;
  readonly #grpc: ChannelInterface;
  readonly #view: EndpointView;
  readonly #isTls: boolean;
  readonly #closingListeners = new Set<() => void>();
  #isClosed = false;

  /** Throws INVALID_ARGUMENT if a timeout is out of range. */
  constructor(discovery: Discovery, options: ClientOptions, { credentials, interceptor, mayDial }: Access) {
    registerSchemes();
    this.#isTls = isSecure(credentials);
    this.timeouts = timeoutsOf(options);
    const probeOptions = { timeoutMs: this.timeouts.connectTimeoutMs, credentials };
    this.#view = new EndpointView(discovery, mayDial, async (addr, signal) => {
      // Loaded on demand: few processes need it.
      const { probeEndpoint } = await import('./probe.js');
      return probeEndpoint(addr, { ...probeOptions, signal });
    });
    const { presenceService, userStatus } = makeStubs({
      target: `${discovery.scheme}:///${discovery.service ?? 'endpoints'}`,
      credentials,
      interceptors: interceptor ? [interceptor] : [],
      resolver: { [WATCH_OPTION]: this.#view.watch.bind(this.#view), [NAMES_OPTION]: new Map() },
    });
    this.presenceService = presenceService;
    this.userStatus = userStatus;
    this.#grpc = presenceService.getChannel();
  }

  /**
   * Makes one unary call, see {@link UnaryCall}. Rejects with an ImstateError, or with the reason of the
   * signal that cancelled it. A call that `mayRepeat` is hedged: it also goes to another daemon if the first
   * does not respond.
   */
  call<Response>(
    start: StartCall<Response>,
    { timeoutMs = this.timeouts.timeoutMs, signal }: CallOptions = {},
    mayRepeat = false,
  ): Promise<Response> {
    const options: UnaryCallOptions = { timeoutMs, signal, deadline: Date.now() + timeoutMs, mayRepeat };
    if (!mayRepeat || !this.#view.hasSeveral) return new UnaryCall(this, start, options).run();
    const attempts = Array<Attempt<Response>>(MAX_ATTEMPTS).fill((lost) =>
      new UnaryCall(this, cancelledBy(lost, start), options).run(),
    );
    // An error of an attempt is final: the attempt has already been repeated if that could help.
    return hedge(attempts, { delayMs: HEDGE_DELAY_MS, isFinal: () => true });
  }

  /**
   * Makes a call of PresenceService like {@link call}, and starts it again if a legacy server answered it
   * while another endpoint serves PresenceService.
   */
  async callPresence<Response>(
    start: StartCall<Response>,
    options: CallOptions = {},
    mayRepeat = false,
  ): Promise<Response> {
    const { timeoutMs = this.timeouts.timeoutMs } = options;
    const until = performance.now() + timeoutMs;
    for (let leftMs = timeoutMs; ; leftMs = Math.max(1, until - performance.now())) {
      const { generation } = this.legacyServers;
      try {
        return await this.call(start, { ...options, timeoutMs: leftMs }, mayRepeat);
      } catch (error) {
        if (!isUnimplemented(error) || !(await this.legacyServers.hasOthers(generation))) throw error;
      }
    }
  }

  /** The endpoints that are excluded as long as another one serves PresenceService. */
  get legacyServers(): EndpointView['legacyServers'] {
    return this.#view.legacyServers;
  }

  /**
   * Throws if a call cannot start: its signal has aborted, its timeout is invalid, or there is no endpoint.
   */
  checkCall(timeoutMs: number, signal: AbortSignal | undefined): void {
    signal?.throwIfAborted();
    if (this.#isClosed) throw clientIsClosed();
    if (this.#view.missing !== undefined) throw this.#view.missing;
    checkTimeout(timeoutMs);
  }

  /**
   * Opens a stream without a deadline. The caller watches over it, and cancels it at the end and in
   * `onClosing`. Throws if the client is closed. {@link explain} translates the errors of the stream.
   */
  open<Stream extends { once(event: 'status', listener: () => void): unknown }>(
    start: () => Stream,
    onClosing = () => {},
  ): Stream {
    if (this.#isClosed) throw clientIsClosed();
    const stream = start();
    stream.once('status', this.onClosing(onClosing));
    return stream;
  }

  /** Calls the listener when the client is closing. Returns a function that removes it. */
  onClosing(listener: () => void): () => void {
    this.#closingListeners.add(listener);
    return () => this.#closingListeners.delete(listener);
  }

  /** The ImstateError for an error of gRPC, or for that of an operation in a batch. */
  explain(error: Fault, timeoutMs: number): ImstateError {
    // `missing` is more precise than an error of gRPC, but not than an error of a daemon.
    const missing = error.code === status.UNAVAILABLE ? this.#view.missing : undefined;
    return missing ?? fromFault(error, { addresses: this.#view.addresses, isTls: this.#isTls, timeoutMs });
  }

  /** The addresses of the endpoints, for messages. */
  get addresses(): string {
    return this.#view.addresses;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Whether there is a connection to any daemon. */
  isConnected(): boolean {
    return this.#grpc.getConnectivityState(false) === connectivityState.READY;
  }

  /** The error of a stream that received nothing within the limit. */
  noResponseError(limitMs: number): ImstateError {
    if (!this.isConnected()) return this.#view.missing ?? this.#view.noConnection(limitMs);
    return new ImstateError(
      'DEADLINE_EXCEEDED',
      `no answer within ${limitMs} ms from ${this.#view.addresses}`,
    );
  }

  /** Closes the channel: calls and streams in flight fail. */
  close(): void {
    this.#isClosed = true;
    for (const notify of this.#closingListeners) notify();
    this.#grpc.close();
  }

  /**
   * Calls `giveUp` if there is no connection within the timeout of connecting, or no endpoint. Returns a
   * function that ends the guard.
   */
  guardConnecting(giveUp: (error: ImstateError) => void, timeoutMs = Infinity): () => void {
    const { connectTimeoutMs } = this.timeouts;
    if (this.isConnected()) return () => {};
    const ignoreMissing = this.#view.onMissing(giveUp);
    const limit = setTimeout(() => {
      if (!this.isConnected()) giveUp(this.#view.noConnection(connectTimeoutMs));
    }, connectTimeoutMs);
    if (connectTimeoutMs >= timeoutMs) clearTimeout(limit);
    return () => {
      clearTimeout(limit);
      ignoreMissing();
    };
  }
}

function clientIsClosed(): ImstateError {
  return new ImstateError('UNAVAILABLE', 'the client is closed: make another');
}
