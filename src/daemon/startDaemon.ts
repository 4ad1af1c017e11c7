import { ServerCredentials } from '@grpc/grpc-js';
import { formatHostPort, isWildcard } from 'imstate-client/internal/shared/address';
import { FEATURE_LEVELS } from '../store/featureLevel.js';
import { lockDataDirectory } from '../store/lmdb/dataDirectoryLock.js';
import type { StoreHealth } from '../store/store.js';
import { accessWarnings } from './accessWarnings.js';
import { noteLogLevel } from './audit/noteLogLevel.js';
import { checkOptions, type DaemonOptions } from './daemonOptions.js';
import { type DaemonParts, makeParts } from './daemonParts.js';
import { Disposables } from './disposables.js';
import type { DaemonTls } from './grpc/tls.js';
import { warnOfLegacyServers } from './legacyServers.js';
import { StartDeadline } from './startDeadline.js';
import { doneWithin, STOP_STEP_MS } from './stopLimit.js';
import { monitorStore } from './storeMonitor.js';

/** A running daemon. */
export interface Daemon {
  /** The address it listens on, host:port. */
  addr: string;
  /** The registered address, host:port. */
  advertised: string;
  /** The URL of HTTP; undefined if it is not served. */
  http: string | undefined;
  /** How callers can authenticate, human-readable; empty if authentication is off. */
  auth: string[];
  /** Human-readable. */
  store: string;
  /** See PresenceStore.identity; undefined while there is none. */
  readonly storeId: string | undefined;
  /** Human-readable. */
  registry: string;
  service: string;
  /** The TLS of the port; undefined if it is plain gRPC. */
  tls: DaemonTls | undefined;
  /** What the operator should know, such as that anybody can read the calls. Each was logged too. */
  warnings: string[];
  /**
   * Leaves the registry, waits for `drainDelayMs`, finishes calls in flight (10 s at most), and closes. May
   * be called twice.
   */
  stop(): Promise<void>;
  /** Ends the wait of {@link stop} for `drainDelayMs`; false if it is over. */
  skipDrainDelay(): boolean;
  /** Records that a signal has changed the log level. */
  noteLogLevel(level: string): void;
}

const DRAIN_MS = 10_000;

/**
 * Starts a daemon: listens, opens the store, and registers only when it can serve. A start that fails undoes
 * what it had done, in reverse, and rejects with an ImstateError that says what to do.
 */
export async function startDaemon(options: DaemonOptions): Promise<Daemon> {
  const ip = await checkOptions(options);
  const disposables = new Disposables(options.log);
  const deadline = new StartDeadline(options);
  try {
    const parts = await makeParts(options, deadline, disposables);
    const listening = await listen(parts, options, ip, disposables);
    await openStore(parts, options, listening.addr, deadline, disposables);
    await startBackgroundTasks(parts, options, disposables);
    await register(parts, options, deadline, disposables);
    const { store, registry, tls, guard, drainDelay, audit } = parts;
    return {
      ...listening,
      store: store.description,
      registry: registry.description,
      service: registry.service,
      get storeId() {
        return store.identity;
      },
      tls,
      auth: guard?.ways ?? [],
      stop: () => disposables.run(),
      skipDrainDelay: () => drainDelay.skip(),
      noteLogLevel: (level) => noteLogLevel(audit, level),
    };
  } catch (error) {
    await disposables.run();
    throw error;
  } finally {
    deadline.end();
  }
}

