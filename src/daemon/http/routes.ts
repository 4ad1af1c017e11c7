import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Caller, Role } from '../auth/roles.js';

/** A request, and where its answer goes. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Address of the caller, with its port unless a trusted proxy forwarded the request. */
  readonly peer: string;
  /** The query that is asked with. */
  readonly query: URLSearchParams;
  /** Who asks; undefined where everybody may do everything, and on routes that are open. */
  readonly caller: Caller | undefined;
  /** Notes whom it is about, for the log, which masks them. */
  about(ids: { userId?: string | undefined; deviceId?: string | undefined }): void;
  /** The body, as text; rejects with INVALID_ARGUMENT if it is too long. */
  body(): Promise<string>;
}

/** What is served at a path. */
export interface Route {
  readonly method: 'GET' | 'POST';
  /** As it is asked for, such as `/metrics`. */
  readonly path: string;
  /** What a caller needs, as for a method of gRPC; undefined for what is open to everybody. */
  readonly role: Role | undefined;
  /** True if a page asks by it whether it needs a token: without one it is rejected, which is no reason for a warning in the log. */
  readonly isSignIn?: boolean;
  /** The name under which requests are logged and counted; those of a route without one are not. */
  readonly call?: string;
  /** True for a stream of events. Those have a bound of their own, and what is open to everybody costs nothing. */
  readonly isStream?: boolean;
  /** Answers. What it throws is answered as an error, unless the answer has begun: then it is cut. */
  handle(exchange: Exchange): Promise<void> | void;
}
