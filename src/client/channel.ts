import {
  type ChannelInterface,
  type ClientUnaryCall,
  connectivityState,
  credentials,
  type CallOptions as GrpcCallOptions,
  type requestCallback,
  type ServiceError,
} from '@grpc/grpc-js';
import { ImstateError } from '../errors.js';
import type { PresenceServiceClient } from '../generated/imstate/v1/PresenceService.js';
import type { UserStatusClient } from '../generated/pb/UserStatus.js';
import { loadProtos } from '../wire/protos.js';
import { CLIENT_DEFAULTS } from './defaults.js';
import { type Discovery, EndpointView } from './discovery.js';
import { fromServiceError } from './errors.js';
import type { CallOptions } from './messages.js';
import { registerSchemes, WATCH_OPTION } from './resolver.js';

/** Deadlines of a client, in milliseconds. */
export interface ClientOptions {
  /** How long a call may take, connecting included. */
  timeoutMs?: number;
  /** How long connecting may take; gRPC itself has no such limit. */
  connectTimeoutMs?: number;
}

/** Starts one call of a generated client. */
type StartCall<Response> = (options: GrpcCallOptions, callback: requestCallback<Response>) => ClientUnaryCall;

/** Reads may be repeated on another daemon; changes are repeated by gRPC only where no daemon saw them. */
const SERVICE_CONFIG = JSON.stringify({
  loadBalancingConfig: [{ round_robin: {} }],
  methodConfig: [
    {
      name: [
        { service: 'imstate.v1.PresenceService', method: 'GetUser' },
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
  readonly #grpc: ChannelInterface;
  readonly #view: EndpointView;
  readonly #timeouts: Required<ClientOptions>;

  constructor(discovery: Discovery, options: ClientOptions) {
    registerSchemes();
    this.#view = new EndpointView(discovery);
    this.#timeouts = { ...CLIENT_DEFAULTS, ...options };
    const { imstate, pb } = loadProtos().types;
    const target = `${discovery.scheme}:///${discovery.service}`;
    this.presenceService = new imstate.v1.PresenceService(target, credentials.createInsecure(), {
      [WATCH_OPTION]: this.#view.watch.bind(this.#view),
      'grpc.service_config': SERVICE_CONFIG,
      'grpc.keepalive_time_ms': 10_000,
      'grpc.keepalive_timeout_ms': 5_000,
      'grpc.initial_reconnect_backoff_ms': 100,
      'grpc.max_reconnect_backoff_ms': 2_000,
    });
    this.#grpc = this.presenceService.getChannel();
    this.userStatus = new pb.UserStatus(target, credentials.createInsecure(), {
      channelOverride: this.#grpc,
    });
  }

  /** Makes one call; rejects with an ImstateError, or with the reason of the signal that cancelled it. */
  call<Response>(
    start: StartCall<Response>,
    { timeoutMs = this.#timeouts.timeoutMs, signal }: CallOptions = {},
  ): Promise<Response> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    const nobody = this.#view.missing();
    if (nobody?.code === 'NO_ENDPOINT') return Promise.reject(nobody);
    return new Promise((resolve, reject) => {
      const cancel = () => {
        reject(signal?.reason);
        call.cancel();
      };
      const guard = this.#guardConnecting(timeoutMs, (error) => {
        reject(error);
        call.cancel();
      });
      const settle = (error: ServiceError | null, response?: Response) => {
        clearTimeout(guard);
        signal?.removeEventListener('abort', cancel);
        if (error === null) resolve(response as Response);
        else reject(this.#view.missing() ?? fromServiceError(error, this.#view.addresses, timeoutMs));
      };
      const call = start({ deadline: Date.now() + timeoutMs }, settle);
      signal?.addEventListener('abort', cancel, { once: true });
    });
  }

  /** Calls under way fail. */
  close(): void {
    this.#grpc.close();
  }

  /** Ends a call early that waits for a connection which does not come. */
  #guardConnecting(timeoutMs: number, fail: (error: ImstateError) => void): NodeJS.Timeout | undefined {
    const { connectTimeoutMs } = this.#timeouts;
    const isConnected = () => this.#grpc.getConnectivityState(false) === connectivityState.READY;
    if (isConnected() || connectTimeoutMs >= timeoutMs) return undefined;
    return setTimeout(() => {
      if (isConnected()) return;
      const message = `no connection within ${connectTimeoutMs} ms to ${this.#view.addresses}: is a daemon running there?`;
      fail(this.#view.missing() ?? new ImstateError('UNAVAILABLE', message));
    }, connectTimeoutMs);
  }
}
