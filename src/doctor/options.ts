import type { ConnectOptions } from 'imstate-client/internal/connect';
import type { TlsFiles } from 'imstate-client/internal/tls/names';
import type { AuthOptions } from '../daemon/auth/authenticator.js';

/** The options of `imstate serve` and of its clients, which the doctor checks. */
export interface DoctorOptions extends ConnectOptions {
  /** URL of Redis; undefined for the embedded store. */
  redis: string | undefined;
  redisTls: TlsFiles | undefined;
  /** Prefix of every key in Redis. */
  keyPrefix: string;
  /** The required number of shards; undefined for the existing one. */
  shards: number | undefined;
  /** How many replicas must acknowledge a change. */
  waitReplicas: number;
  /** File of the CAs that sign the clients of a daemon. */
  clientCa: string | undefined;
  /** The certificate of a daemon. `tls` has the one with which daemons are called. */
  daemonTls: Pick<TlsFiles, 'cert' | 'key'> | undefined;
  /** How callers of a daemon authenticate. */
  auth: AuthOptions | undefined;
  service: string;
  dataDir: string;
  /** Timeout of each check, and of each source that checks share. Milliseconds. */
  timeoutMs: number;
  /** Version of this imstate. */
  version: string;
}
