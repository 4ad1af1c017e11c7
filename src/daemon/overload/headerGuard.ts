import { constants, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import type { Logger } from 'pino';
import { LIMITS } from '../../presence/limits.js';
import type { SessionListener } from '../internals/grpcHttp2Sessions.js';
import type { ConnectionCounts } from './connectionCounts.js';
import type { MalformedRequests } from './malformedRequests.js';

const CHECK_INTERVAL_MS = 500;
const LOG_INTERVAL_MS = 60_000;
/** The error of nghttp2 for headers in too many frames. Node.js resets the call and closes the connection. */
const TOO_MANY_CONTINUATIONS = -905;

const REFUSED = `HTTP/2 does not accept the headers of calls: metadata must be at most ${LIMITS.headers.max} bytes`;

/** The headers of a connection. */
interface Headers {
  readonly peer: string;
  /** The latest stream whose headers are complete. */
  completeId: number;
  /** A later stream whose headers have begun; 0 if there is none. */
  begunId: number;
  /** Checks since then. */
  checks: number;
  /** Bytes received up to the latest check. */
  bytes: number;
  /** How many checks in a row found no more bytes. */
  quietChecks: number;
}

/**
 * Notices headers that HTTP/2 rejects before a call begins. If there are too many, or one is invalid, Node.js
 * resets the stream. If a value has 64 KiB or more, Node.js sends GOAWAY and stops reading, but leaves the
 * connection open, so callers wait until their deadline. No event reports either, but the session has begun a
 * stream that never arrives. A ping tells them apart: the peer answers only when its headers are complete,
 * and Node.js reads the answer only if it still reads.
 */
export class HeaderGuard implements SessionListener {
  readonly #log: Logger;
  readonly #counts: ConnectionCounts;
  readonly #malformed: MalformedRequests | undefined;
  readonly #requestMs: number;
  readonly #sessions = new Map<ServerHttp2Session, Headers>();
  readonly #timer: NodeJS.Timeout;
  #refusedSinceLog = 0;
  #loggedAt = -Infinity;

  /** `requestMs` is how long incomplete headers may take. */
  constructor(requestMs: number, log: Logger, counts: ConnectionCounts, malformed?: MalformedRequests) {
    this.#requestMs = requestMs;
    this.#log = log;
    this.#counts = counts;
    this.#malformed = malformed;
    this.#timer = setInterval(() => this.#check(), CHECK_INTERVAL_MS).unref();
  }

  onSession(session: ServerHttp2Session): void {
    const { remoteAddress, remotePort } = session.socket;
    const peer = `${remoteAddress}:${remotePort}`;
    this.#sessions.set(session, { peer, completeId: 0, begunId: 0, checks: 0, bytes: 0, quietChecks: 0 });
    session.once('close', () => this.#sessions.delete(session));
  }

  onStream({ session, id = 0 }: ServerHttp2Stream): void {
    const headers = this.#sessions.get(session as ServerHttp2Session);
    if (headers) headers.completeId = id;
  }

  onSessionError(error: Error, session: ServerHttp2Session): void {
    const headers = this.#sessions.get(session);
    if (headers === undefined || (error as NodeJS.ErrnoException).errno !== TOO_MANY_CONTINUATIONS) return;
    this.#noteClosed(session, headers);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #check(): void {
    for (const [session, headers] of this.#sessions) {
      if (!session.closed && !session.destroyed) this.#checkSession(session, headers);
    }
  }

  /**
   * Counts checks rather than time: the event loop reads between checks, so a blocked daemon does not blame
   * its peers.
   */
  #checkSession(session: ServerHttp2Session, headers: Headers): void {
    const { bytesRead } = session.socket;
    const isQuiet = bytesRead === headers.bytes;
    if (isQuiet && headers.begunId === 0) return;
    headers.bytes = bytesRead;
    headers.quietChecks = isQuiet ? headers.quietChecks + 1 : 0;
    headers.checks += 1;
    const lastId = session.state.lastProcStreamID ?? 0;
    if (lastId <= headers.completeId) headers.begunId = 0;
    else if (lastId !== headers.begunId) this.#begin(session, headers, lastId);
    else if (this.#isLate(headers)) this.#close(session, headers);
  }

  #isLate({ quietChecks, checks }: Headers): boolean {
    return (
      quietChecks * CHECK_INTERVAL_MS >= LIMITS.headersPause.max ||
      checks * CHECK_INTERVAL_MS >= this.#requestMs
    );
  }

  #close(session: ServerHttp2Session, headers: Headers): void {
    this.#noteClosed(session, headers);
    session.destroy(new Error('the headers of a call are not complete'), constants.NGHTTP2_ENHANCE_YOUR_CALM);
  }

  #noteClosed(session: ServerHttp2Session, headers: Headers): void {
    this.#counts.closed.headers += 1;
    this.#malformed?.leaveOut(session);
    this.#note(headers);
  }

  #begin(session: ServerHttp2Session, headers: Headers, id: number): void {
    headers.begunId = id;
    headers.checks = 0;
    headers.quietChecks = 0;
    session.ping((error) => {
      if (error) return;
      // A stream whose headers preceded the answer exists by then.
      setImmediate(() => {
        if (headers.completeId >= id || headers.begunId !== id) return;
        // If no call has ever arrived, they count as malformed requests.
        if (headers.completeId > 0) this.#note(headers);
        headers.completeId = id;
      });
    });
  }

  #note({ peer }: Headers): void {
    this.#counts.refusedHeaders += 1;
    this.#refusedSinceLog += 1;
    if (performance.now() - this.#loggedAt < LOG_INTERVAL_MS) return;
    this.#log.warn({ refused: this.#refusedSinceLog, peer }, REFUSED);
    this.#loggedAt = performance.now();
    this.#refusedSinceLog = 0;
  }
}
