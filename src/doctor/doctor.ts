import type { ConnectOptions } from 'imstate-client/internal/connect';
import type { TlsFiles } from 'imstate-client/internal/tls/names';
import type { AuthOptions } from '../daemon/auth/authenticator.js';
import { authChecks } from './auth.js';
import { type Check, notApplicable, type Report, runChecks } from './check.js';
import { configurationChecks } from './configuration.js';
import { daemonChecks } from './daemons.js';
import { DATA_CHECKS, dataChecks, directoryChecks, FOLDER_CHECKS } from './dataDirectory.js';
import { ETCD_CHECKS, etcdChecks } from './etcd.js';
import { REDIS_CHECKS, redisChecks } from './redis.js';

/** What to look at: what `imstate serve` takes, and what its clients take. */
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

/**
 * Looks at everything that imstate needs, all at once, and tells what it finds in a fixed order. It changes nothing, and
 * tells no secret. What it opens is closed when it is over.
 */
export async function* doctor(options: DoctorOptions): AsyncGenerator<Report, void> {
  const closing: (() => unknown)[] = [];
  let isOver = false;
  // What a check opens after its time is closed at once.
  const onClose: OnClose = (close) => void (isOver ? close() : closing.push(close));
  try {
    yield* runChecks(checksOf(options, onClose), options.timeoutMs);
  } finally {
    isOver = true;
    for (const close of closing) await close();
  }
}

/** Takes note of what is to be closed. */
export type OnClose = (close: () => unknown) => void;

function checksOf(options: DoctorOptions, onClose: OnClose): Check[] {
  const { redis, etcd, endpoints, timeoutMs } = options;
  const isClient = endpoints !== undefined;
  const usesDirectory = !isClient && etcd === undefined;
  const usesData = usesDirectory && redis === undefined;
  const elsewhere = isClient ? 'daemons are named by --endpoint' : 'nothing is kept in the data folder';
  return [
    ...configurationChecks(options),
    ...authChecks(options.auth),
    ...(redis === undefined
      ? notApplicable(REDIS_CHECKS, 'there is no --redis')
      : redisChecks({ ...options, redis }, onClose)),
    ...(etcd === undefined
      ? notApplicable(ETCD_CHECKS, 'there is no --etcd')
      : etcdChecks({ ...options, etcd }, onClose)),
    ...(usesDirectory ? directoryChecks(options) : notApplicable(FOLDER_CHECKS, elsewhere)),
    ...(usesData
      ? dataChecks(options)
      : notApplicable(DATA_CHECKS, usesDirectory ? 'sessions are kept in Redis' : elsewhere)),
    ...daemonChecks(options, timeoutMs, onClose),
  ];
}
