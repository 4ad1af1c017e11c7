import { Flags } from '@oclif/core';
import { REGISTRY_DEFAULTS } from 'imstate-client/internal/registry/discovery';
import { BaseCommand } from '../cli/base/BaseCommand.js';
import { boundNameLookups, exitWithin } from '../cli/base/processEnd.js';
import { listenForStop } from '../cli/base/signals.js';
import { findConfigFile, readConfigFile } from '../cli/config/configFile.js';
import { serveConfigFlags } from '../cli/config/flags.js';
import {
  commandLine,
  environment,
  type FlagTable,
  fromFirst,
  type Layer,
  merge,
} from '../cli/config/settings.js';
import { authFlags, authOptions } from '../cli/flags/authFlags.js';
import {
  durationDefault,
  durationFlag,
  etcdCredentials,
  registryFlags,
  textFlag,
} from '../cli/flags/flags.js';
import { httpFlags, httpOptions } from '../cli/flags/httpFlags.js';
import { listenForLogLevel, logFlags } from '../cli/flags/logFlags.js';
import { redisFlags } from '../cli/flags/redisFlags.js';
import { redisUrl } from '../cli/flags/redisUrl.js';
import {
  daemonTls,
  daemonTlsFlags,
  etcdTls,
  etcdTlsFlags,
  redisTls,
  redisTlsFlags,
} from '../cli/flags/tlsFlags.js';
import { NonBlockingOutput } from '../cli/output/nonBlockingOutput.js';
import { printableJson } from '../cli/output/printable.js';
import { absoluteTime } from '../cli/output/times.js';
import type { DaemonOptions } from '../daemon/daemonOptions.js';
import { disablePretenuring } from '../daemon/internals/v8Pretenuring.js';
import type { Daemon } from '../daemon/startDaemon.js';
import { STORE_DEFAULTS } from '../presence/defaults.js';
import { LIMITS } from '../presence/limits.js';
import { shortStoreId } from '../store/identity.js';

const MIB = 1024 * 1024;

/** A daemon that stops drains for 10 s at most; what it does before and after takes less than the rest of this time. */
const STOP_LIMIT_MS = 13_000;
const EXIT_LATE = 1;

