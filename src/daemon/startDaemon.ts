import { lookup } from 'node:dns/promises';
import { ServerCredentials } from '@grpc/grpc-js';
import type { Logger } from 'pino';
import { formatHostPort, isWildcard, parseHostPort } from '../address.js';
import { ImstateError, messageOf } from '../errors.js';
import { makeRegistry, type RegistryConfig } from '../registry/makeRegistry.js';
import type { Registration } from '../registry/registry.js';
import { makeStore, type StoreConfig } from '../store/makeStore.js';
import type { TlsFiles } from '../tls/names.js';
import type { AuthOptions } from './auth/authenticator.js';
import { Guard } from './auth/guard.js';
import { lockDataFolder } from './dataFolderLock.js';
import { exposures } from './exposure.js';
import { openHttp } from './http/open.js';
import type { HttpOptions } from './http/server.js';
import { insist } from './insist.js';
import { boundsOf, type LoadLimits } from './limits.js';
import { StoreSteps } from './metrics/store.js';
import { CallObserver } from './observe/callObserver.js';
import { CallSummary } from './observe/callSummary.js';
import type { Tracing } from './observe/tracing.js';
import { Transitions } from './observe/transitions.js';
import { Presence } from './presence.js';
import { Readiness } from './readiness.js';
import { makeServer } from './server.js';
import { monitorStore } from './storeMonitor.js';
import { Sweeper } from './sweeper.js';
import { DaemonTls } from './tls.js';
import { WatchHub } from './watch/hub.js';

/** How a daemon runs. */
export interface DaemonOptions extends StoreConfig, RegistryConfig, LoadLimits {
  /** Address to listen on; a name, an IPv4 or an IPv6 address. */
  addr: string;
  /** Port to listen on; 0 picks a free one. */
  port: number;
  /** Address to register, host:port; by default the one it listens on. */
  advertise: string | undefined;
  /** TLS of the port, where `ca` makes it mutual: the authorities that sign the clients; undefined for plain gRPC. */
  tls?: TlsFiles | undefined;
  /** How callers prove who they are; undefined lets everybody do everything. */
  auth?: AuthOptions | undefined;
  /** What is served by HTTP, and where; undefined serves nothing. */
  http?: HttpOptions | undefined;
  /** Whether the lines of calls in the log show ids of users and devices, rather than masked ones. */
  showIds?: boolean | undefined;
  /** Base URL of the collector that traces are sent to, by OTLP/HTTP; undefined traces nothing. */
  otlpEndpoint?: string | undefined;
  /** How long to wait at start for the store, the registry and the keys of JWTs. Milliseconds. */
  startTimeoutMs: number;
  log: Logger;
  /** Aborts a start that is under way. */
  signal?: AbortSignal;
}

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
  /** For people. */
  registry: string;
  service: string;
  /** The TLS of the port; undefined if it is plain gRPC. */
  tls: DaemonTls | undefined;
  /** What whoever runs the daemon should know of, such as that anybody may read the calls; each was logged too. */
  warnings: string[];
  /** Leaves the registry, finishes calls in flight (10 s at most), and closes. May be called twice. */
  stop(): Promise<void>;
}

const DRAIN_MS = 10_000;
/** The same failure is shown again after this time. */
const SHOW_RETRY_MS = 2_000;

/**
 * Starts a daemon: listens, opens the store, and registers only when it can serve. A start that fails undoes
 * what it had done, in reverse, and rejects with an ImstateError that says what to do.
 */
