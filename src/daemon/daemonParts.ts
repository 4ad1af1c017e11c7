import { boundsOf } from '../presence/limits.js';
import { makeRegistry } from '../registry/makeRegistry.js';
import type { Registration, Registry } from '../registry/registry.js';
import { makeStore } from '../store/makeStore.js';
import type { PresenceStore } from '../store/store.js';
import { Guard } from './auth/guard.js';
import type { DaemonOptions } from './daemonOptions.js';
import type { Disposables } from './disposables.js';
import { DrainDelay } from './drainDelay.js';
import { type GrpcServer, makeServer } from './grpc/server.js';
import { DaemonTls } from './grpc/tls.js';
import { openHttp } from './http/open.js';
import type { HttpServer } from './http/server.js';
import { CallObserver } from './observability/callObserver.js';
import { CallSummary } from './observability/callSummary.js';
import { StoreSteps } from './observability/metrics/store.js';
import { SessionCounters } from './observability/sessionCounters.js';
import type { Tracing } from './observability/tracing.js';
import { ConnectionCounts } from './overload/connectionCounts.js';
import { MalformedRequests } from './overload/malformedRequests.js';
import { Presence } from './presence.js';
import { Readiness } from './readiness.js';
import type { StartDeadline } from './startDeadline.js';
import { Sweeper } from './sweeper.js';
import { WatchHub } from './watch/hub.js';

/** What a daemon is made of. */
export interface DaemonParts {
  tls: DaemonTls | undefined;
  store: PresenceStore;
  registry: Registry;
  /** Undefined lets everybody do everything. */
  guard: Guard | undefined;
  sweeper: Sweeper;
  readiness: Readiness;
  drainDelay: DrainDelay;
  server: GrpcServer;
  /** Undefined serves nothing by HTTP. */
  http: HttpServer | undefined;
  /** What is known only later, where those look it up who are made before. */
  runtime: RuntimeState;
}

interface RuntimeState {
  /** The address that stands in the registry, host:port; '' before there is one. */
  advertised: string;
  registration: Registration | undefined;
}

/** Makes the parts of a daemon; nothing listens and nothing is open yet. */
export async function makeParts(
  options: DaemonOptions,
  patience: StartDeadline,
  undo: Disposables,
): Promise<DaemonParts> {
  const { log } = options;
  const tls = options.tls && new DaemonTls(options.tls);
  const steps = new StoreSteps();
  const store = makeStore({ ...options, onStep: steps.note });
  undo.push(() => store.close());
  const registry = await makeRegistry(options, log);
  undo.push(() => registry.close());
  const guard = await openGuard(options, patience);
  undo.push(() => guard?.close());
  const { tracing, observer } = await makeObserver(options, undo);

  const transitions = new SessionCounters();
  const sweeper = new Sweeper(store, log, transitions);
  const hub = new WatchHub(store, log, options);
  const connectionCounts = new ConnectionCounts();
  const malformedRequests = new MalformedRequests(options.service, log);
  undo.push(() => malformedRequests.close());
  const readiness = new Readiness(options.readyShards);
  const drainDelay = new DrainDelay(options.drainDelayMs, log);
  const presence = new Presence(tracing?.traced(store) ?? store, transitions, () => sweeper.wake());
  const runtime: RuntimeState = { advertised: '', registration: undefined };
  const http =
    options.http &&
    (await openHttp({
      options: options.http,
      log,
      observer,
      guard,
      tls,
      readiness,
      bounds: boundsOf(options),
      metrics: {
        counts: observer.counts,
        store,
        steps,
        sweeper,
        transitions,
        hub,
        readiness,
        connectionCounts,
        malformedRequests,
        registration: () => runtime.registration,
        staleCredentials: () => (guard?.staleSources ?? 0) + Number(tls?.isStale ?? false),
        droppedLogLines: options.droppedLogLines ?? (() => 0),
      },
      web: { presence, hub, registry, log, advertised: () => runtime.advertised },
    }));
  undo.push(() => http?.close());
  const server = makeServer(
    presence,
    hub,
    options,
    log,
    guard,
    observer,
    connectionCounts,
    malformedRequests,
  );
  return { tls, store, registry, guard, sweeper, readiness, drainDelay, server, http, runtime };
}

/** Waits for the keys of JWTs, if they are to be had from elsewhere. */
async function openGuard({ auth, log }: DaemonOptions, patience: StartDeadline): Promise<Guard | undefined> {
  if (auth === undefined) return undefined;
  return patience.retry({
    code: 'AUTH_KEYS_UNAVAILABLE',
    description: `--auth-jwt-jwks ${auth.jwt?.jwks}`,
    attempt: () => Guard.open(auth, log),
    onLate: (late) => late.close(),
  });
}

/** OpenTelemetry is loaded only where it is asked for. */
async function makeObserver(options: DaemonOptions, undo: Disposables) {
  const { log, showIds = false, otlpEndpoint } = options;
  let tracing: Tracing | undefined;
  if (otlpEndpoint !== undefined) {
    const { Tracing } = await import('./observability/tracing.js');
    tracing = new Tracing(otlpEndpoint, log);
  }
  undo.push(() => tracing?.close());
  const observer = new CallObserver({ log, showIds, tracing });
  const summary = new CallSummary(observer.counts, log);
  undo.push(() => summary.close());
  return { tracing, observer };
}