/** Listens for gRPC, and for HTTP if enabled. Until the daemon is ready, calls are rejected. */
async function listen(
  { tls, guard, server, http, runtime, drainDelay }: DaemonParts,
  options: DaemonOptions,
  ip: string,
  disposables: Disposables,
): Promise<Pick<Daemon, 'addr' | 'advertised' | 'http' | 'warnings'>> {
  const { log, redis, dataDir } = options;
  disposables.push(async () => {
    http?.endStreams();
    const leftMs = Math.max(0, DRAIN_MS - (disposables.elapsedMs - drainDelay.waitedMs));
    if ((await server.drain(leftMs)) === 'cut')
      log.warn({ limitMs: DRAIN_MS }, 'drain timed out: calls in flight were cut');
  });
  const credentials = tls?.credentials ?? ServerCredentials.createInsecure();
  const port = await server.listen({ host: ip, port: options.port }, credentials).catch(async (error) => {
    // If another daemon uses this data directory, that is the likely reason, and a clearer error.
    if (redis === undefined) await (await lockDataDirectory(dataDir, ''))();
    throw error;
  });
  const addr = formatHostPort({ host: options.addr, port });
  const advertised = options.advertise ?? formatHostPort({ host: dialable(options.addr, ip), port });
  runtime.advertised = advertised;
  const listening = options.http && (await http?.listen(options.http));
  const warnings = accessWarnings({
    addr,
    ip,
    advertised,
    tls,
    hasAuth: guard !== undefined,
    http: listening,
  });
  for (const warning of warnings) log.warn({ warning }, 'insecure configuration');
  return { addr, advertised, http: listening && `${tls ? 'https' : 'http'}://${listening.addr}`, warnings };
}

async function openStore(
  { store, policies }: DaemonParts,
  { redis, dataDir, log }: DaemonOptions,
  addr: string,
  deadline: StartDeadline,
  disposables: Disposables,
): Promise<void> {
  if (redis === undefined) {
    disposables.pushLast(await lockDataDirectory(dataDir, addr));
    await deadline.exclude(() => store.open());
    await policies.open();
    return;
  }
  const { description } = store;
  const attempt = async () => {
    await store.open();
    await policies.open();
  };
  await deadline.retry({ code: 'STORE_UNAVAILABLE', description, attempt });
  const { featureLevel } = store;
  const newest = FEATURE_LEVELS.max;
  if (featureLevel < newest)
    log.info(
      { featureLevel, newest },
      'the upgrade is not finished: run imstate upgrade finish once all daemons are upgraded',
    );
}

/** Starts the background tasks, and serves while enough of the store answers. */
async function startBackgroundTasks(
  { store, policies, server, readiness, sweeper, tls }: DaemonParts,
  { log }: DaemonOptions,
  disposables: Disposables,
): Promise<void> {
  const background = new AbortController();
  const { signal } = background;
  const onHealth = (health: StoreHealth) => {
    readiness.noteHealth(health);
    server.setServing(readiness.isServing);
  };
  onHealth(await store.check());
  const running = [
    sweeper.run(signal),
    monitorStore({ store, log, signal, onChange: onHealth }),
    policies.follow(signal),
    tls?.follow(log, signal),
  ];
  disposables.push(async () => {
    background.abort();
    server.setServing(false);
    if (!(await doneWithin(STOP_STEP_MS, Promise.all(running))))
      log.warn({ limitMs: STOP_STEP_MS }, 'the store did not answer in time: stopping without it');
  });
}

async function register(
  { store, registry, server, readiness, runtime, drainDelay }: DaemonParts,
  { log, allowOtherStore: allowOther = false }: DaemonOptions,
  deadline: StartDeadline,
  disposables: Disposables,
): Promise<void> {
  const claim = { identity: () => store.identity, allowOther };
  const registration = await deadline.retry({
    code: 'REGISTRY_UNAVAILABLE',
    description: registry.description,
    attempt: () => registry.register(runtime.advertised, claim),
    // Otherwise it would be renewed as long as the process lives, and keep the process alive.
    onLate: (late) => void late.close().catch(() => {}),
  });
  runtime.registration = registration;
  const over = new AbortController();
  void warnOfLegacyServers({ registry, advertised: runtime.advertised, log, signal: over.signal });
  disposables.push(() => over.abort());
  disposables.push(() => drainDelay.wait());
  disposables.push(async () => {
    if (!(await doneWithin(STOP_STEP_MS, registration.close())))
      log.warn(
        { limitMs: STOP_STEP_MS },
        'the registry did not answer in time: the entry stays until its lease ends',
      );
  });
  disposables.push(() => {
    readiness.end();
    server.setServing(readiness.isServing);
  });
  readiness.begin(registration);
}

/** The address that clients on this machine dial if the daemon listens on every address. */
function dialable(addr: string, ip: string): string {
  if (!isWildcard(ip)) return addr;
  return ip.includes(':') ? '::1' : '127.0.0.1';
}