export async function startDaemon(options: DaemonOptions): Promise<Daemon> {
  const { log } = options;
  const ip = await checkOptions(options);
  const tls = options.tls && new DaemonTls(options.tls);
  const patience = startPatience(options);
  const undo: (() => Promise<unknown>)[] = [];
  const stop = once(async () => {
    for (const step of undo.splice(0).reverse()) {
      await step().catch((error: unknown) =>
        log.error({ err: error }, 'a step of stopping failed; going on'),
      );
    }
  });
  try {
    const steps = new StoreSteps();
    const store = makeStore({ ...options, onStep: steps.note });
    undo.push(() => store.close());
    const registry = await makeRegistry(options, log);
    undo.push(() => registry.close());

    const guard = options.auth && (await openGuard(options.auth, log, patience));
    undo.push(async () => guard?.close());

    const tracing = await openTracing(options);
    undo.push(async () => tracing?.close());
    const observer = new CallObserver({ log, showIds: options.showIds ?? false, tracing });
    const summary = new CallSummary(observer.counts, log);
    undo.push(async () => summary.close());

    const transitions = new Transitions();
    const sweeper = new Sweeper(store, log, transitions);
    const hub = new WatchHub(store, log);
    const readiness = new Readiness();
    const presence = new Presence(tracing?.traced(store) ?? store, transitions, () => sweeper.wake());
    let registration: Registration | undefined;
    const http =
      options.http &&
      (await openHttp({
        ...{ log, guard, tls, readiness, answerMs: boundsOf(options).answerMs },
        metrics: {
          ...{ counts: observer.counts, store, steps, sweeper, transitions, hub, readiness },
          registration: () => registration,
        },
        web: { presence, hub, registry, log, advertised: () => advertised },
      }));
    undo.push(async () => http?.close());

    const server = makeServer(presence, hub, options, log, guard, observer);
    undo.push(async () => {
      http?.endStreams();
      if ((await server.drain(DRAIN_MS)) === 'cut') log.warn('calls in flight were cut after 10 s');
    });
    const credentials = tls?.credentials ?? ServerCredentials.createInsecure();
    const port = await server.listen({ host: ip, port: options.port }, credentials).catch(async (error) => {
      // Another daemon on this data folder is the better reason, and then the likely one.
      if (options.redis === undefined) await (await lockDataFolder(options.dataDir, ''))();
      throw error;
    });
    const addr = formatHostPort({ host: options.addr, port });
    const advertised = options.advertise ?? formatHostPort({ host: dialable(options.addr, ip), port });

    const listening = options.http && (await http?.listen(options.http));
    const warnings = exposures({ addr, ip, advertised, tls, hasAuth: guard !== undefined, http: listening });
    for (const warning of warnings) log.warn(warning);

    if (options.redis === undefined) undo.splice(0, 0, await lockDataFolder(options.dataDir, addr));
    await insist(() => store.open(), silence('STORE_UNAVAILABLE', store.description), patience);

    const background = new AbortController();
    const { signal } = background;
    const setServing = (answers: boolean) => {
      server.setServing(answers);
      readiness.storeAnswers(answers);
    };
    const running = [
      sweeper.run(signal),
      monitorStore({ store, log, signal, onChange: setServing }),
      tls?.follow(log, signal),
    ];
    undo.push(async () => {
      background.abort();
      server.setServing(false);
      await Promise.all(running);
    });
    setServing(true);

    const register = () => registry.register(advertised);
    const registered = await insist(
      register,
      silence('REGISTRY_UNAVAILABLE', registry.description),
      // Left alone it would be renewed for as long as the process lives, which would not end because of it.
      { ...patience, onLate: (late) => void late.close().catch(() => {}) },
    );
    registration = registered;
    undo.push(() => registered.close());
    undo.push(async () => readiness.end());
    readiness.begin();
    const { description, service } = registry;
    return {
      addr,
      advertised,
      store: store.description,
      registry: description,
      service,
      http: listening && `${tls ? 'https' : 'http'}://${listening.addr}`,
      tls,
      auth: guard?.ways ?? [],
      warnings,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  } finally {
    patience.end();
  }
}

/** Rejects options that cannot work; resolves with the IP address to listen on. */
async function checkOptions({ redis, etcd, addr, advertise }: DaemonOptions): Promise<string> {
  if (etcd !== undefined && redis === undefined) {
    throw new ImstateError(
      'STORE_NOT_SHARED',
      'daemons that share a registry must share a store: --etcd needs --redis, or leave both out for the embedded ones',
    );
  }
  const ip = await lookup(addr).catch((error) => {
    const message = `--addr ${addr} is no address and no name that is known here (${messageOf(error)})`;
    throw new ImstateError('ADDRESS_UNAVAILABLE', message, { cause: error });
  });
  if (etcd !== undefined && advertise === undefined && isWildcard(ip.address)) {
    throw new ImstateError(
      'ADVERTISE_REQUIRED',
      `${addr} is every address of this machine and none that others can dial: say which one with --advertise HOST:PORT`,
    );
  }
  const host = advertise === undefined ? undefined : parseHostPort(advertise)?.host;
  if (advertise !== undefined && (host === undefined || isWildcard(await ipOf(host)))) {
    throw new ImstateError('INVALID_ARGUMENT', '--advertise must be a HOST:PORT that others can dial');
  }
  return ip.address;
}

/** The IP address of a host, in its usual spelling; a name that is not known here may be known to others. */
async function ipOf(host: string): Promise<string> {
  return lookup(host).then(
    ({ address }) => address,
    () => host,
  );
}

/** Waits for the keys of JWTs, if they are to be had from elsewhere. */
function openGuard(
  auth: AuthOptions,
  log: Logger,
  patience: ReturnType<typeof startPatience>,
): Promise<Guard> {
  const description = `--auth-jwt-jwks ${auth.jwt?.jwks}`;
  return insist(() => Guard.open(auth, log), silence('AUTH_KEYS_UNAVAILABLE', description), {
    ...patience,
    onLate: (late) => late.close(),
  });
}

/** OpenTelemetry is loaded only where it is asked for. */
async function openTracing({ otlpEndpoint, log }: DaemonOptions): Promise<Tracing | undefined> {
  if (otlpEndpoint === undefined) return undefined;
  const { Tracing } = await import('./observe/tracing.js');
  return new Tracing(otlpEndpoint, log);
}

function silence(
  code: 'STORE_UNAVAILABLE' | 'REGISTRY_UNAVAILABLE' | 'AUTH_KEYS_UNAVAILABLE',
  description: string,
): ImstateError {
  return new ImstateError(
    code,
    `${description} did not answer within the time for starting: is it reachable?`,
  );
}

/** What clients on this machine dial for a daemon that listens on every address. */
function dialable(addr: string, ip: string): string {
  if (!isWildcard(ip)) return addr;
  return ip.includes(':') ? '::1' : '127.0.0.1';
}

/** How long a start waits for the other side; `end` must be called when it waits no more. */
function startPatience({ startTimeoutMs, signal, log }: DaemonOptions) {
  // Not AbortSignal.any() of AbortSignal.timeout(): Node.js 20 may collect it as garbage, and it never aborts.
  const over = new AbortController();
  const abort = () => over.abort();
  const limit = setTimeout(abort, startTimeoutMs);
  signal?.addEventListener('abort', abort, { once: true });
  const until = performance.now() + startTimeoutMs;
  let shown = '';
  let shownAt = 0;
  return {
    signal: over.signal,
    onRetry: (failure: ImstateError) => {
      if (failure.message === shown && performance.now() - shownAt < SHOW_RETRY_MS) return;
      [shown, shownAt] = [failure.message, performance.now()];
      const left = Math.max(0, Math.ceil((until - performance.now()) / 1_000));
      log.warn(`${failure.message}; trying again, ${left} s left`);
    },
    end: () => {
      clearTimeout(limit);
      signal?.removeEventListener('abort', abort);
    },
  };
}

function once(action: () => Promise<void>): () => Promise<void> {
  let result: Promise<void> | undefined;
  return () => {
    result ??= action();
    return result;
  };
}
