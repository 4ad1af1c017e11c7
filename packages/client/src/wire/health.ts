import {
  type ChannelCredentials,
  type Client,
  type ClientUnaryCall,
  loadPackageDefinition,
  Metadata,
  type ServiceClientConstructor,
  type ServiceError,
  status,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { protoPath } from 'grpc-health-check';
import { onAbort } from '../shared/onAbort.js';
import { HEALTH_HEADERS } from './healthHeaders.js';
import { NO_HTTP_PROXY } from './noHttpProxy.js';

/** UNKNOWN: a gRPC server without imstate.v1.PresenceService, such as a legacy server. */
export type ServingStatus = 'SERVING' | 'NOT_SERVING' | 'UNKNOWN';

/** The response to one health check. */
export interface HealthAnswer {
  health: ServingStatus;
  /** Version of the daemon; undefined if the server sends none. */
  version: string | undefined;
  /** Its maximum devices per user; undefined like the version. */
  maxDevices: number | undefined;
  /** How long it has run, in milliseconds; undefined like the version. */
  uptimeMs: number | undefined;
  /** The feature levels that it supports; undefined like the version. */
  featureLevels: LevelRange | undefined;
}

/** Feature levels of a store, both ends included. */
export interface LevelRange {
  min: number;
  max: number;
}

/** Options of one health check. */
interface CheckOptions {
  /** Milliseconds since 1970. */
  deadline: number;
  /** Cancels the check. */
  signal?: AbortSignal | undefined;
}

type GrpcHealthClient = Client & {
  Check(
    request: { service: string },
    options: { deadline: number },
    callback: (error: ServiceError | null, response?: { status: string | number }) => void,
  ): ClientUnaryCall;
};

/** The name in the health service of a daemon. No other server has it. */
const SERVICE = 'imstate.v1.PresenceService';
/** The status of a server without a health service, and of a health service without the name. */
const NO_PRESENCE_SERVICE = [status.UNIMPLEMENTED, status.NOT_FOUND];

/** Checks whether one server serves PresenceService. A health check needs no token. */
export class HealthClient {
  readonly #client: GrpcHealthClient;

  /** Connects at the first check. The certificate of the server must be for `host`. */
  constructor(addr: string, host: string, credentials: ChannelCredentials) {
    const options = { ...NO_HTTP_PROXY, 'grpc.ssl_target_name_override': host };
    this.#client = new (healthConstructor())(addr, credentials, options) as unknown as GrpcHealthClient;
  }

  /** Rejects with a ServiceError if the server does not respond. */
  check({ deadline, signal }: CheckOptions): Promise<HealthAnswer> {
    return new Promise((resolve, reject) => {
      let details = readHeaders(new Metadata());
      const call = this.#client.Check({ service: SERVICE }, { deadline }, (error, response) => {
        removeAbort();
        if (response) resolve({ health: readHealth(response.status), ...details });
        else if (error && NO_PRESENCE_SERVICE.includes(error.code))
          resolve({ health: 'UNKNOWN', ...details });
        else reject(error);
      });
      call.on('metadata', (headers: Metadata) => {
        details = readHeaders(headers);
      });
      const removeAbort = onAbort(signal, () => call.cancel());
    });
  }

  close(): void {
    this.#client.close();
  }
}

/** UNKNOWN also for a status of a later version of the health service. */
function readHealth(status: string | number): ServingStatus {
  return status === 'SERVING' || status === 'NOT_SERVING' ? status : 'UNKNOWN';
}

function readHeaders(headers: Metadata): Omit<HealthAnswer, 'health'> {
  const read = (name: string) => headers.get(name)[0]?.toString();
  return {
    version: read(HEALTH_HEADERS.version),
    maxDevices: Number(read(HEALTH_HEADERS.maxDevices)) || undefined,
    uptimeMs: Number(read(HEALTH_HEADERS.uptime)) || undefined,
    featureLevels: readLevels(read(HEALTH_HEADERS.featureLevels)),
  };
}

function readLevels(range = ''): LevelRange | undefined {
  const [, min, max] = /^(\d+)-(\d+)$/.exec(range) ?? [];
  return min === undefined ? undefined : { min: Number(min), max: Number(max) };
}

function healthConstructor(): ServiceClientConstructor {
  const types = loadPackageDefinition(loadSync(protoPath, { enums: String, defaults: true }));
  return (types as unknown as { grpc: { health: { v1: { Health: ServiceClientConstructor } } } }).grpc.health
    .v1.Health;
}
