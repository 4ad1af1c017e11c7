import { setTimeout as delay } from 'node:timers/promises';
import {
  addAdminServicesToServer,
  logVerbosity,
  Server,
  ServerCredentials,
  setLogVerbosity,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { ReflectionService } from '@grpc/reflection';
import { HealthImplementation, protoPath as healthProto } from 'grpc-health-check';
import type { Logger } from 'pino';
import { formatHostPort, type HostPort } from '../address.js';
import { ImstateError, messageOf } from '../errors.js';
import { loadCodec } from '../wire/codec.js';
import { loadDefinition } from '../wire/definition.js';
import { loadProtos } from '../wire/protos.js';
import './lateMessages.js';
import type { Presence } from './presence.js';
import { Calls } from './services/calls.js';
import { presenceServiceHandlers } from './services/presenceService.js';
import { userStatusHandlers } from './services/userStatus.js';
import type { WatchHub } from './watch/hub.js';

/** Largest request; a longer one is answered with RESOURCE_EXHAUSTED. */
const MAX_REQUEST_BYTES = 1024 * 1024;
/** A connection on which nothing comes is asked whether it still stands, and dropped if nothing answers. */
const KEEPALIVE_MS = { time: 30_000, timeout: 10_000 };
/** How often a drain looks whether all calls are answered, and how long the last answers have to leave. */
const DRAIN_STEP_MS = 20;
const FLUSH_MS = 500;
/** Names that health is told for: the daemon as a whole, and each service. */
const HEALTH_NAMES = ['', 'pb.UserStatus', 'imstate.v1.PresenceService'];

/** The gRPC server with everything it serves. */
export interface GrpcServer {
  /** Resolves with the port once calls are accepted there and nowhere else. */
  listen(address: HostPort): Promise<number>;
  setServing(serving: boolean): void;
  /** Takes no new call, waits up to `limitMs` for those in flight, then cuts them. Returns how it went. */
  drain(limitMs: number): Promise<'drained' | 'cut'>;
}

/** Makes the server: both services, health, reflection and channelz. Health starts as NOT_SERVING. */
export function makeServer(presence: Presence, hub: WatchHub, log: Logger): GrpcServer {
  // What grpc-js would print by itself reaches us as errors too.
  setLogVerbosity(logVerbosity.NONE);
  const server = new Server({
    'grpc.max_receive_message_length': MAX_REQUEST_BYTES,
    'grpc.keepalive_time_ms': KEEPALIVE_MS.time,
    'grpc.keepalive_timeout_ms': KEEPALIVE_MS.timeout,
  });
  const calls = new Calls(log);
  const { types } = loadProtos();
  const codec = loadCodec();
  server.addService(codec.serve(types.pb.UserStatus.service), userStatusHandlers(presence, calls));
  const { service } = types.imstate.v1.PresenceService;
  server.addService(codec.serve(service), presenceServiceHandlers(presence, hub, calls));
  const health = new HealthImplementation(
    Object.fromEntries(HEALTH_NAMES.map((name) => [name, 'NOT_SERVING'])),
  );
  health.addToServer(server);
  new ReflectionService({ ...loadDefinition(), ...loadSync(healthProto) }).addToServer(server);
  addAdminServicesToServer(server);

  return {
    listen: (address) => listen(server, address),
    setServing: (serving) => {
      for (const name of HEALTH_NAMES) health.setStatus(name, serving ? 'SERVING' : 'NOT_SERVING');
    },
    drain: (limitMs) => drain(server, calls, limitMs),
  };
}

async function listen(server: Server, { host, port }: HostPort): Promise<number> {
  const address = formatHostPort({ host, port });
  try {
    return await new Promise<number>((resolve, reject) => {
      server.bindAsync(address, ServerCredentials.createInsecure(), (error, bound) =>
        error ? reject(error) : resolve(bound),
      );
    });
  } catch (error) {
    throw new ImstateError('ADDRESS_UNAVAILABLE', whyNotListening(address, messageOf(error)), {
      cause: error,
    });
  }
}

function whyNotListening(address: string, reason: string): string {
  if (reason.includes('EADDRINUSE')) {
    return `${address} is in use by another program: stop it, or choose another --port (0 picks a free one)`;
  }
  if (reason.includes('EADDRNOTAVAIL')) {
    return `${address} is no address of this machine: give --addr one that it has, such as 127.0.0.1 or 0.0.0.0`;
  }
  if (reason.includes('EACCES'))
    return `${address} needs more rights than this user has: choose a --port above 1023`;
  return `cannot listen on ${address}: ${reason}; check --addr and --port`;
}

/**
 * Sends GOAWAY and waits for the calls. Streams that never end by themselves (a watch of health, reflection) are
 * not waited for; neither is a connection, which its client may keep for ever.
 */
async function drain(server: Server, calls: Calls, limitMs: number): Promise<'drained' | 'cut'> {
  let isClosed = false;
  server.tryShutdown(() => {
    isClosed = true;
  });
  calls.endStreams();
  const until = Date.now() + limitMs;
  while (calls.inFlight > 0 && Date.now() < until) await delay(DRAIN_STEP_MS);
  const outcome = calls.inFlight > 0 ? 'cut' : 'drained';
  for (let waited = 0; !isClosed && waited < FLUSH_MS; waited += DRAIN_STEP_MS) await delay(DRAIN_STEP_MS);
  if (!isClosed) server.forceShutdown();
  return outcome;
}
