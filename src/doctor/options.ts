import type { ConnectOptions } from 'imstate-client/internal/connect';
import type { TlsFiles } from 'imstate-client/internal/tls/names';
import type { AuthOptions } from '../daemon/auth/authenticator.js';

/** What the doctor checks: the options of `imstate serve` and those of its clients. */
export interface DoctorOptions extends ConnectOptions {
  /** URL of Redis; undefined for the embedded store. */
  redis: string | undefined;
  redisTls: TlsFiles | undefined;
  /** Put in front of every key in Redis. */
  keyPrefix: string;
  /** How many shards there must be; undefined takes what is there. */
  shards: number | undefined;
  /** How many replicas must have a change. */
  waitReplicas: number;
  /** File of the authorities of a daemon's clients. */
  clientCa: string | undefined;
  /** A daemon's own certificate. No daemon is called with it: `tls` has the one for that. */
  daemonTls: Pick<TlsFiles, 'cert' | 'key'> | undefined;
  /** How a daemon's callers prove who they are. */
  auth: AuthOptions | undefined;
  service: string;
  dataDir: string;
  /** Bound of each check, and of each connection that checks share. */
  timeoutMs: number;
  /** Version of this imstate. */
  version: string;
}
