import type { Interfaces } from '@oclif/core';
import type { DaemonOptions } from '../../daemon/daemonOptions.js';
import { addressFlags } from './addressFlags.js';
import { authFlags, authOptions } from './authFlags.js';
import { serveConfigFlags } from './configFlags.js';
import { httpFlags, httpOptions } from './httpFlags.js';
import { loadFlags, MIB } from './loadFlags.js';
import { logFlags } from './logFlags.js';
import { redisFlags } from './redisFlags.js';
import { redisUrl } from './redisUrl.js';
import { etcdCredentials, registrationFlags, registryFlags } from './registryFlags.js';
import { storeFlags } from './storeFlags.js';
import { daemonTls, daemonTlsFlags, etcdTls, etcdTlsFlags, redisTls, redisTlsFlags } from './tlsFlags.js';

/** Flags of `serve`, in the order of its help. */
export const serveFlags = {
  ...addressFlags,
  ...redisFlags,
  ...storeFlags,
  ...registryFlags,
  ...registrationFlags,
  ...httpFlags,
  ...daemonTlsFlags,
  ...redisTlsFlags,
  ...etcdTlsFlags,
  ...authFlags,
  ...loadFlags,
  ...logFlags,
  ...serveConfigFlags,
};

/** The options of a daemon that flags set. */
export type FlagOptions = Omit<DaemonOptions, 'log' | 'droppedLogLines' | 'signal'>;

/** The flags of `serve`, parsed. */
type ServeFlags = Interfaces.InferredFlags<typeof serveFlags>;

/**
 * The options that the flags set, with `dataDir` as the default of --data-dir. Reads the files of secrets,
 * and waits if they are pipes. Throws WRONG_USAGE for flags that contradict each other, and CONFIG_UNUSABLE.
 */
export function daemonOptions(flags: ServeFlags, dataDir: string): FlagOptions {
  return {
    addr: flags.addr,
    port: flags.port,
    advertise: flags.advertise,
    startTimeoutMs: flags['start-timeout'],
    drainDelayMs: flags['drain-delay'],
    ...storeOptions(flags),
    ...registryOptions(flags),
    ...loadOptions(flags),
    dataDir: flags['data-dir'] ?? dataDir,
    tls: daemonTls(flags),
    redisTls: redisTls(flags),
    etcdTls: etcdTls(flags),
    auth: authOptions(flags),
    http: httpOptions(flags),
    showIds: flags['log-ids'],
    otlpEndpoint: flags['otlp-endpoint'],
  };
}

function storeOptions(flags: ServeFlags) {
  return {
    redis: redisUrl(flags),
    waitReplicas: flags['redis-wait-replicas'],
    keyPrefix: flags['key-prefix'],
    shards: flags.shards,
    retentionMs: flags.retention,
    historyLimit: flags['history-limit'],
    historyRetentionMs: flags['history-retention'],
    historyIp: flags['history-ip'],
    changeLimit: flags['change-limit'],
    auditLimit: flags['audit-limit'],
    maxDevices: flags['max-devices'],
    readyShards: flags['ready-shards'],
  };
}

function registryOptions(flags: ServeFlags) {
  return {
    etcd: flags.etcd,
    ...etcdCredentials(flags),
    service: flags.service,
    leaseTtlMs: flags['lease-ttl'],
    allowOtherStore: flags['allow-other-store'],
  };
}

function loadOptions(flags: ServeFlags) {
  return {
    maxConnections: flags['max-connections'],
    maxConnectionAgeMs: flags['max-connection-age'],
    maxCallsInFlight: flags['max-calls-in-flight'],
    maxWatches: flags['max-watches'],
    maxWatchBacklogBytes: flags['max-watch-backlog'] * MIB,
  };
}