export default class Serve extends BaseCommand {
  static override summary = 'Start a daemon: the presence service on one address.';
  static override description =
    'Without --redis and --etcd the daemon keeps its data in a folder of this machine (the embedded store and ' +
    'registry): nothing else is needed. With both it is one of several equal daemons that share a Redis and an etcd. With --redis ' +
    'alone it keeps sessions in Redis and registers on this machine only.\n\n' +
    'It listens, checks the store, and only then registers. Ctrl-C (or SIGTERM, SIGHUP) drains it: it leaves the ' +
    'registry, accepts calls for --drain-delay, finishes the calls in flight (10 s at most), closes all connections and exits with 0, whatever Redis, etcd and its callers do; a second signal ends the wait of --drain-delay, or else stops it at once. ' +
    'SIGHUP and SIGINT have no effect if they are ignored when it is started, as nohup does.\n\n' +
    'What no flag and no environment variable says is read from a config file: the one of --config, else imstate.yaml, imstate.yml or imstate.json of the ' +
    'current folder, which is then named in the first line that is printed. Its keys are these flags, under serve.\n\n' +
    'Secrets are better kept out of the command line, which ps shows, and are refused in a config file: name a file with --redis-url-file or --etcd-password-file, or set ' +
    'IMSTATE_REDIS or IMSTATE_ETCD_PASSWORD.';
  static override examples = [
    { description: 'Start on the embedded store', command: '<%= config.bin %> <%= command.id %>' },
    {
      description: 'One of several daemons on Redis and etcd',
      command:
        '<%= config.bin %> <%= command.id %> --port 8081 --redis redis://127.0.0.1:6379 --etcd 127.0.0.1:2379',
    },
    {
      description: 'Listen on every address, and register the one that others dial',
      command:
        '<%= config.bin %> <%= command.id %> --addr 0.0.0.0 --advertise 10.0.0.5:8080 --redis redis://10.0.0.2 --etcd 10.0.0.3:2379',
    },
  ];
  static override flags = {
    addr: textFlag({
      description: 'address to listen on',
      env: 'IMSTATE_ADDR',
      default: '127.0.0.1',
      helpValue: 'ADDRESS',
    }),
    port: Flags.integer({
      description: 'port to listen on; 0 picks a free one and prints it',
      env: 'IMSTATE_PORT',
      default: 8080,
      min: 0,
      max: 65_535,
      helpValue: 'PORT',
    }),
    advertise: textFlag({
      description: 'address to register, if it is not the one to listen on',
      env: 'IMSTATE_ADVERTISE',
      helpValue: 'HOST:PORT',
    }),
    'start-timeout': durationFlag({
      description: 'how long to wait at start for Redis, etcd and the keys of JWTs',
      env: 'IMSTATE_START_TIMEOUT',
      ...durationDefault(15_000),
      min: 0,
      max: 3_600_000,
      helpValue: 'TIME',
    }),
    'drain-delay': durationFlag({
      description: 'how long to accept calls when stopping, after leaving the registry and before the drain',
      env: 'IMSTATE_DRAIN_DELAY',
      ...durationDefault(0),
      min: 0,
      max: 600_000,
      helpValue: 'TIME',
    }),
    ...redisFlags,
    retention: durationFlag({
      description: 'how long the record of an offline device stays readable',
      env: 'IMSTATE_RETENTION',
      ...durationDefault(STORE_DEFAULTS.retentionMs),
      min: 0,
      max: 30 * 86_400_000,
      helpValue: 'TIME',
      helpGroup: 'STORE',
    }),
    'history-limit': Flags.integer({
      description: 'how many ended sessions of a user the history keeps',
      env: 'IMSTATE_HISTORY_LIMIT',
      default: STORE_DEFAULTS.historyLimit,
      min: 1,
      max: 1_000,
      helpValue: 'N',
      helpGroup: 'STORE',
    }),
    'history-retention': durationFlag({
      description: 'how long the history keeps them',
      env: 'IMSTATE_HISTORY_RETENTION',
      ...durationDefault(STORE_DEFAULTS.historyRetentionMs),
      min: 3_600_000,
      max: 3_650 * 86_400_000,
      helpValue: 'TIME',
      helpGroup: 'STORE',
    }),
    'change-limit': Flags.integer({
      description: 'how many changes are kept, about, for watches that resume',
      env: 'IMSTATE_CHANGE_LIMIT',
      default: STORE_DEFAULTS.changeLimit,
      min: 1_000,
      max: 10_000_000,
      helpValue: 'N',
      helpGroup: 'STORE',
    }),
    'max-devices': Flags.integer({
      description:
        'devices of a user online at the same time; a login beyond it is rejected with RESOURCE_EXHAUSTED',
      env: 'IMSTATE_MAX_DEVICES',
      default: STORE_DEFAULTS.maxDevices,
      min: 1,
      max: 10_000,
      helpValue: 'N',
      helpGroup: 'LIMITS',
    }),
    'ready-shards': Flags.integer({
      description: 'percent of the shards of the store that must answer for the daemon to be ready',
      env: 'IMSTATE_READY_SHARDS',
      default: STORE_DEFAULTS.readyShards,
      min: 1,
      max: 100,
      helpValue: 'PERCENT',
      helpGroup: 'STORE',
    }),
    ...registryFlags,
    'lease-ttl': durationFlag({
      description: 'how long an entry in etcd outlives its daemon: whole seconds, 2s to 1h',
      env: 'IMSTATE_LEASE_TTL',
      ...durationDefault(REGISTRY_DEFAULTS.leaseTtlMs),
      min: 2_000,
      step: 1_000,
      max: 3_600_000,
      helpValue: 'TIME',
      helpGroup: 'REGISTRY',
    }),
    'allow-other-store': Flags.boolean({
      description:
        'register also beside daemons of another store, as for a migration: they answer for different users',
      env: 'IMSTATE_ALLOW_OTHER_STORE',
      helpGroup: 'REGISTRY',
    }),
    'max-connections': Flags.integer({
      description: 'connections at the same time; a further one is closed',
      env: 'IMSTATE_MAX_CONNECTIONS',
      default: LIMITS.connections.max,
      min: 1,
      max: 1_000_000,
      helpValue: 'N',
      helpGroup: 'LIMITS',
    }),
    'max-connection-age': durationFlag({
      description:
        'how long a connection lasts, give or take a tenth, before clients are asked to make another; 0 for ever',
      env: 'IMSTATE_MAX_CONNECTION_AGE',
      ...durationDefault(LIMITS.connectionAge.max),
      min: 0,
      max: 7 * 86_400_000,
      helpValue: 'TIME',
      helpGroup: 'LIMITS',
    }),
    'max-calls-in-flight': Flags.integer({
      description: 'calls in flight; a further one is refused with RESOURCE_EXHAUSTED before it is read',
      env: 'IMSTATE_MAX_CALLS_IN_FLIGHT',
      default: LIMITS.calls.max,
      min: 1,
      max: 1_000_000,
      helpValue: 'N',
      helpGroup: 'LIMITS',
    }),
    'max-watches': Flags.integer({
      description:
        'watches at the same time, a watch of everything counting as 10; a further one is refused with RESOURCE_EXHAUSTED',
      env: 'IMSTATE_MAX_WATCHES',
      default: LIMITS.watches.max,
      min: 0,
      max: 1_000_000,
      helpValue: 'N',
      helpGroup: 'LIMITS',
    }),
    'max-watch-backlog': Flags.integer({
      description:
        'MiB that wait for the callers of all watches; beyond, the watch with the largest backlog is closed',
      env: 'IMSTATE_MAX_WATCH_BACKLOG',
      default: LIMITS.watchBacklog.max / MIB,
      min: 1,
      max: 1_000_000,
      helpValue: 'MIB',
      helpGroup: 'LIMITS',
    }),
    ...httpFlags,
    ...daemonTlsFlags,
    ...redisTlsFlags,
    ...etcdTlsFlags,
    ...authFlags,
    ...logFlags,
    ...serveConfigFlags,
  };

