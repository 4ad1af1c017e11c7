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
import { DIRECT } from './direct.js';
import { HEALTH_HEADERS } from './healthHeaders.js';

/** UNKNOWN: a gRPC server without imstate.v1.PresenceService, such as a legacy server of pb.UserStatus. */
export type ServingStatus = 'SERVING' | 'NOT_SERVING' | 'UNKNOWN';

/** The answer to one health check. */
export interface HealthAnswer {
  health: ServingStatus;
  /** Version of the daemon; undefined if the server sends none. */
  version: string | undefined;
  /** Its limit of devices of a user; undefined like the version. */
  maxDevices: number | undefined;
}

/** Limits of one health check. */
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

/** A daemon registers this name with its health service; no other server does. */
const SERVICE = 'imstate.v1.PresenceService';
/** A server without the health service answers the first, one whose health service lacks the name the second. */
const NO_PRESENCE_SERVICE = [status.UNIMPLEMENTED, status.NOT_FOUND];

/** Asks one server whether it serves PresenceService. A health check needs no token. */
export class HealthClient {
  readonly #client: GrpcHealthClient;

  /** Connects at the first check. `host` is the name that the certificate of the server must have. */
  constructor(addr: string, host: string, credentials: ChannelCredentials) {
    const options = { ...DIRECT, 'grpc.ssl_target_name_override': host };
    this.#client = new (healthConstructor())(addr, credentials, options) as unknown as GrpcHealthClient;
  }

  /** Rejects with the ServiceError of a server that does not answer. */
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

/** UNKNOWN also for a status that only a later version of the health service has. */
function readHealth(status: string | number): ServingStatus {
  return status === 'SERVING' || status === 'NOT_SERVING' ? status : 'UNKNOWN';
}

function readHeaders(headers: Metadata): Pick<HealthAnswer, 'version' | 'maxDevices'> {
  const [version, maxDevices] = [HEALTH_HEADERS.version, HEALTH_HEADERS.maxDevices].map((name) =>
    headers.get(name)[0]?.toString(),
  );
  return { version, maxDevices: Number(maxDevices) || undefined };
}

function healthConstructor(): ServiceClientConstructor {
  const types = loadPackageDefinition(loadSync(protoPath, { enums: String, defaults: true }));
  return (types as unknown as { grpc: { health: { v1: { Health: ServiceClientConstructor } } } }).grpc.health
    .v1.Health;
}
