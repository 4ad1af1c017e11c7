import {
  type ClientUnaryCall,
  connectivityState,
  credentials,
  type CallOptions as GrpcCallOptions,
  type requestCallback,
  type ServiceError,
} from '@grpc/grpc-js';
import { ImstateError } from '../errors.js';
import type { Device__Output } from '../generated/imstate/v1/Device.js';
import type { EndReason } from '../generated/imstate/v1/EndReason.js';
import type { GetUserResponse__Output } from '../generated/imstate/v1/GetUserResponse.js';
import type { OfflineResponse__Output } from '../generated/imstate/v1/OfflineResponse.js';
import type { OnlineResponse__Output } from '../generated/imstate/v1/OnlineResponse.js';
import type { PresenceServiceClient } from '../generated/imstate/v1/PresenceService.js';
import { loadProtos } from '../wire/protos.js';
import { fromTimestamp } from '../wire/timestamp.js';
import { CLIENT_DEFAULTS } from './defaults.js';
import { type Discovery, EndpointView } from './discovery.js';
import { fromServiceError } from './errors.js';
import { registerSchemes, WATCH_OPTION } from './resolver.js';

/** Deadlines of a client, in milliseconds. */
export interface ClientOptions {
  /** How long a call may take, connecting included. */
  timeoutMs?: number;
  /** How long connecting may take; gRPC itself has no such limit. */
  connectTimeoutMs?: number;
}

/** What one call may be given. */
export interface CallOptions {
  /** Overrides the client's timeout. Milliseconds. */
  timeoutMs?: number;
  /** Cancels the call, which then rejects with the signal's reason. */
  signal?: AbortSignal;
}

/** A login to report. */
export interface OnlineRequest {
  userId: string;
  deviceId: string;
  /** The chat server that holds the connection, host:port. */
  serverAddr: string;
  /** Repeat a call with the same id and it is harmless; the daemon makes one if it is left out. */
  sessionId?: string;
  /** Such as "ios" or "web". */
  platform?: string;
}

/** Why a session ended. */
export type SessionEndReason = 'LOGOUT' | 'REPLACED';

/** A session that a login ended: its chat server should close the connection. */
export interface EndedSession {
  deviceId: string;
  sessionId: string;
  serverAddr: string;
  reason: SessionEndReason | undefined;
}

/** Answer to a login. */
export interface OnlineResult {
  sessionId: string;
  loginTime: Date | undefined;
  replaced: EndedSession[];
}

/** A logout to report. */
export interface OfflineRequest {
  userId: string;
  deviceId: string;
  /** Ends this session only if it is still the current one; left out, whatever is current. */
  sessionId?: string;
}

/** Whom to ask for. */
export interface GetUserRequest {
  userId: string;
  /** Only this device. */
  deviceId?: string;
}

/** A device's current session, or its last one while that is retained. */
export interface DeviceState {
  deviceId: string;
  online: boolean;
  sessionId: string;
  /** host:port. */
  serverAddr: string;
  /** Empty if the login named none. */
  platform: string;
  loginTime: Date | undefined;
  lastSeen: Date | undefined;
  /** Undefined while online. */
  logoutTime: Date | undefined;
  /** Undefined while online. */
  reason: SessionEndReason | undefined;
}

/** A user and the devices that are known of it, newest login first. */
export interface UserState {
  userId: string;
  online: boolean;
  devices: DeviceState[];
}

/** Starts one call of the generated client. */
type StartCall<Response> = (options: GrpcCallOptions, callback: requestCallback<Response>) => ClientUnaryCall;