  /** The config file that is used. */
  #config: string | undefined;
  /** Undefined before it is ready. */
  #daemon: Daemon | undefined;

  protected override async settings(argv: readonly string[], flags: FlagTable): Promise<Layer> {
    const given = [commandLine(argv, flags), environment(flags)];
    const named = merge(...given).get('config')?.text;
    this.#config = named || findConfigFile();
    if (this.#config !== undefined) {
      const file = { path: this.#config, isNamed: Boolean(named) };
      given.push(await readConfigFile(file, 'serve', flags));
    }
    return merge(...fromFirst(['redis', 'redis-url-file'], given));
  }

  async run(): Promise<void> {
    const { flags } = await this.parse(Serve);
    boundNameLookups();
    // These may be read from pipes, which waits for whoever writes them: until then signals end the process as they always do.
    const [redis, etcdUser] = [redisUrl(flags), etcdCredentials(flags)];
    const { stop } = listenForStop(() => this.#daemon?.skipDrainDelay() ?? false);
    const stopLimitMs = STOP_LIMIT_MS + flags['drain-delay'];
    stop.addEventListener('abort', () => exitWithin(stopLimitMs, EXIT_LATE), { once: true });
    const { captureOutput, makeLogger } = await import('../cli/output/logger.js');
    const { log, droppedLines } = makeLogger(flags['log-level'], flags['log-format']);
    listenForLogLevel(log);
    log.debug({ settings: this.origins() }, 'where the settings are from');
    const {
      'data-dir': dataDir = this.config.dataDir,
      'lease-ttl': leaseTtlMs,
      retention: retentionMs,
      'redis-wait-replicas': waitReplicas,
      'history-limit': historyLimit,
      'change-limit': changeLimit,
      'history-retention': historyRetentionMs,
      'max-connections': maxConnections,
      'max-calls-in-flight': maxCallsInFlight,
      'max-watches': maxWatches,
      'max-devices': maxDevices,
      'ready-shards': readyShards,
      'max-watch-backlog': maxWatchBacklogMib,
    } = flags;
    const { addr, port, advertise, etcd, service, shards, 'key-prefix': keyPrefix } = flags;
    const options = {
      addr,
      port,
      advertise,
      redis,
      waitReplicas,
      etcd,
      service,
      shards,
      keyPrefix,
      dataDir,
      leaseTtlMs,
      retentionMs,
      historyLimit,
      historyRetentionMs,
      changeLimit,
      maxConnections,
      maxCallsInFlight,
      maxWatches,
      maxDevices,
      readyShards,
      maxWatchBacklogBytes: maxWatchBacklogMib * MIB,
      maxConnectionAgeMs: flags['max-connection-age'],
      startTimeoutMs: flags['start-timeout'],
      drainDelayMs: flags['drain-delay'],
      allowOtherStore: flags['allow-other-store'],
      ...etcdUser,
      tls: daemonTls(flags),
      redisTls: redisTls(flags),
      etcdTls: etcdTls(flags),
      auth: authOptions(flags),
      http: httpOptions(flags),
      log,
      showIds: flags['log-ids'],
      otlpEndpoint: flags['otlp-endpoint'],
      signal: stop,
      droppedLogLines: droppedLines,
    };
    const release = captureOutput(log);
    await this.#serve(options).finally(release);
  }

  /** Serves until it is told to stop. */
  async #serve(options: DaemonOptions & { signal: AbortSignal }): Promise<void> {
    const { log, signal: stop } = options;
    const daemon = await this.#start(options);
    if (daemon === undefined) return;
    this.#daemon = daemon;
    this.#print(daemon);
    log.info('ready: Ctrl-C stops it');
    if (!stop.aborted)
      await new Promise((resolve) => stop.addEventListener('abort', resolve, { once: true }));
    log.info('stopping: leaving the registry, then finishing calls in flight');
    await daemon.stop();
    log.info('stopped');
  }

  /** The daemon, or undefined if it was told to stop before it was ready. */
  async #start(options: DaemonOptions & { signal: AbortSignal }): Promise<Daemon | undefined> {
    const { startDaemon } = await import('../daemon/startDaemon.js');
    // For the whole process, which is this daemon's alone.
    disablePretenuring();
    try {
      return await startDaemon(options);
    } catch (error) {
      if (!options.signal.aborted) throw error;
      options.log.info('stopped before it was ready');
      return undefined;
    }
  }

