import type { Logger } from 'pino';
import type { Registry } from '../../../registry/registry.js';
import type { Role } from '../../auth/roles.js';
import type { DaemonChecks } from '../../daemonChecks.js';
import type { Load } from '../../overload/load.js';
import type { Policies } from '../../policies.js';
import type { Presence } from '../../presence.js';
import type { Relays } from '../../relays.js';
import type { WatchHub } from '../../watch/hub.js';
import type { Exchange } from '../routes.js';
import type { EventStreams } from './eventStreams.js';
import type { Parameters } from './parameters.js';

/** What the calls use: the same core as the gRPC services. */
export interface ApiParts {
  presence: Presence;
  policies: Policies;
  relays: Relays;
  hub: WatchHub;
  load: Load;
  registry: Registry;
  streams: EventStreams;
  daemonChecks: DaemonChecks;
  log: Logger;
  /** The address under which this daemon is registered, host:port. */
  advertised(): string;
}

/** One call of the API. docs/openapi.yaml describes each; a test compares them. */
export interface ApiCall {
  readonly method: 'GET' | 'POST' | 'PUT';
  /** Its path is `/api/v1/` and this name: that of the command that prints the same. */
  readonly name: string;
  /** The required role. */
  readonly role: Role;
  /** The names of the query parameters. */
  readonly parameters: readonly string[];
  /** See Route.isSignIn. */
  readonly isSignIn?: boolean;
  /** See Route.maxBodyBytes. */
  readonly maxBodyBytes?: number;
  /** True if it responds with an event stream. */
  readonly isStream?: boolean;
  /** The response as JSON; undefined if it is an event stream, which has begun. */
  answer(parameters: Parameters, exchange: Exchange): Promise<object | undefined>;
}
