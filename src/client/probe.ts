import { performance } from 'node:perf_hooks';
import {
  type Client,
  type ClientUnaryCall,
  credentials,
  loadPackageDefinition,
  type ServiceClientConstructor,
  type ServiceError,
  status,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { protoPath } from 'grpc-health-check';
import { isHostPort } from '../address.js';

/** What one endpoint answered to a health check. */
export interface Probe {
  /** UNREACHABLE: nobody answered in time. UNKNOWN: a server without a health service, such as the article's. */
  health: 'SERVING' | 'NOT_SERVING' | 'UNKNOWN' | 'UNREACHABLE';
  /** Round trip of one check on a standing connection, in milliseconds; undefined if nobody answered. */
  latencyMs: number | undefined;
}

type HealthClient = Client & {
  Check(
    request: { service: string },
    options: { deadline: number },
    callback: (error: ServiceError | null, response?: { status: Probe['health'] }) => void,
  ): ClientUnaryCall;
};

/** Asks one daemon for its health, directly. Never rejects; `signal` gives up early. */
export async function probeEndpoint(addr: string, timeoutMs: number, signal?: AbortSignal): Promise<Probe> {
  if (!isHostPort(addr)) return { health: 'UNREACHABLE', latencyMs: undefined };
  const client = new (healthConstructor())(addr, credentials.createInsecure()) as unknown as HealthClient;
  const deadline = Date.now() + timeoutMs;
  const check = () =>
    new Promise<Probe['health']>((resolve, reject) => {
      const call = client.Check({ service: '' }, { deadline }, (error, response) => {
        signal?.removeEventListener('abort', cancel);
        if (response) resolve(response.status);
        else if (error?.code === status.UNIMPLEMENTED) resolve('UNKNOWN');
        else reject(error);
      });
      const cancel = () => call.cancel();
      signal?.addEventListener('abort', cancel, { once: true });
    });
  try {
    await check();
    const startedAt = performance.now();
    const health = await check();
    return { health, latencyMs: Math.round((performance.now() - startedAt) * 100) / 100 };
  } catch {
    return { health: 'UNREACHABLE', latencyMs: undefined };
  } finally {
    client.close();
  }
}

function healthConstructor(): ServiceClientConstructor {
  const types = loadPackageDefinition(loadSync(protoPath, { enums: String, defaults: true }));
  return (types as unknown as { grpc: { health: { v1: { Health: ServiceClientConstructor } } } }).grpc.health
    .v1.Health;
}
