import type { ServerHttp2Session } from 'node:http2';
import { Metadata, status } from '@grpc/grpc-js';
import type { ConnectionCounts } from './connectionCounts.js';
import type { Ending } from './requests/readCall.js';

/** Spreads the maximum age by this share, so that connections opened together do not close together. */
const JITTER = 0.1;
/** When streams that have not ended are cut, as a share of the grace. */
const LAST_CALL = 0.9;

const RETRY_AT_ONCE = new Metadata();
RETRY_AT_ONCE.set('grpc-retry-pushback-ms', '0');

/**
 * Ends a stream whose connection has reached its maximum age. In gRPC the trailer means "retry at once" (gRFC
 * A6): the TypeScript client continues without reporting an error.
 */
export const AGED: Ending = {
  code: status.UNAVAILABLE,
  details: 'the connection has reached its maximum age (--max-connection-age): continue on another one',
  metadata: RETRY_AT_ONCE,
};

/** True if a stream ended only because of the age of its connection: nothing has failed. */
export function isAged({ code, details }: { code?: status | null; details?: string | null }): boolean {
  return code === AGED.code && details === AGED.details;
}

/** Ends the streams of connections. */
export interface StreamsOfConnections {
  /** Ends each as soon as that is no loss for its caller. */
  endStreamsOf(connection: object): void;
  /** Ends those that are left, at once. */
  cutStreamsOf(connection: object): void;
}

/** How long connections may last. Milliseconds. */
export interface AgeLimits {
  /** 0 means no limit. */
  maxAgeMs: number;
  graceMs: number;
}

/**
 * Closes connections that have reached their maximum age, so that callers behind a TCP balancer, or of a name
 * with several addresses, also find newer daemons. GOAWAY is sent first, so new calls use another connection.
 * Calls in flight are answered, streams are ended, and after the grace the connection is destroyed.
 */
export class ConnectionAge {
  readonly #limits: AgeLimits;
  readonly #streams: StreamsOfConnections;
  readonly #counts: ConnectionCounts;

  constructor(limits: AgeLimits, streams: StreamsOfConnections, counts: ConnectionCounts) {
    this.#limits = limits;
    this.#streams = streams;
    this.#counts = counts;
  }

  readonly onSession = (session: ServerHttp2Session): void => {
    const { maxAgeMs } = this.#limits;
    if (maxAgeMs === 0) return;
    const ageMs = maxAgeMs * (1 - JITTER + 2 * JITTER * Math.random());
    const timer = setTimeout(() => this.#retire(session), ageMs).unref();
    session.once('close', () => clearTimeout(timer));
  };

  #retire(session: ServerHttp2Session): void {
    // The daemon stops, or closes it for another reason.
    if (session.closed || session.destroyed) return;
    this.#counts.closed.age += 1;
    // GOAWAY names the latest stream that was read. Later ones were not processed, and clients retry them.
    session.close();
    this.#streams.endStreamsOf(session);
    const { graceMs } = this.#limits;
    const timers = [
      setTimeout(() => this.#streams.cutStreamsOf(session), graceMs * LAST_CALL).unref(),
      setTimeout(() => session.destroy(), graceMs).unref(),
    ];
    session.once('close', () => {
      for (const timer of timers) clearTimeout(timer);
    });
  }
}
