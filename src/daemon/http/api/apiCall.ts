import type { Logger } from 'pino';
import type { Registry } from '../../../registry/registry.js';
import type { Role } from '../../auth/roles.js';
import type { Presence } from '../../presence.js';
import type { WatchHub } from '../../watch/hub.js';
import type { Exchange } from '../routes.js';
import type { EventStreams } from './eventStreams.js';
import type { Parameters } from './parameters.js';

/** What the API is made of: the same core as the gRPC services. */
export interface ApiParts {
  presence: Presence;
  hub: WatchHub;
  registry: Registry;
  streams: EventStreams;
  log: Logger;
  /** The address under which this daemon is registered, host:port. */
  advertised(): string;
}

/** One call of the API. docs/openapi.yaml describes each; a test holds the two together. */
export interface ApiCall {
  readonly method: 'GET' | 'POST';
  /** Its path is `/api/v1/` and this: the name of the command that prints the same. */
  readonly name: string;
  /** The least role of a caller. */
  readonly role: Role;
  /** Those of the query. */
  readonly parameters: readonly string[];
  /** See Route.isSignIn. */
  readonly isSignIn?: boolean;
  /** Whether it answers with a stream of events. */
  readonly isStream?: boolean;
  /** What to answer as JSON; undefined if the answer is a stream, which then has begun. */
  answer(parameters: Parameters, exchange: Exchange): Promise<object | undefined>;
}
