import { setTimeout as delay } from 'node:timers/promises';
import {
  addAdminServicesToServer,
  logVerbosity,
  Server,
  type ServerCredentials,
  setLogVerbosity,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { ReflectionService } from '@grpc/reflection';
import { HealthImplementation, protoPath as healthProto } from 'grpc-health-check';
import type { HostPort } from 'imstate-client/internal/shared/address';
import { loadCodec } from 'imstate-client/internal/wire/codec';
import { loadProtos } from 'imstate-client/internal/wire/protos';
import type { Logger } from 'pino';
import { boundsOf, LIMITS, type LoadLimits } from '../../presence/limits.js';
import type { Guard } from '../auth/guard.js';
import { followSessions, type SessionListener } from '../internals/grpcHttp2Sessions.js';
import { capLongTimeouts } from '../internals/grpcLongTimeout.js';
import { useStreamTable } from '../internals/http2StreamTable.js';
import { PatchReport } from '../internals/patchReport.js';
import type { CallObserver } from '../observability/callObserver.js';
import { Evictions } from '../observability/evictions.js';
import { Admission } from '../overload/admission.js';
import { AGED, ConnectionAge } from '../overload/connectionAge.js';
import type { ConnectionCounts } from '../overload/connectionCounts.js';
import { Connections } from '../overload/connections.js';
import { HeaderGuard } from '../overload/headerGuard.js';
import { pseudoHeaderListener } from '../overload/headerLimits.js';
import { Load } from '../overload/load.js';
import type { MalformedRequests } from '../overload/malformedRequests.js';
import type { Presence } from '../presence.js';
import type { WatchHub } from '../watch/hub.js';
import { Calls } from './calls.js';
import { loadDefinition } from './definition.js';
import { withHealthDetails } from './healthDetails.js';
import { watchingKnownNames } from './healthNames.js';
import { presenceServiceHandlers } from './presenceService.js';
import { userStatusHandlers } from './userStatus.js';

/** How often a drain checks whether all calls are answered, and how long the last responses have to leave. */
const DRAIN_STEP_MS = 20;
const FLUSH_MS = 500;
/** Names with a health status: the daemon as a whole, and each service. */
const HEALTH_NAMES = ['', 'pb.UserStatus', 'imstate.v1.PresenceService'];

/** Methods whose streams retain strings of their messages: users, chat servers, the address of a lease. */
const KEEPING = ['Watch', 'KeepServerAlive'];

/** The gRPC server with everything it serves. */
export interface GrpcServer {
  /** Resolves with the port once calls are accepted there and nowhere else. */
  listen(address: HostPort, credentials: ServerCredentials): Promise<number>;
  setServing(serving: boolean): void;
  /**
   * Accepts no new call, waits up to `limitMs` for those in flight, then destroys all connections. `cut` if
   * calls were left.
   */
  drain(limitMs: number): Promise<'drained' | 'cut'>;
}

/**
 * Makes the server: both services, health, reflection and channelz. Health starts as NOT_SERVING.
 * Authentication is off without a guard.
 */
export function makeServer(
  presence: Presence,
  hub: WatchHub,
  limits: LoadLimits & { maxDevices: number },
  log: Logger,
  guard: Guard | undefined,
  observer: CallObserver,
  counts: ConnectionCounts,
  malformed?: MalformedRequests,
): GrpcServer {
  // What grpc-js would print is also reported as errors.
  setLogVerbosity(logVerbosity.NONE);
  const patches = new PatchReport(log);
  patches.note('grpcLongTimeout', capLongTimeouts());
  const bounds = boundsOf(limits);
  const load = new Load(bounds, log);
  const admission = new Admission(load, limits, observer, patches);
  const server = new Server({
    'grpc.max_receive_message_length': LIMITS.message.max,
    'grpc.max_concurrent_streams': LIMITS.streamsOfConnection.max,
    'grpc.max_connection_idle_ms': bounds.idleMs,
    'grpc.keepalive_time_ms': LIMITS.ping.max,
    'grpc.keepalive_timeout_ms': LIMITS.pong.max,
    interceptors: [admission.intercept, ...(guard ? [guard.interceptor] : [])],
  });
  const calls = new Calls(log, load);
  const { types } = loadProtos();
  const codec = loadCodec();
  server.addService(codec.serve(types.pb.UserStatus.service), userStatusHandlers(presence, calls));
  const { service } = types.imstate.v1.PresenceService;
  const evictions = new Evictions(presence, log);
  const handlers = presenceServiceHandlers(presence, evictions, hub, calls, observer.counts.operations);
  server.addService(codec.serve(service, KEEPING), handlers);
  const health = new HealthImplementation(
    Object.fromEntries(HEALTH_NAMES.map((name) => [name, 'NOT_SERVING'])),
  );
  health.addToServer(watchingKnownNames(withHealthDetails(server, limits), HEALTH_NAMES));
  new ReflectionService({ ...loadDefinition(), ...loadSync(healthProto) }).addToServer(server);
  addAdminServicesToServer(server);

  const connections = new Connections(limits, log, counts);
  const age = new ConnectionAge(
    { maxAgeMs: limits.maxConnectionAgeMs, graceMs: bounds.connectionGraceMs },
    {
      endStreamsOf: (connection) => calls.endStreamsOf(connection),
      cutStreamsOf: (connection) => admission.endStreamsOf(connection, AGED),
    },
    counts,
  );
  const headers = new HeaderGuard(bounds.requestMs, log, counts, malformed);
  const streamTables: SessionListener = {
    onSession: (session) => patches.note('http2StreamTable', useStreamTable(session)),
  };
  const listeners = [streamTables, age, headers, pseudoHeaderListener, ...(malformed ? [malformed] : [])];

  return {
    listen: (address, credentials) => {
      const injector = server.createConnectionInjector(credentials);
      patches.note('grpcHttp2Sessions', followSessions(server, listeners));
      return connections.listen(address, (socket) => injector.injectConnection(socket));
    },
    setServing: (serving) => {
      for (const name of HEALTH_NAMES) health.setStatus(name, serving ? 'SERVING' : 'NOT_SERVING');
    },
    drain: (limitMs) => {
      connections.close();
      return drain(server, calls, limitMs).finally(() => {
        connections.destroy();
        admission.close();
        headers.close();
      });
    },
  };
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
