import type { ServerHttp2Session } from 'node:http2';
import type { Logger } from 'pino';

const CHECK_INTERVAL_MS = 3_000;
const LOG_INTERVAL_MS = 60_000;

/** A session in which no request has arrived yet. */
interface Suspect {
  address: string | undefined;
  /** Requests that HTTP/2 had read at the last check. */
  read: number;
  /** How many of them were counted. */
  counted: number;
}

/**
 * Counts requests that HTTP/2 resets as malformed, and warns of them. Node.js resets them without an event,
 * before gRPC sees them. The usual cause is a Go client with grpc-go up to 1.56. It sends the name of the
 * service, with its slash, as `:authority`, and then no request of its connection ever arrives. So a session
 * in which HTTP/2 has read requests, but none has arrived, is such a client. Once a request has arrived, a
 * session costs nothing.
 */
export class MalformedRequests {
  readonly #message: string;
  readonly #log: Logger;
  readonly #suspects = new Map<ServerHttp2Session, Suspect>();
  readonly #timer: NodeJS.Timeout;
  #total = 0;
  /** Since the latest warning, and the address of the latest of them. */
  #unlogged = 0;
  #address: string | undefined;
  #loggedAt = Number.NEGATIVE_INFINITY;

  /** `service` is the name under which daemons register. Such a client sends it. */
  constructor(service: string, log: Logger) {
    this.#message =
      'HTTP/2 reset requests as malformed: if the client uses grpc-go up to 1.56, give it ' +
      `grpc.WithAuthority(${JSON.stringify(encodeURIComponent(service))}) or update it, as docs/migrating.md describes`;
    this.#log = log;
    this.#timer = setInterval(() => this.#checkAll(), CHECK_INTERVAL_MS).unref();
  }

  /** How many there were since the start. */
  get total(): number {
    return this.#total;
  }

  readonly onSession = (session: ServerHttp2Session): void => {
    const { socket } = session;
    const suspect: Suspect = { address: socket.remoteAddress, read: 0, counted: 0 };
    const onClose = () => this.#check(session, suspect, true);
    this.#suspects.set(session, suspect);
    // Runs before Node.js ends the session, which has no counters afterwards.
    socket.prependListener('close', onClose);
    session.once('stream', () => {
      this.#suspects.delete(session);
      socket.off('close', onClose);
    });
    session.once('close', () => this.#suspects.delete(session));
  };

  /** The session is closed for another reason: its requests do not count as malformed. */
  leaveOut(session: ServerHttp2Session): void {
    this.#suspects.delete(session);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #checkAll(): void {
    for (const [session, suspect] of this.#suspects) this.#check(session, suspect, false);
    this.#warn();
  }

  /** In an open session, requests count at the next check: the headers of a newer one may be incomplete. */
  #check(session: ServerHttp2Session, suspect: Suspect, isClosing: boolean): void {
    if (!this.#suspects.has(session)) return;
    const before = suspect.read;
    // The stream IDs of a client are odd: 1, 3, 5.
    suspect.read = Math.ceil((session.state.lastProcStreamID ?? 0) / 2);
    const malformed = (isClosing ? suspect.read : before) - suspect.counted;
    if (malformed <= 0) return;
    suspect.counted += malformed;
    this.#total += malformed;
    this.#unlogged += malformed;
    this.#address = suspect.address;
    this.#warn();
  }

  #warn(): void {
    if (this.#unlogged === 0 || performance.now() - this.#loggedAt < LOG_INTERVAL_MS) return;
    this.#log.warn({ requests: this.#unlogged, address: this.#address }, this.#message);
    this.#loggedAt = performance.now();
    this.#unlogged = 0;
  }
}