/** Reads may be repeated on another daemon; changes are repeated by gRPC only where no daemon saw them. */
const SERVICE_CONFIG = JSON.stringify({
  loadBalancingConfig: [{ round_robin: {} }],
  methodConfig: [
    {
      name: [{ service: 'imstate.v1.PresenceService', method: 'GetUser' }],
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

/**
 * A client of imstate's daemons: one channel that follows the registry and balances round robin. Every method
 * rejects with an ImstateError: INVALID_ARGUMENT, NO_ENDPOINT, UNAVAILABLE, DEADLINE_EXCEEDED and so on.
 */
export class Client {
  readonly #grpc: PresenceServiceClient;
  readonly #view: EndpointView;
  readonly #discovery: Discovery;
  readonly #timeouts: Required<ClientOptions>;

  /** Takes the discovery over: close() closes it. See connect(). */
  constructor(discovery: Discovery, options: ClientOptions = {}) {
    registerSchemes();
    this.#discovery = discovery;
    this.#view = new EndpointView(discovery);
    this.#timeouts = { ...CLIENT_DEFAULTS, ...options };
    const { PresenceService } = loadProtos().types.imstate.v1;
    this.#grpc = new PresenceService(
      `${discovery.scheme}:///${discovery.service}`,
      credentials.createInsecure(),
      {
        [WATCH_OPTION]: this.#view.watch.bind(this.#view),
        'grpc.service_config': SERVICE_CONFIG,
        'grpc.keepalive_time_ms': 10_000,
        'grpc.keepalive_timeout_ms': 5_000,
        'grpc.initial_reconnect_backoff_ms': 100,
        'grpc.max_reconnect_backoff_ms': 2_000,
      },
    );
  }

  /** Reports a login. */
  async online(request: OnlineRequest, options?: CallOptions): Promise<OnlineResult> {
    const answer = await this.#call<OnlineResponse__Output>(
      (grpcOptions, done) => this.#grpc.Online(request, grpcOptions, done),
      options,
    );
    return {
      sessionId: answer.sessionId,
      loginTime: fromTimestamp(answer.loginTime),
      replaced: answer.replaced.map(({ deviceId, sessionId, serverAddr, endReason }) => ({
        ...{ deviceId, sessionId, serverAddr },
        reason: toReason(endReason),
      })),
    };
  }

  /** Reports a logout; resolves with true if it ended a session. */
  async offline(request: OfflineRequest, options?: CallOptions): Promise<boolean> {
    const answer = await this.#call<OfflineResponse__Output>(
      (grpcOptions, done) => this.#grpc.Offline(request, grpcOptions, done),
      options,
    );
    return answer.applied;
  }

  /** Asks for a user, or for one device of it. */
  async getUser(request: GetUserRequest, options?: CallOptions): Promise<UserState> {
    const { userId, online, devices } = await this.#call<GetUserResponse__Output>(
      (grpcOptions, done) => this.#grpc.GetUser(request, grpcOptions, done),
      options,
    );
    return { userId, online, devices: devices.map(toDeviceState) };
  }

  /** Closes the channel and the discovery; calls under way fail. */
  async close(): Promise<void> {
    this.#grpc.close();
    await this.#discovery.close();
  }

  #call<Response>(
    start: StartCall<Response>,
    { timeoutMs = this.#timeouts.timeoutMs, signal }: CallOptions = {},
  ): Promise<Response> {
    signal?.throwIfAborted();
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

  /** Ends a call early that waits for a connection which does not come. */
  #guardConnecting(timeoutMs: number, fail: (error: ImstateError) => void): NodeJS.Timeout | undefined {
    const { connectTimeoutMs } = this.#timeouts;
    const channel = this.#grpc.getChannel();
    const connected = () => channel.getConnectivityState(false) === connectivityState.READY;
    if (connected() || connectTimeoutMs >= timeoutMs) return undefined;
    return setTimeout(() => {
      if (connected()) return;
      const message = `no connection within ${connectTimeoutMs} ms to ${this.#view.addresses}: is a daemon running there?`;
      fail(this.#view.missing() ?? new ImstateError('UNAVAILABLE', message));
    }, connectTimeoutMs);
  }
}

function toDeviceState(device: Device__Output): DeviceState {
  return {
    deviceId: device.deviceId,
    online: device.online,
    sessionId: device.sessionId,
    serverAddr: device.serverAddr,
    platform: device.platform,
    loginTime: fromTimestamp(device.loginTime),
    lastSeen: fromTimestamp(device.lastSeenTime),
    logoutTime: fromTimestamp(device.logoutTime),
    reason: toReason(device.endReason),
  };
}

/** A reason that a newer daemon may send reads as it is; none reads as undefined. */
function toReason(reason: keyof typeof EndReason): SessionEndReason | undefined {
  if (reason === 'END_REASON_UNSPECIFIED') return undefined;
  return reason.replace(/^END_REASON_/, '') as SessionEndReason;
}
