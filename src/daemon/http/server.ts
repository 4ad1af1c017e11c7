import { lookup } from 'node:dns/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { faultJson } from 'imstate-client/internal/json';
import { formatHostPort } from 'imstate-client/internal/shared/address';
import { ImstateError, messageOf } from 'imstate-client/internal/shared/errors';
import type { Logger } from 'pino';
import { type Bounds, LIMITS } from '../../presence/limits.js';
import type { AuditTrail } from '../audit/auditTrail.js';
import { listenAt } from '../listening.js';
import type { CallObserver } from '../observability/callObserver.js';
import { OpenSockets } from '../overload/openSockets.js';
import { type AccessParts, HttpAccess } from './access.js';
import { handleAudited } from './auditedRoute.js';
import { readBody } from './body.js';
import { ObservedRequest } from './observedRequest.js';
import { sendError, sendJson, sendText } from './replies.js';
import { RequestsInFlight } from './requestsInFlight.js';
import type { Exchange, Route } from './routes.js';
import { RouteTable } from './routeTable.js';
import type { TrustedProxies } from './trustedProxies.js';

/** How often Node.js checks for late requests. Its default is 30 s, whatever the limits are. Milliseconds. */
const CHECK_MS = 1_000;

/** Where a daemon serves HTTP. */
export interface HttpOptions {
  /** Address to listen on; a name, an IPv4 or an IPv6 address. */
  addr: string;
  /** Port to listen on; 0 picks a free one. */
  port: number;
  /**
   * Origins of the console besides its own address, such as `http://presence.example` of a reverse proxy
   * without TLS.
   */
  origins?: readonly string[] | undefined;
  /**
   * IP addresses and CIDRs of the reverse proxies whose `X-Forwarded-*` headers are trusted. Default: none.
   */
  trustedProxies?: readonly string[] | undefined;
}

/** The parts of an {@link HttpServer}. */
export interface HttpParts extends AccessParts {
  routes: readonly Route[];
  log: Logger;
  observer: CallObserver;
  audit: AuditTrail;
  /** How long callers may take. */
  bounds: Pick<Bounds, 'silenceMs' | 'requestMs' | 'answerMs'>;
  /** Ends the event streams. */
  onEndStreams(): void;
  /** Closes what the routes hold. */
  onClose(): void;
}

/** Serves HTTP/1.1 beside gRPC: for orchestrators, Prometheus and people. */
export class HttpServer {
  readonly #server: Server;
  readonly #open = new OpenSockets();
  readonly #routes: RouteTable;
  readonly #access: HttpAccess;
  readonly #proxies: TrustedProxies;
  readonly #underWay = new RequestsInFlight();
  readonly #observer: CallObserver;
  readonly #audit: AuditTrail;
  readonly #log: Logger;
  readonly #onClose: () => void;
  /**
   * Ends the event streams, so that their readers move to another daemon. Other requests are still answered.
   * May be called twice.
   */
  readonly endStreams: () => void;

  constructor({ routes, observer, audit, bounds, onEndStreams, onClose, ...access }: HttpParts) {
    const { tls, proxies, log } = access;
    this.endStreams = onEndStreams;
    this.#onClose = onClose;
    this.#routes = new RouteTable(routes);
    this.#access = new HttpAccess(access);
    this.#proxies = proxies;
    this.#observer = observer;
    this.#audit = audit;
    this.#log = log;
    const limits = {
      maxHeaderSize: LIMITS.headers.max,
      requestTimeout: bounds.requestMs,
      headersTimeout: bounds.requestMs,
      connectionsCheckingInterval: CHECK_MS,
    };
    const take = (request: IncomingMessage, response: ServerResponse) => void this.#take(request, response);
    this.#server = tls
      ? tls.serveHttps({ ...limits, handshakeTimeout: bounds.silenceMs }, take)
      : createServer(limits, take);
    this.#server.maxConnections = LIMITS.httpConnections.max;
    this.#open.follow(this.#server);
    // For a socket on which neither side makes progress. Event streams send something about every 5 s.
    this.#server.timeout = bounds.answerMs;
  }

