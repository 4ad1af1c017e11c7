import {
  type ChannelCredentials,
  type ChannelInterface,
  type ClientUnaryCall,
  connectivityState,
  type CallOptions as GrpcCallOptions,
  type Interceptor,
  makeClientConstructor,
  type requestCallback,
  status,
} from '@grpc/grpc-js';
import { type Fault, fromFault, isShed, isUnimplemented } from '../calls/callErrors.js';
import type { CallOptions } from '../calls/messages.js';
import { CLIENT_DEFAULTS } from '../defaults.js';
import type { PresenceServiceClient } from '../generated/imstate/v1/PresenceService.js';
import type { UserStatusClient } from '../generated/pb/UserStatus.js';
import { isSecure } from '../internals/secureConnector.js';
import { backoffMs } from '../shared/backoff.js';
import { ImstateError } from '../shared/errors.js';
import { type Attempt, hedge } from '../shared/hedge.js';
import { onAbort } from '../shared/onAbort.js';
import { loadCodec } from '../wire/codec.js';
import { DIRECT } from '../wire/direct.js';
import { loadProtos } from '../wire/protos.js';
import { type Discovery, EndpointView } from './discovery.js';
import { NAMES_OPTION, registerSchemes, WATCH_OPTION } from './resolver.js';

/** Deadlines of a client. */
export interface ClientOptions {
  /** How long a call may take, including the connection. Milliseconds, 1 to 86,400,000; 5,000 by default. */
  timeoutMs?: number | undefined;
  /** How long connecting may take. Milliseconds, 1 to 86,400,000; 2,000 by default. */
  connectTimeoutMs?: number | undefined;
}

/** How a client gets in. */
export interface Access {
  /** Of the connections. */
  credentials: ChannelCredentials;
  /** Of the calls, if they carry a token. */
  interceptor: Interceptor | undefined;
  /** Whether calls may go to this host, with the token they carry. */
  mayDial(host: string): boolean;
}

/** How often a call is made again whose daemon died in the middle of the answer. */
const MAX_REPEATS = 3;
/** How often a call is made again that a daemon did not take up, for it had too much to do. */
const MAX_SHEDS = 4;
const SHED_BACKOFF_MS = { first: 100, max: 1_000 };
/** How long the daemon of a read may be silent until the next one is asked beside it, and how many are asked in all. */
const MAX_SILENCE_MS = 1_000;
const MAX_ATTEMPTS = 3;
/** A day: gRPC takes no deadline that is much longer. */
const MAX_TIMEOUT_MS = 86_400_000;

/** Starts one call of a generated client. */
type StartCall<Response> = (options: GrpcCallOptions, callback: requestCallback<Response>) => ClientUnaryCall;

/** All attempts of a call share its deadline. */
interface AttemptOptions extends CallOptions {
  timeoutMs: number;
  deadline: number;
  mayRepeat: boolean;
}

/** Methods whose messages are many: they are read and written without the conversions of proto-loader. */
const FAST = ['BatchGetUsers'];

/** Reads may be repeated on another daemon; changes are repeated by gRPC only where no daemon saw them. */
const SERVICE_CONFIG = JSON.stringify({
  loadBalancingConfig: [{ round_robin: {} }],
  methodConfig: [
    {
      name: [
        ...['BatchGetUsers', 'ListHistory', 'ListSessions', 'ListServers', 'GetStats'].map((method) => ({
          service: 'imstate.v1.PresenceService',
          method,
        })),
        { service: 'pb.UserStatus', method: 'QueryUserStatus' },
      ],
      retryPolicy: {
        maxAttempts: 5,
        initialBackoff: '0.05s',
        maxBackoff: '1s',
        backoffMultiplier: 2,
        retryableStatusCodes: ['UNAVAILABLE'],
      },
    },
  ],
});

/** One gRPC channel that follows a discovery and balances round robin, with deadlines and errors of imstate. */
export class Channel {
  /** Both services, on this channel. */
  readonly presenceService: PresenceServiceClient;
  readonly userStatus: UserStatusClient;
  /** Deadlines of a call and of connecting, in milliseconds. */
  readonly timeouts: { readonly timeoutMs: number; readonly connectTimeoutMs: number };
  readonly #grpc: ChannelInterface;
  readonly #view: EndpointView;
  readonly #isTls: boolean;
  readonly #onClosing = new Set<() => void>();
  #isClosed = false;

