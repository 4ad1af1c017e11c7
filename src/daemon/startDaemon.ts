import { ServerCredentials } from '@grpc/grpc-js';
import { formatHostPort, isWildcard } from 'imstate-client/internal/shared/address';
import { lockDataDirectory } from '../store/lmdb/dataDirectoryLock.js';
import type { StoreHealth } from '../store/store.js';
import { checkOptions, type DaemonOptions } from './daemonOptions.js';
import { type DaemonParts, makeParts } from './daemonParts.js';
import { Disposables } from './disposables.js';
import { exposures } from './grpc/exposure.js';
import type { DaemonTls } from './grpc/tls.js';
import { warnOfLegacyServers } from './legacyServers.js';
import { StartDeadline } from './startDeadline.js';
import { doneWithin, STOP_STEP_MS } from './stopLimit.js';
import { monitorStore } from './storeMonitor.js';

/** A daemon that serves. */
export interface Daemon {
  /** The address it listens on, host:port. */
  addr: string;
  /** The address that stands in the registry, host:port. */
  advertised: string;
  /** The URL of what is served by HTTP; undefined if nothing is. */
  http: string | undefined;
  /** The ways in which callers may prove who they are, for people; none if they need not. */
  auth: string[];
  /** For people. */
  store: string;
  /** See PresenceStore.identity; undefined while there is none. */
  readonly storeId: string | undefined;
  /** For people. */
  registry: string;
  service: string;
  /** The TLS of the port; undefined if it is plain gRPC. */
  tls: DaemonTls | undefined;
  /** What whoever runs the daemon should know of, such as that anybody may read the calls; each was logged too. */
  warnings: string[];
  /** Leaves the registry, waits for `drainDelayMs`, finishes calls in flight (10 s at most), and closes. May be called twice. */
  stop(): Promise<void>;
  /** Ends the wait of {@link stop} for `drainDelayMs`; false if it is over. */
  skipDrainDelay(): boolean;
}

const DRAIN_MS = 10_000;

/**
 * Starts a daemon: listens, opens the store, and registers only when it can serve. A start that fails undoes
 * what it had done, in reverse, and rejects with an ImstateError that says what to do.
 */
export async function startDaemon(options: DaemonOptions): Promise<Daemon> {
  const ip = await checkOptions(options);
  const undo = new Disposables(options.log);
  const patience = new StartDeadline(options);
  try {
    const parts = await makeParts(options, patience, undo);
    const place = await listen(parts, options, ip, undo);
    await openStore(parts, options, place.addr, patience, undo);
    await startBackgroundTasks(parts, options, undo);
    await register(parts, options, patience, undo);
    const { store, registry, tls, guard, drainDelay } = parts;
    return {
      ...place,
      store: store.description,
      registry: registry.description,
      service: registry.service,
      get storeId() {
        return store.identity;
      },
      tls,
      auth: guard?.ways ?? [],
      stop: () => undo.run(),
      skipDrainDelay: () => drainDelay.skip(),
    };
  } catch (error) {
    await undo.run();
    throw error;
  } finally {
    patience.end();
  }
}

/** Listens by gRPC, and by HTTP if that is asked for; until the daemon serves, calls are told so. */
async function listen(
  { tls, guard, server, http, runtime, drainDelay }: DaemonParts,
  options: DaemonOptions,
  ip: string,
  undo: Disposables,
): Promise<Pick<Daemon, 'addr' | 'advertised' | 'http' | 'warnings'>> {
  const { log, redis, dataDir } = options;
  undo.push(async () => {
    http?.endStreams();
    const leftMs = Math.max(0, DRAIN_MS - (undo.elapsedMs - drainDelay.waitedMs));
    if ((await server.drain(leftMs)) === 'cut') log.warn('calls in flight were cut after 10 s');
  });
  const credentials = tls?.credentials ?? ServerCredentials.createInsecure();
  const port = await server.listen({ host: ip, port: options.port }, credentials).catch(async (error) => {
    // Another daemon on this data folder is the better reason, and then the likely one.
    if (redis === undefined) await (await lockDataDirectory(dataDir, ''))();
    throw error;
  });
  const addr = formatHostPort({ host: options.addr, port });
  const advertised = options.advertise ?? formatHostPort({ host: dialable(options.addr, ip), port });
  runtime.advertised = advertised;
  const listening = options.http && (await http?.listen(options.http));
  const warnings = exposures({ addr, ip, advertised, tls, hasAuth: guard !== undefined, http: listening });
  for (const warning of warnings) log.warn(warning);
  return { addr, advertised, http: listening && `${tls ? 'https' : 'http'}://${listening.addr}`, warnings };
}

async function openStore(
  { store }: DaemonParts,
  { redis, dataDir }: DaemonOptions,
  addr: string,
  patience: StartDeadline,
  undo: Disposables,
): Promise<void> {
  if (redis === undefined) undo.pushLast(await lockDataDirectory(dataDir, addr));
  const { description } = store;
  await patience.retry({ code: 'STORE_UNAVAILABLE', description, attempt: () => store.open() });
}

/** Begins what a daemon does by itself, and serves while enough of the store answers. */
async function startBackgroundTasks(
  { store, server, readiness, sweeper, tls }: DaemonParts,
  { log }: DaemonOptions,
  undo: Disposables,
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
    tls?.follow(log, signal),
  ];
  undo.push(async () => {
    background.abort();
    server.setServing(false);
    if (!(await doneWithin(STOP_STEP_MS, Promise.all(running))))
      log.warn('the store did not answer within 2 s; stopping without its answer');
  });
}

async function register(
  { store, registry, server, readiness, runtime, drainDelay }: DaemonParts,
  { log, allowOtherStore: allowOther = false }: DaemonOptions,
  patience: StartDeadline,
  undo: Disposables,
): Promise<void> {
  const claim = { identity: () => store.identity, allowOther };
  const registration = await patience.retry({
    code: 'REGISTRY_UNAVAILABLE',
    description: registry.description,
    attempt: () => registry.register(runtime.advertised, claim),
    // Left alone it would be renewed for as long as the process lives, which would not end because of it.
    onLate: (late) => void late.close().catch(() => {}),
  });
  runtime.registration = registration;
  const over = new AbortController();
  void warnOfLegacyServers({ registry, advertised: runtime.advertised, log, signal: over.signal });
  undo.push(() => over.abort());
  undo.push(() => drainDelay.wait());
  undo.push(async () => {
    if (!(await doneWithin(STOP_STEP_MS, registration.close())))
      log.warn('the registry did not answer within 2 s; the entry stays until its lease ends');
  });
  undo.push(() => {
    readiness.end();
    server.setServing(readiness.isServing);
  });
  readiness.begin(registration);
}

/** What clients on this machine dial for a daemon that listens on every address. */
function dialable(addr: string, ip: string): string {
  if (!isWildcard(ip)) return addr;
  return ip.includes(':') ? '::1' : '127.0.0.1';
}
