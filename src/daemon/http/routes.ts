import type { IncomingMessage, ServerResponse } from 'node:http';
import type { LIMITS } from '../../presence/limits.js';
import type { Caller, Role } from '../auth/roles.js';

/** A request and its response. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** The address of the caller: with its port, unless a trusted proxy forwarded the request. */
  readonly peer: string;
  /** What stands in the path for the `{names}` of the route, decoded. */
  readonly segments: Readonly<Record<string, string>>;
  /** The query of the URL. */
  readonly query: URLSearchParams;
  /** The identity of the caller; undefined if authentication is off, and on open routes. */
  readonly caller: Caller | undefined;
  /** Notes whom the request concerns, for the log, which masks the IDs. */
  about(ids: { userId?: string | undefined; deviceId?: string | undefined }): void;
  /** Notes how many operations a request about many users carries, for the metrics and the log. */
  carries(operations: number): void;
  /** Throws PERMISSION_DENIED if the caller is bound to other chat servers than the one that the field names. */
  checkServer(server: { field: string; addr: string }): void;
  /** The body, as text, however often it is asked for; rejects with INVALID_ARGUMENT if it is too long. */
  body(): Promise<string>;
}

/** What is served at a path. */
export interface Route {
  readonly method: 'GET' | 'POST' | 'PUT';
  /** The path as requested, such as `/metrics`; `{name}` stands for one segment. */
  readonly path: string;
  /** The required role, as for a method of gRPC; undefined if the route is open to everybody. */
  readonly role: Role | undefined;
  /**
   * True if a page uses it to find out whether it needs a token: a call without one is rejected, but not
   * logged.
   */
  readonly isSignIn?: boolean;
  /** The name under which requests are logged and counted; requests of a route without one are not. */
  readonly call?: string;
  /** The limit of the body; {@link LIMITS}.httpBody by default. */
  readonly maxBodyBytes?: number | undefined;
  /** True for an event stream. Event streams have their own limit, and open routes have none. */
  readonly isStream?: boolean;
  /**
   * Responds, or returns the JSON to respond with. If it throws, the error is the response; if the response has
   * begun, it is cut.
   */
  handle(exchange: Exchange): Promise<object | undefined> | Promise<void> | object | void;
}
