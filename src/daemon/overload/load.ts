import { Metadata, status } from '@grpc/grpc-js';
import type { Logger } from 'pino';
import { type Bounds, LIMITS } from '../../presence/limits.js';
import { Overloaded } from '../../presence/overloaded.js';

/** How often rejected calls are logged. Milliseconds. */
const LOG_INTERVAL_MS = 10_000;
/**
 * The trailer of a rejected call, which no other RESOURCE_EXHAUSTED carries. In gRPC it means "nothing was
 * done, retry after this many milliseconds" (gRFC A6). Clients with a retry policy for RESOURCE_EXHAUSTED
 * honour it.
 */
const TRY_AGAIN = new Metadata();
TRY_AGAIN.set('grpc-retry-pushback-ms', '100');

/** The status of a call or stream that was rejected. */
export interface CallRejection {
  code: status;
  details: string;
  metadata: Metadata;
}

/** A batch that waits for its turn. */
interface Waiting {
  readonly weight: number;
  readonly timer: NodeJS.Timeout;
  begin(hasRoom: boolean): void;
}

/** Limits the operations in flight at the store, and rejects the others. */
export class Load {
  readonly #bounds: Bounds;
  readonly #log: Logger;
  readonly #waiting = new Set<Waiting>();
  #operations = 0;
  #rejected = 0;
  #loggedAt = -Infinity;

  constructor(bounds: Bounds, log: Logger) {
    this.#bounds = bounds;
    this.#log = log;
  }

  /** Operations in flight. */
  get operations(): number {
    return this.#operations;
  }

  /** Starts operations; false if there is no room. Vital ones have extra room. */
  begin(weight: number, isVital = false): boolean {
    if (isVital ? !this.#fits(weight, LIMITS.vitalCalls.max) : this.#waiting.size > 0 || !this.#fits(weight))
      return false;
    this.#operations += weight;
    return true;
  }

  /** Runs operations. Throws {@link Overloaded} if there is no room. */
  async run<T>(weight: number, isVital: boolean, action: () => Promise<T>): Promise<T> {
    if (!this.begin(weight, isVital)) {
      this.rejectOperations();
      throw new Overloaded(this.#fullness);
    }
    try {
      return await action();
    } finally {
      this.end(weight);
    }
  }

  /** The operations have ended. The longest waiting ones are next. */
  end(weight: number): void {
    this.#operations -= weight;
    for (const waiting of this.#waiting) {
      if (!this.#fits(waiting.weight)) return;
      this.#operations += waiting.weight;
      this.#leave(waiting, true);
    }
  }

  /** Starts operations when it is their turn, in the order of the calls; false if that takes too long. */
  beginInTurn(weight: number): true | Promise<boolean> {
    if (this.begin(weight)) return true;
    return new Promise((begin) => {
      const timer = setTimeout(() => this.#leave(waiting, false), this.#bounds.turnMs);
      const waiting: Waiting = { weight, timer, begin };
      this.#waiting.add(waiting);
    });
  }

  /** The rejection of a call. Logs rejections from time to time. */
  reject(why: string): CallRejection {
    this.#rejected += 1;
    if (performance.now() - this.#loggedAt >= LOG_INTERVAL_MS) {
      this.#log.warn({ refused: this.#rejected, reason: why }, 'overloaded: rejecting calls');
      this.#loggedAt = performance.now();
      this.#rejected = 0;
    }
    const details = `${why}: nothing was done, try again in a while`;
    return { code: status.RESOURCE_EXHAUSTED, details, metadata: TRY_AGAIN };
  }

  /** See {@link reject}. */
  rejectOperations(): CallRejection {
    return this.reject(this.#fullness);
  }

  get #fullness(): string {
    return `the daemon has ${this.#operations} operations at the store`;
  }

  /** Operations that exceed the limit alone may start while there are no others. */
  #fits(weight: number, more = 0): boolean {
    return this.#operations === 0 || this.#operations + weight <= this.#bounds.operations + more;
  }

  #leave(waiting: Waiting, hasRoom: boolean): void {
    clearTimeout(waiting.timer);
    this.#waiting.delete(waiting);
    waiting.begin(hasRoom);
  }
}