  constructor(discovery: Discovery, options: ClientOptions, { credentials, ...access }: Access) {
    registerSchemes();
    this.#isTls = isSecure(credentials);
    this.timeouts = {
      timeoutMs: checkTimeout(options.timeoutMs ?? CLIENT_DEFAULTS.timeoutMs),
      connectTimeoutMs: checkTimeout(options.connectTimeoutMs ?? CLIENT_DEFAULTS.connectTimeoutMs),
    };
    const probe = { timeoutMs: this.timeouts.connectTimeoutMs, credentials };
    this.#view = new EndpointView(discovery, access.mayDial, async (addr, signal) => {
      // Few processes need it, and it takes time to load.
      const { probeEndpoint } = await import('./probe.js');
      return probeEndpoint(addr, { ...probe, signal });
    });
    const { imstate, pb } = loadProtos().types;
    const interceptors = access.interceptor ? [access.interceptor] : [];
    const target = `${discovery.scheme}:///${discovery.service ?? 'endpoints'}`;
    const { service } = imstate.v1.PresenceService;
    const PresenceService = makeClientConstructor(loadCodec().call(service, FAST), 'PresenceService');
    this.presenceService = new PresenceService(target, credentials, {
      ...DIRECT,
      [WATCH_OPTION]: this.#view.watch.bind(this.#view),
      [NAMES_OPTION]: new Map(),
      'grpc.service_config': SERVICE_CONFIG,
      // An answer for many users together may be longer than any of theirs.
      'grpc.max_receive_message_length': -1,
      'grpc.keepalive_time_ms': 10_000,
      'grpc.keepalive_timeout_ms': 5_000,
      'grpc.initial_reconnect_backoff_ms': 100,
      'grpc.max_reconnect_backoff_ms': 2_000,
      interceptors,
    }) as unknown as PresenceServiceClient;
    this.#grpc = this.presenceService.getChannel();
    this.userStatus = new pb.UserStatus(target, credentials, { channelOverride: this.#grpc, interceptors });
  }

  /**
   * Makes one call; rejects with an ImstateError, or with the reason of the signal that cancelled it. One that
   * `mayRepeat` is made again when its daemon died in the middle of the answer: gRPC itself tries again only where
   * nothing of an answer had come. It is also made elsewhere, beside the first, when its daemon is silent. Any is made again, after a while, when its daemon had too much to do to take it up.
   */
  call<Response>(
    start: StartCall<Response>,
    { timeoutMs = this.timeouts.timeoutMs, signal }: CallOptions = {},
    mayRepeat = false,
  ): Promise<Response> {
    const options: AttemptOptions = { timeoutMs, signal, deadline: Date.now() + timeoutMs, mayRepeat };
    if (!mayRepeat || !this.#view.hasSeveral) return this.#attempt(start, options);
    const attempts = Array<Attempt<Response>>(MAX_ATTEMPTS).fill((lost) =>
      this.#attempt(cancelledBy(lost, start), options),
    );
    // What an attempt fails with ends the call: it has been repeated already where that could help.
    return hedge(attempts, { delayMs: MAX_SILENCE_MS, isFinal: () => true });
  }

  /** One attempt, which stays with a daemon for as long as that has the connection. */
  #attempt<Response>(
    start: StartCall<Response>,
    { timeoutMs, signal, deadline, mayRepeat }: AttemptOptions,
  ): Promise<Response> {
    return new Promise((resolve, reject) => {
      this.checkCall(timeoutMs, signal);
      let sheds = 0;
      let waiting: NodeJS.Timeout | undefined;
      /** Whether there is time for another try of a call that was not taken up. */
      const isPutOff = (triesLeft: number): boolean => {
        sheds += 1;
        const waitMs = backoffMs(sheds, SHED_BACKOFF_MS.first, SHED_BACKOFF_MS.max);
        if (sheds > MAX_SHEDS || Date.now() + waitMs >= deadline || this.#isClosed) return false;
        waiting = setTimeout(() => {
          call = attempt(triesLeft);
        }, waitMs);
        return true;
      };
      const attempt = (triesLeft: number): ClientUnaryCall => {
        let hasBegun = false;
        const made = start({ deadline }, (error, response) => {
          if (error !== null && isShed(error) && isPutOff(triesLeft)) return;
          if (error?.code === status.UNAVAILABLE && hasBegun && triesLeft > 0) {
            call = attempt(triesLeft - 1);
            return;
          }
          endGuard();
          removeAbort();
          if (error === null) resolve(response as Response);
          else reject(this.explain(error, timeoutMs));
        });
        made.once('metadata', () => {
          hasBegun = true;
        });
        return made;
      };
      let call = attempt(mayRepeat ? MAX_REPEATS : 0);
      const giveUp = (reason: unknown) => {
        removeAbort();
        reject(reason);
        clearTimeout(waiting);
        call.cancel();
      };
      const removeAbort = onAbort(signal, () => giveUp(signal?.reason));
      const endGuard = this.guardConnecting(giveUp, timeoutMs);
    });
  }

  /**
   * Makes a call of PresenceService as {@link call} does, and again elsewhere if a legacy server answered it while
   * another endpoint serves PresenceService.
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

  /** Which endpoints calls do not go to, as long as another one serves PresenceService. */
  get legacyServers(): EndpointView['legacyServers'] {
    return this.#view.legacyServers;
  }

  /** Throws if a call is not to be made: the signal has cancelled it, or there is nobody to call. */
  checkCall(timeoutMs: number, signal: AbortSignal | undefined): void {
    signal?.throwIfAborted();
    if (this.#isClosed) throw clientIsClosed();
    if (this.#view.missing !== undefined) throw this.#view.missing;
    checkTimeout(timeoutMs);
  }

  /**
   * Opens a stream without a deadline: who opens it must watch it, and cancel it in the end, also when told that the
   * client is closing. Throws if that is closed; what the stream fails with is for {@link explain}.
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

  /** Tells the listener when the client is closing; returns what ends that. */
  onClosing(listener: () => void): () => void {
    this.#onClosing.add(listener);
    return () => this.#onClosing.delete(listener);
  }

  /** The error of imstate for what gRPC said of a call or a stream, or a daemon of an operation. */
  explain(error: Fault, timeoutMs: number): ImstateError {
    // That nobody is there goes before gRPC's own words; what a daemon answered goes before everything.
    const nobody = error.code === status.UNAVAILABLE ? this.#view.missing : undefined;
    return nobody ?? fromFault(error, { addresses: this.#view.addresses, isTls: this.#isTls, timeoutMs });
  }

  /** The addresses that calls go to, for messages. */
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

  /** The error of a stream on which nothing came for so long. */
  silence(limitMs: number): ImstateError {
    if (!this.isConnected()) return this.#view.missing ?? this.#view.noConnection(limitMs);
    return new ImstateError(
      'DEADLINE_EXCEEDED',
      `no answer within ${limitMs} ms from ${this.#view.addresses}`,
    );
  }

  /** Calls and streams under way fail. */
  close(): void {
    this.#isClosed = true;
    for (const tell of this.#onClosing) tell();
    this.#grpc.close();
  }

  /** Gives a call or stream up early that waits for a connection which does not come. Returns what ends the guard. */
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

/** Ends the calls of an attempt that another one has overtaken: its daemon need not answer any more. */
function cancelledBy<Response>(lost: AbortSignal, start: StartCall<Response>): StartCall<Response> {
  return (options, callback) => {
    const cancel = () => call.cancel();
    const call = start(options, (...answer) => {
      lost.removeEventListener('abort', cancel);
      callback(...answer);
    });
    if (lost.aborted) cancel();
    else lost.addEventListener('abort', cancel, { once: true });
    return call;
  };
}

function clientIsClosed(): ImstateError {
  return new ImstateError('UNAVAILABLE', 'the client is closed: make another');
}

function checkTimeout(timeoutMs: number): number {
  if (timeoutMs > 0 && timeoutMs <= MAX_TIMEOUT_MS) return timeoutMs;
  const rule = `timeoutMs must be from 1 to ${MAX_TIMEOUT_MS}`;
  throw new ImstateError('INVALID_ARGUMENT', rule, { field: 'timeoutMs' });
}
