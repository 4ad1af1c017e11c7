import {
  type ChannelCredentials,
  type ChannelOptions,
  type Interceptor,
  makeClientConstructor,
} from '@grpc/grpc-js';
import type { PresenceServiceClient } from '../generated/imstate/v1/PresenceService.js';
import type { UserStatusClient } from '../generated/pb/UserStatus.js';
import { loadCodec } from '../wire/codec.js';
import { NO_HTTP_PROXY } from '../wire/noHttpProxy.js';
import { loadProtos } from '../wire/protos.js';

/** Where calls go, and how. */
interface StubOptions {
  /** Target of the gRPC channel. */
  target: string;
  credentials: ChannelCredentials;
  interceptors: Interceptor[];
  /** Channel options of the resolver. */
  resolver: ChannelOptions;
}

/** The generated clients of both services, on one gRPC channel. */
export interface Stubs {
  readonly presenceService: PresenceServiceClient;
  readonly userStatus: UserStatusClient;
}

/**
 * Methods with large messages, which the codec encodes and decodes without the conversions of proto-loader.
 */
const LARGE_METHODS = ['BatchGetUsers', 'Route'];

const READS = [
  'BatchGetUsers',
  'Route',
  'ListHistory',
  'ListSessions',
  'ListServers',
  'GetStats',
  'ListAudit',
  'ExportUser',
  'GetFeatureLevel',
  'ListPolicies',
  'GetPolicy',
];

/** gRPC itself retries reads. It repeats changes only if no daemon saw them. */
const SERVICE_CONFIG = JSON.stringify({
  loadBalancingConfig: [{ round_robin: {} }],
  methodConfig: [
    {
      name: [
        ...READS.map((method) => ({ service: 'imstate.v1.PresenceService', method })),
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

const CHANNEL_OPTIONS: ChannelOptions = {
  ...NO_HTTP_PROXY,
  'grpc.service_config': SERVICE_CONFIG,
  // A response for many users may be larger than the response for any one of them.
  'grpc.max_receive_message_length': -1,
  'grpc.keepalive_time_ms': 10_000,
  'grpc.keepalive_timeout_ms': 5_000,
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 2_000,
};

/** Opens a gRPC channel, which connects at the first call. */
export function makeStubs({ target, credentials, interceptors, resolver }: StubOptions): Stubs {
  const { imstate, pb } = loadProtos().types;
  const service = loadCodec().call(imstate.v1.PresenceService.service, LARGE_METHODS);
  const PresenceService = makeClientConstructor(service, 'PresenceService');
  const options = { ...CHANNEL_OPTIONS, ...resolver, interceptors };
  const presenceService = new PresenceService(
    target,
    credentials,
    options,
  ) as unknown as PresenceServiceClient;
  const channelOverride = presenceService.getChannel();
  const userStatus = new pb.UserStatus(target, credentials, { channelOverride, interceptors });
  return { presenceService, userStatus };
}
