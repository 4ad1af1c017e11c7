import { performance } from 'node:perf_hooks';
import {
  type ChannelCredentials,
  type Client,
  type ClientUnaryCall,
  credentials as grpcCredentials,
  loadPackageDefinition,
  type Metadata,
  type ServiceClientConstructor,
  type ServiceError,
  status,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { protoPath } from 'grpc-health-check';
import { parseHostPort } from '../address.js';
import type { ImstateError } from '../errors.js';
import { isDropped } from '../tls/faults.js';
import { VERSION_HEADER } from '../versionHeader.js';
import { DIRECT } from '../wire/direct.js';
import { fromFault } from './errors.js';
import { onAbort } from './onAbort.js';

/** What one endpoint answered to a health check. */
export interface Probe {
  /** UNREACHABLE: nobody answered in time. UNKNOWN: a server without a health service, such as the article's. */
  health: 'SERVING' | 'NOT_SERVING' | 'UNKNOWN' | 'UNREACHABLE';
  /** Round trip of one check on a standing connection, in milliseconds; undefined if nobody answered. */
  latencyMs: number | undefined;
  /** Version of the daemon; undefined if nobody answered, or a server that tells none. */
  version?: string | undefined;
  /** Why nobody could be asked, if that is or may be a matter of TLS. */
  fault?: ImstateError;
}

/** How a daemon is asked. */
export interface ProbeOptions {
  timeoutMs: number;
  /** Plain gRPC if they are left out. */
  credentials?: ChannelCredentials;
  /** Gives up early. */
  signal?: AbortSignal;
}

type HealthClient = Client & {
  Check(
    request: { service: string },
    options: { deadline: number },
    callback: (error: ServiceError | null, response?: { status: Probe['health'] }) => void,
  ): ClientUnaryCall;
};

const UNREACHABLE = { health: 'UNREACHABLE', latencyMs: undefined } as const;

/** Asks one daemon for its health, directly. Never rejects. */
export async function probeEndpoint(addr: string, options: ProbeOptions): Promise<Probe> {
  const { timeoutMs, credentials = grpcCredentials.createInsecure(), signal } = options;
  const host = parseHostPort(addr)?.host;
  if (host === undefined) return UNREACHABLE;
  const client = new (healthConstructor())(addr, credentials, {
    ...DIRECT,
    'grpc.ssl_target_name_override': host,
  }) as unknown as HealthClient;
  const deadline = Date.now() + timeoutMs;
  let version: string | undefined;
  const check = () =>
    new Promise<Probe['health']>((resolve, reject) => {
      const call = client.Check({ service: '' }, { deadline }, (error, response) => {
        remove();
        if (response) resolve(response.status);
        else if (error?.code === status.UNIMPLEMENTED) resolve('UNKNOWN');
        else reject(error);
      });
      call.on('metadata', (headers: Metadata) => {
        version = headers.get(VERSION_HEADER)[0]?.toString();
      });
      const remove = onAbort(signal, () => call.cancel());
    });
  try {
    await check();
    const startedAt = performance.now();
    const health = await check();
    return { health, latencyMs: Math.round((performance.now() - startedAt) * 100) / 100, version };
  } catch (error) {
    const fault = fromFault(error as ServiceError, {
      addresses: addr,
      isTls: credentials._isSecure(),
      timeoutMs,
    });
    return { ...UNREACHABLE, ...((fault.code === 'TLS_FAILED' || isDropped(fault.message)) && { fault }) };
  } finally {
    client.close();
  }
}

function healthConstructor(): ServiceClientConstructor {
  const types = loadPackageDefinition(loadSync(protoPath, { enums: String, defaults: true }));
  return (types as unknown as { grpc: { health: { v1: { Health: ServiceClientConstructor } } } }).grpc.health
    .v1.Health;
}
