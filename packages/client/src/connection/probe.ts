import { performance } from 'node:perf_hooks';
import { type ChannelCredentials, credentials as grpcCredentials, type ServiceError } from '@grpc/grpc-js';
import { fromFault } from '../calls/callErrors.js';
import { isSecure } from '../internals/secureConnector.js';
import { parseHostPort } from '../shared/address.js';
import type { ImstateError } from '../shared/errors.js';
import { isDropped } from '../tls/faults.js';
import { HealthClient, type LevelRange, type ServingStatus } from '../wire/health.js';

/** The result of one health check. */
export interface Probe {
  /**
   * UNREACHABLE: no response in time. UNKNOWN: a server without imstate.v1.PresenceService, such as a legacy
   * server.
   */
  health: ServingStatus | 'UNREACHABLE';
  /** Round trip on an open connection, in milliseconds; undefined without a response. */
  latencyMs: number | undefined;
  /** Version of the daemon; undefined without a response, or if the server sends none. */
  version?: string | undefined;
  /** Its maximum devices per user; undefined like the version. */
  maxDevices?: number | undefined;
  /** How long it has run, in milliseconds; undefined like the version. */
  uptimeMs?: number | undefined;
  /** The feature levels that it supports; undefined like the version. */
  featureLevels?: LevelRange | undefined;
  /** Why there was no response, if TLS is or may be the cause. */
  fault?: ImstateError;
}

/** Options of a health check. */
export interface ProbeOptions {
  timeoutMs: number;
  /** By default without TLS. */
  credentials?: ChannelCredentials;
  /** Gives up early. */
  signal?: AbortSignal;
}

const UNREACHABLE = { health: 'UNREACHABLE', latencyMs: undefined } as const;

/** Checks the health of one daemon, directly. Never rejects. */
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