  #print(daemon: Daemon): void {
    const { addr, advertised, http, store, storeId, registry, service, tls, auth, warnings } = daemon;
    // The daemon serves already: it must not wait until somebody reads this.
    const output = new NonBlockingOutput(process.stdout);
    const print = (line: string) => output.write(`${line}\n`);
    if (this.jsonEnabled()) {
      const tlsJson = tls ? { mutual: tls.isMutual, validUntil: tls.validUntil.toISOString() } : null;
      const json = {
        config: this.#config ?? null,
        addr,
        advertised,
        http: http ?? null,
        store,
        registry,
        service,
        storeId: storeId ?? null,
        tls: tlsJson,
        auth,
        warnings,
        pid: process.pid,
      };
      print(printableJson(json, 2));
      return;
    }
    if (this.#config !== undefined) print(`config    ${this.#config}`);
    print(`address   ${addr}${advertised === addr ? '' : `, registered as ${advertised}`}`);
    if (http) print(`http      ${http}`);
    if (tls)
      print(`tls       ${tls.isMutual ? 'mutual' : 'on'}, valid until ${absoluteTime(tls.validUntil)}`);
    if (auth.length > 0) print(`access    ${auth.join(', ')}`);
    print(`store     ${store}${storeId === undefined ? '' : `, identity ${shortStoreId(storeId)}`}`);
    print(`registry  ${registry}`);
    print(`service   ${service}`);
    // On one terminal the log has just told them.
    if (!(process.stdout.isTTY && process.stderr.isTTY))
      for (const warning of warnings) print(`warning   ${warning}`);
  }
}
