import { performance } from 'node:perf_hooks';
import { type ChannelCredentials, credentials as grpcCredentials, type ServiceError } from '@grpc/grpc-js';
import { fromFault } from '../calls/callErrors.js';
import { isSecure } from '../internals/secureConnector.js';
import { parseHostPort } from '../shared/address.js';
import type { ImstateError } from '../shared/errors.js';
import { isDropped } from '../tls/faults.js';
import { HealthClient, type ServingStatus } from '../wire/health.js';

/** What one endpoint answered to a health check. */
export interface Probe {
  /**
   * UNREACHABLE: nobody answered in time. UNKNOWN: a server without imstate.v1.PresenceService, such as a legacy
   * server of pb.UserStatus.
   */
  health: ServingStatus | 'UNREACHABLE';
  /** Round trip of one check on a standing connection, in milliseconds; undefined if nobody answered. */
  latencyMs: number | undefined;
  /** Version of the daemon; undefined if nobody answered, or a server that tells none. */
  version?: string | undefined;
  /** Its limit of devices of a user; undefined like the version. */
  maxDevices?: number | undefined;
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

const UNREACHABLE = { health: 'UNREACHABLE', latencyMs: undefined } as const;

/** Asks one daemon for its health, directly. Never rejects. */
export async function probeEndpoint(addr: string, options: ProbeOptions): Promise<Probe> {
  const { timeoutMs, credentials = grpcCredentials.createInsecure(), signal } = options;
  const host = parseHostPort(addr)?.host;
  if (host === undefined) return UNREACHABLE;
  const client = new HealthClient(addr, host, credentials);
  const deadline = Date.now() + timeoutMs;
  try {
    await client.check({ deadline, signal });
    const startedAt = performance.now();
    const answer = await client.check({ deadline, signal });
    return { ...answer, latencyMs: Math.round((performance.now() - startedAt) * 100) / 100 };
  } catch (error) {
    const fault = fromFault(error as ServiceError, {
      addresses: addr,
      isTls: isSecure(credentials),
      timeoutMs,
    });
    return { ...UNREACHABLE, ...((fault.code === 'TLS_FAILED' || isDropped(fault.message)) && { fault }) };
  } finally {
    client.close();
  }
}
