import { authChecks } from './auth.js';
import { type Check, notApplicable, type OnClose, type Report, runChecks } from './check.js';
import { configurationChecks } from './configuration.js';
import { daemonChecks } from './daemons.js';
import { DATA_CHECKS, dataChecks, directoryChecks, FOLDER_CHECKS } from './dataDirectory.js';
import { ETCD_CHECKS, etcdChecks } from './etcd.js';
import type { DoctorOptions } from './options.js';
import { REDIS_CHECKS, redisChecks } from './redis.js';

/**
 * Checks everything that imstate needs, all at once, and yields the reports in a fixed order. It changes
 * nothing, reports no secret, and closes all connections at the end.
 */
export async function* doctor(options: DoctorOptions): AsyncGenerator<Report, void> {
  const closing: (() => unknown)[] = [];
  let isOver = false;
  // What a check opens after its timeout is closed at once.
  const onClose: OnClose = (close) => void (isOver ? close() : closing.push(close));
  try {
    yield* runChecks(checksOf(options, onClose), options.timeoutMs);
  } finally {
    isOver = true;
    for (const close of closing) await close();
  }
}

function checksOf(options: DoctorOptions, onClose: OnClose): Check[] {
  const { redis, etcd, endpoints, timeoutMs } = options;
  const isClient = endpoints !== undefined;
  const usesDirectory = !isClient && etcd === undefined;
  const usesData = usesDirectory && redis === undefined;
  const elsewhere = isClient ? 'daemons are named by --endpoint' : 'nothing is kept in the data directory';
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
