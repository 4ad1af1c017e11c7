import { boundsOf } from '../presence/limits.js';
import { makeRegistry } from '../registry/makeRegistry.js';
import type { Registration, Registry } from '../registry/registry.js';
import { makeStore } from '../store/makeStore.js';
import type { Migration, PresenceStore } from '../store/store.js';
import { AuditTrail } from './audit/auditTrail.js';
import { noteCredentials } from './audit/noteCredentials.js';
import type { CredentialChange } from './auth/credentialChanges.js';
import { DenialLog } from './auth/denialLog.js';
import { Guard } from './auth/guard.js';
import { DaemonChecks } from './daemonChecks.js';
import type { DaemonOptions } from './daemonOptions.js';
import type { Disposables } from './disposables.js';
import { DrainDelay } from './drainDelay.js';
import { GrpcServer } from './grpc/server.js';
import { DaemonTls } from './grpc/tls.js';
import type { HttpServer } from './http/server.js';
import { CallObserver } from './observability/callObserver.js';
import { CallSummary } from './observability/callSummary.js';
import { StoreSteps } from './observability/metrics/store.js';
import { ServerEvents } from './observability/serverEvents.js';
import { SessionCounters } from './observability/sessionCounters.js';
import type { Tracing } from './observability/tracing.js';
import { ConnectionCounts } from './overload/connectionCounts.js';
import { Load } from './overload/load.js';
import { MalformedRequests } from './overload/malformedRequests.js';
import { Policies } from './policies.js';
import { Presence } from './presence.js';
import { Readiness } from './readiness.js';
import { Relays } from './relays.js';
import type { StartDeadline } from './startDeadline.js';
import { Sweeper } from './sweeper.js';
import { UserData } from './userData.js';
import { WatchHub } from './watch/hub.js';

/** The parts of a daemon. */
export interface DaemonParts {
  tls: DaemonTls | undefined;
  store: PresenceStore;
  policies: Policies;
  registry: Registry;
  audit: AuditTrail;
  /** Undefined if authentication is off. */
  guard: Guard | undefined;
  sweeper: Sweeper;
  readiness: Readiness;
  drainDelay: DrainDelay;
  server: GrpcServer;
  /** Undefined if HTTP is not served. */
  http: HttpServer | undefined;
  /** Known only after the start, for parts that are made before. */
  runtime: RuntimeState;
}

interface RuntimeState {
  /** The registered address, host:port; '' before there is one. */
  advertised: string;
  registration: Registration | undefined;
}

/** Makes the parts of a daemon. It does not listen yet. */
export async function makeParts(
  options: DaemonOptions,
  deadline: StartDeadline,
  disposables: Disposables,
): Promise<DaemonParts> {
  const { log } = options;
  const tls = options.tls && new DaemonTls(options.tls);
  const steps = new StoreSteps();
  const onMigrated = (migration: Migration) => log.info(migration, 'data directory migrated');
  const store = makeStore({ ...options, onBatch: steps.note, onMigrated });
  disposables.push(() => store.close());
  const registry = await makeRegistry(options, log);
  disposables.push(() => registry.close());
  const { tracing, observer } = await makeObserver(options, disposables);
  const runtime: RuntimeState = { advertised: '', registration: undefined };
  const advertised = () => runtime.advertised;
  const audit = new AuditTrail({ store, log, requestIds: observer.requestIds, advertised });
  disposables.push(() => audit.close());
  const denials = new DenialLog(log, (call) => audit.denied(call));
  const guard = await openGuard(options, { denials, audit }, deadline);
  disposables.push(() => guard?.close());

  const counters = new SessionCounters();
  const sweeper = new Sweeper(store, log, counters);
  const hub = new WatchHub(store, log, options);
  const connectionCounts = new ConnectionCounts();
  const malformedRequests = new MalformedRequests(options.service, log);
  disposables.push(() => malformedRequests.close());
  const readiness = new Readiness(options.readyShards);
  const drainDelay = new DrainDelay(options.drainDelayMs, log);
  const tracedStore = tracing?.traced(store) ?? store;
  const policies = new Policies(store, log);
  const relays = new Relays(store);
  const serverEvents = new ServerEvents(log);
  const presence = new Presence(tracedStore, counters, serverEvents, () => sweeper.wake(), options);
  const load = new Load(boundsOf(options), log);
  // The modules of HTTP are loaded only if it is used.
  const http =
    options.http &&
    (await (
      await import('./http/openHttp.js')
    ).openHttp({
      options: options.http,
      log,
      observer,
      audit,
      denials,
      guard,
      tls,
      readiness,
      bounds: boundsOf(options),
      metrics: {
        counts: observer.counts,
        store,
        policies,
        relays,
        steps,
        sweeper,
        counters,
        serverEvents,
        hub,
        readiness,
        connectionCounts,
        malformedRequests,
        audit,
        registration: () => runtime.registration,
        staleCredentials: () => (guard?.staleSources ?? 0) + Number(tls?.isStale ?? false),
        droppedLogLines: options.droppedLogLines ?? (() => 0),
      },
      web: {
        presence,
        policies,
        relays,
        hub,
        load,
        registry,
        daemonChecks: new DaemonChecks(options.tls),
        log,
        advertised,
      },
    }));
  disposables.push(() => http?.close());
  const server = new GrpcServer({
    presence,
    policies,
    relays,
    userData: new UserData(tracedStore, presence, hub),
    hub,
    load,
    limits: options,
    log,
    audit,
    guard,
    observer,
    connectionCounts,
    malformedRequests,
  });
  return {
    tls,
    store,
    policies,
    registry,
    audit,
    guard,
    sweeper,
    readiness,
    drainDelay,
    server,
    http,
    runtime,
  };
}

/** Waits for the keys of JWTs, if they are fetched from a URL. */
async function openGuard(
  { auth, log }: DaemonOptions,
  { denials, audit }: { denials: DenialLog; audit: AuditTrail },
  deadline: StartDeadline,
): Promise<Guard | undefined> {
  if (auth === undefined) return undefined;
  const parts = { log, onCredentials: (changes: CredentialChange[]) => noteCredentials(audit, changes) };
  return deadline.retry({
    code: 'AUTH_KEYS_UNAVAILABLE',
    description: `--auth-jwt-jwks ${auth.jwt?.jwks}`,
    attempt: () => Guard.open(auth, denials, parts),
    onLate: (late) => late.close(),
  });
}

/** OpenTelemetry is loaded only if tracing is on. */
async function makeObserver(options: DaemonOptions, disposables: Disposables) {
  const { log, showIds = false, otlpEndpoint } = options;
  let tracing: Tracing | undefined;
  if (otlpEndpoint !== undefined) {
    const { Tracing } = await import('./observability/tracing.js');
    tracing = new Tracing(otlpEndpoint, log);
  }
  disposables.push(() => tracing?.close());
  const observer = new CallObserver({ log, showIds, tracing });
  const summary = new CallSummary(observer.counts, log);
  disposables.push(() => summary.close());
  return { tracing, observer };
}