  /**
   * Resolves with the address, host:port, and the IP address, once requests are accepted there. Rejects with
   * ADDRESS_UNAVAILABLE.
   */
  async listen({ addr, port }: HttpOptions): Promise<{ addr: string; ip: string }> {
    const { address: ip } = await lookup(addr).catch((error) => {
      const message = `--http-addr ${addr} is no address and no name that is known here (${messageOf(error)})`;
      throw new ImstateError('ADDRESS_UNAVAILABLE', message, { cause: error, field: '--http-addr' });
    });
    const flags = { addr: '--http-addr', port: '--http-port' };
    const listening = await listenAt(this.#server, { host: ip, port }, flags);
    this.#server.on('error', (error) => this.#log.warn({ err: error }, 'cannot accept a connection'));
    return { addr: formatHostPort({ host: addr, port: listening }), ip };
  }

  /** Stops listening, and cuts requests in flight. May be called before listen() has resolved. */
  async close(): Promise<void> {
    this.endStreams();
    this.#onClose();
    if (!this.#server.listening) return;
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#open.destroy();
    await closed;
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // Node.js gives the socket to one response at a time. The others never learn that it was closed, and
    // would wait in memory without a limit.
    if (response.socket === null) {
      request.socket.destroy();
      return;
    }
    let observed: ObservedRequest | undefined;
    try {
      const { path, query } = targetOf(request);
      const found = this.#routes.find(request.method ?? '', path);
      if (found === undefined) {
        this.#sendNotFound(path, response);
        return;
      }
      const { route, segments } = found;
      const peer = this.#proxies.peerOf(request);
      if (route.call !== undefined)
        observed = new ObservedRequest(this.#observer, route, { request, response, peer });
      const caller = await this.#access.callerOf(request, route);
      // The caller left meanwhile: no further event reports that.
      if (response.destroyed) return;
      if (route.role !== undefined && !route.isStream) this.#underWay.begin(response);
      const about: Exchange['about'] = (ids) => observed?.about(ids);
      const body = onlyOnce(() => readBody(request, route.maxBodyBytes ?? LIMITS.httpBody.max));
      const checkServer: Exchange['checkServer'] = (server) =>
        this.#access.checkServer(request, { path, caller }, server);
      const carries: Exchange['carries'] = (operations) => observed?.carries(operations);
      const exchange = {
        request,
        response,
        peer,
        segments,
        query,
        caller,
        about,
        carries,
        body,
        checkServer,
      };
      const handle = () => handleAudited(this.#audit, route, exchange);
      const json = await (observed ? observed.run(handle) : handle());
      if (json !== undefined) sendJson(response, 200, json);
    } catch (error) {
      observed?.fail(error);
      this.#fail(request, response, error);
    }
  }

  #sendNotFound(path: string, response: ServerResponse): void {
    const methods = this.#routes.methodsOf(path);
    const isKnown = methods.length > 0;
    const text = isKnown ? `${path} takes ${methods.join(' or ')}` : `nothing is served at ${path}`;
    if (isKnown) response.setHeader('allow', methods.join(', '));
    const code = isKnown ? 405 : 404;
    if (!path.startsWith('/api/')) sendText(response, code, `${text}\n`);
    else sendJson(response, code, { error: faultJson(new ImstateError('UNIMPLEMENTED', text)) });
  }

  #fail(request: IncomingMessage, response: ServerResponse, error: unknown): void {
    // The caller is gone.
    if (response.destroyed) return;
    const isOurs = error instanceof ImstateError;
    if (!isOurs) {
      // Without the query, which may name a user.
      const { path } = targetOf(request);
      this.#log.error({ method: request.method, path, err: error }, 'internal error in a request');
    }
    if (response.headersSent) {
      response.destroy();
      return;
    }
    const said = isOurs ? error : new ImstateError('INTERNAL', 'internal error: see the log of the daemon');
    sendError(response, said);
  }
}

/** The path and the query as they were sent: a proxy may have checked them in this form. */
function targetOf({ url = '' }: IncomingMessage): { path: string; query: URLSearchParams } {
  // Clients send absolute URLs to proxies; a server must accept them too.
  const [, path = '', query] = /^(?:https?:\/\/[^/?]*)?([^?]*)(?:\?(.*))?$/i.exec(url) ?? [];
  return { path, query: new URLSearchParams(query) };
}

/** The function, called once: further calls return what the first returned. */
function onlyOnce<T>(make: () => T): () => T {
  let made: { value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
