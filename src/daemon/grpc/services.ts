import { addAdminServicesToServer, type Server } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { ReflectionService } from '@grpc/reflection';
import { HealthImplementation, protoPath as healthProto } from 'grpc-health-check';
import { loadCodec } from 'imstate-client/internal/wire/codec';
import { loadProtos } from 'imstate-client/internal/wire/protos';
import type { Relays } from '../relays.js';
import type { UserData } from '../userData.js';
import type { Calls } from './calls.js';
import { loadDefinition } from './definition.js';
import { withHealthDetails } from './healthDetails.js';
import { watchingKnownNames } from './healthNames.js';
import { policyCalls } from './policyCalls.js';
import { type PresenceParts, presenceServiceHandlers } from './presenceService.js';
import { relayCalls } from './relayCalls.js';
import { upgradeCalls } from './upgradeCalls.js';
import { userDataCalls } from './userDataCalls.js';
import { userStatusHandlers } from './userStatus.js';

/** Names with a health status: the daemon as a whole, and each service. */
const HEALTH_NAMES = ['', 'pb.UserStatus', 'imstate.v1.PresenceService'];

/** Methods whose streams retain strings of their messages: users, chat servers, the address of a lease. */
const KEEPING = ['Watch', 'KeepServerAlive'];

/** What the services work with. */
export interface ServiceParts extends PresenceParts {
  readonly relays: Relays;
  readonly userData: UserData;
  /** See --max-devices. Health reports it. */
  readonly maxDevices: number;
}

/** Adds both services, health, reflection and channelz to a server. Health starts as NOT_SERVING. */
export class Services {
  readonly #health: HealthImplementation;

  constructor(server: Server, calls: Calls, parts: ServiceParts) {
    addPresence(server, calls, parts);
    this.#health = new HealthImplementation(
      Object.fromEntries(HEALTH_NAMES.map((name) => [name, 'NOT_SERVING'])),
    );
    this.#health.addToServer(watchingKnownNames(withHealthDetails(server, parts), HEALTH_NAMES));
    new ReflectionService({ ...loadDefinition(), ...loadSync(healthProto) }).addToServer(server);
    addAdminServicesToServer(server);
  }

  setServing(serving: boolean): void {
    for (const name of HEALTH_NAMES) this.#health.setStatus(name, serving ? 'SERVING' : 'NOT_SERVING');
  }
}

function addPresence(server: Server, calls: Calls, parts: ServiceParts): void {
  const { presence, policies, relays, userData, hub, operations } = parts;
  const { types } = loadProtos();
  const codec = loadCodec();
  server.addService(codec.serve(types.pb.UserStatus.service), userStatusHandlers(presence, policies, calls));
  const { service } = types.imstate.v1.PresenceService;
  const handlers = {
    ...presenceServiceHandlers({ presence, policies, hub, operations }, calls),
    ...policyCalls(policies, calls),
    ...relayCalls(relays, calls),
    ...upgradeCalls(presence, calls),
    ...userDataCalls(userData, calls),
  };
  server.addService(codec.serve(service, KEEPING), handlers);
}
