import { setTimeout as delay } from 'node:timers/promises';
import { logVerbosity, Server, type ServerCredentials, setLogVerbosity } from '@grpc/grpc-js';
import type { HostPort } from 'imstate-client/internal/shared/address';
import type { Logger } from 'pino';
import { type Bounds, boundsOf, LIMITS, type LoadLimits } from '../../presence/limits.js';
import type { AuditTrail } from '../audit/auditTrail.js';
import type { Guard } from '../auth/guard.js';
import { followSessions, type SessionListener } from '../internals/grpcHttp2Sessions.js';
import { capLongTimeouts } from '../internals/grpcLongTimeout.js';
import { useStreamTable } from '../internals/http2StreamTable.js';
import { PatchReport } from '../internals/patchReport.js';
import type { CallObserver } from '../observability/callObserver.js';
import { Admission } from '../overload/admission.js';
import { AGED, ConnectionAge } from '../overload/connectionAge.js';
import type { ConnectionCounts } from '../overload/connectionCounts.js';
import { Connections } from '../overload/connections.js';
import { HeaderGuard } from '../overload/headerGuard.js';
import { pseudoHeaderListener } from '../overload/headerLimits.js';
import type { Load } from '../overload/load.js';
import type { MalformedRequests } from '../overload/malformedRequests.js';
import type { Policies } from '../policies.js';
import type { Presence } from '../presence.js';
import type { Relays } from '../relays.js';
import type { UserData } from '../userData.js';
import type { WatchHub } from '../watch/hub.js';
import { Calls } from './calls.js';
import { Services } from './services.js';

/** How often a drain checks whether all calls are answered, and how long the last responses have to leave. */
const DRAIN_STEP_MS = 20;
const FLUSH_MS = 500;

/** What a {@link GrpcServer} works with. */
export interface GrpcServerParts {
  readonly presence: Presence;
  readonly policies: Policies;
  readonly relays: Relays;
  readonly userData: UserData;
  readonly hub: WatchHub;
  readonly load: Load;
  readonly limits: LoadLimits & { maxDevices: number };
  readonly log: Logger;
  /** Undefined if authentication is off. */
  readonly guard: Guard | undefined;
  readonly audit: AuditTrail;
  readonly observer: CallObserver;
  readonly connectionCounts: ConnectionCounts;
  readonly malformedRequests?: MalformedRequests;
}

/** The gRPC server with all its services. */
export class GrpcServer {
  readonly #server: Server;
  readonly #services: Services;
  readonly #calls: Calls;
  readonly #admission: Admission;
  readonly #connections: Connections;
  readonly #headers: HeaderGuard;
  readonly #patches: PatchReport;
  readonly #listeners: readonly SessionListener[];

  constructor(parts: GrpcServerParts) {
    const { presence, hub, load, limits, log, guard, observer, connectionCounts, malformedRequests } = parts;
    // What grpc-js would print is also reported as errors.
    setLogVerbosity(logVerbosity.NONE);
    const bounds = boundsOf(limits);
    this.#patches = new PatchReport(log);
    this.#patches.note('grpcLongTimeout', capLongTimeouts());
    this.#admission = new Admission(load, limits, observer, this.#patches);
    this.#server = makeServer(bounds, this.#admission, guard);
    this.#calls = new Calls(log, load, parts.audit);
    const { operations } = observer.counts;
    const { maxDevices } = limits;
    const { policies, relays, userData } = parts;
    this.#services = new Services(this.#server, this.#calls, {
      presence,
      policies,
      relays,
      userData,
      hub,
      operations,
      maxDevices,
    });
    this.#connections = new Connections(limits, log, connectionCounts);
    this.#headers = new HeaderGuard(bounds.requestMs, log, connectionCounts, malformedRequests);
    this.#listeners = this.#sessionListeners(parts, bounds);
  }

  /** Resolves with the port once calls are accepted there and nowhere else. */
  listen(address: HostPort, credentials: ServerCredentials): Promise<number> {
    const injector = this.#server.createConnectionInjector(credentials);
    this.#patches.note('grpcHttp2Sessions', followSessions(this.#server, this.#listeners));
    return this.#connections.listen(address, (socket) => injector.injectConnection(socket));
  }

  setServing(serving: boolean): void {
    this.#services.setServing(serving);
  }

  /**
   * Accepts no new call, waits up to `limitMs` for those in flight, then destroys all connections. `cut` if
   * calls were left.
   */
  async drain(limitMs: number): Promise<'drained' | 'cut'> {
    this.#connections.close();
    try {
      return await drain(this.#server, this.#calls, limitMs);
    } finally {
      this.#connections.destroy();
      this.#admission.close();
      this.#headers.close();
    }
  }

  #sessionListeners(parts: GrpcServerParts, { connectionGraceMs }: Bounds): SessionListener[] {
    const { limits, connectionCounts, malformedRequests } = parts;
    const age = new ConnectionAge(
      { maxAgeMs: limits.maxConnectionAgeMs, graceMs: connectionGraceMs },
      {
        endStreamsOf: (connection) => this.#calls.endStreamsOf(connection),
        cutStreamsOf: (connection) => this.#admission.endStreamsOf(connection, AGED),
      },
      connectionCounts,
    );
    const streamTables: SessionListener = {
      onSession: (session) => this.#patches.note('http2StreamTable', useStreamTable(session)),
    };
    const listeners = [streamTables, age, this.#headers, pseudoHeaderListener];
    return malformedRequests ? [...listeners, malformedRequests] : listeners;
  }
}

function makeServer(bounds: Bounds, admission: Admission, guard: Guard | undefined): Server {
  return new Server({
    'grpc.max_receive_message_length': LIMITS.message.max,
    'grpc.max_concurrent_streams': LIMITS.streamsOfConnection.max,
    'grpc.max_connection_idle_ms': bounds.idleMs,
    'grpc.keepalive_time_ms': LIMITS.ping.max,
    'grpc.keepalive_timeout_ms': LIMITS.pong.max,
    interceptors: guard ? [admission.intercept, guard.interceptor] : [admission.intercept],
  });
}

/**
 * Sends GOAWAY and waits for calls in flight. It does not wait for streams that never end (a health watch,
 * reflection), nor for connections, which clients may keep forever.
 */
async function drain(server: Server, calls: Calls, limitMs: number): Promise<'drained' | 'cut'> {
  let isClosed = false;
  server.tryShutdown(() => {
    isClosed = true;
  });
  calls.endStreams();
  const until = performance.now() + limitMs;
  while (calls.inFlight > 0 && performance.now() < until) await delay(DRAIN_STEP_MS);
  const outcome = calls.inFlight > 0 ? 'cut' : 'drained';
  for (let waited = 0; !isClosed && waited < FLUSH_MS; waited += DRAIN_STEP_MS) await delay(DRAIN_STEP_MS);
  if (!isClosed) server.forceShutdown();
  return outcome;
}
