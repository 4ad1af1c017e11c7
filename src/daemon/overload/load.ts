import { Metadata, status } from '@grpc/grpc-js';
import type { Logger } from 'pino';
import { type Bounds, LIMITS } from '../../presence/limits.js';

/** How often it is said that calls are refused. Milliseconds. */
const LOG_INTERVAL_MS = 10_000;
/**
 * A refused call carries this trailer, which no other RESOURCE_EXHAUSTED has: gRPC's word for "nothing was done, try again
 * after so many milliseconds" (gRFC A6). Clients with a retry policy for RESOURCE_EXHAUSTED keep to it.
 */
const TRY_AGAIN = new Metadata();
TRY_AGAIN.set('grpc-retry-pushback-ms', '100');

/** What a call or a stream that was not taken up ends with. */
export interface Refusal {
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

/** How much work is under way at the store, in operations, and what is refused because it is too much. */
export class Load {
  readonly #bounds: Bounds;
  readonly #log: Logger;
  readonly #waiting = new Set<Waiting>();
  #operations = 0;
  #refused = 0;
  #saidAt = -Infinity;

  constructor(bounds: Bounds, log: Logger) {
    this.#bounds = bounds;
    this.#log = log;
  }

  /** Operations that were begun and have not ended. */
  get operations(): number {
    return this.#operations;
  }

  /** Begins so many operations; false if there is no room. What is vital has room of its own on top. */
  begin(weight: number, isVital = false): boolean {
    if (isVital ? !this.#fits(weight, LIMITS.vitalCalls.max) : this.#waiting.size > 0 || !this.#fits(weight))
      return false;
    this.#operations += weight;
    return true;
  }

  /** The operations have ended: whoever waits longest is next. */
  end(weight: number): void {
    this.#operations -= weight;
    for (const waiting of this.#waiting) {
      if (!this.#fits(waiting.weight)) return;
      this.#operations += waiting.weight;
      this.#leave(waiting, true);
    }
  }

  /** Begins so many operations when it is their turn; false if that takes too long. In the order of the calls. */
  beginInTurn(weight: number): true | Promise<boolean> {
    if (this.begin(weight)) return true;
    return new Promise((begin) => {
      const timer = setTimeout(() => this.#leave(waiting, false), this.#bounds.turnMs);
      const waiting: Waiting = { weight, timer, begin };
      this.#waiting.add(waiting);
    });
  }

  /** What a call that was not taken up is answered with; now and then the log is told. */
  refuse(why: string): Refusal {
    this.#refused += 1;
    if (performance.now() - this.#saidAt >= LOG_INTERVAL_MS) {
      this.#log.warn(
        { refused: this.#refused },
        `more is asked than this daemon takes: ${why}; such calls are refused`,
      );
      this.#saidAt = performance.now();
      this.#refused = 0;
    }
    const details = `${why}: nothing was done, try again in a while`;
    return { code: status.RESOURCE_EXHAUSTED, details, metadata: TRY_AGAIN };
  }

  /** See {@link refuse}. */
  refuseOperations(): Refusal {
    return this.refuse(`the daemon has ${this.#operations} operations at the store`);
  }

  /** One that is larger than everything may go when it is alone. */
  #fits(weight: number, more = 0): boolean {
    return this.#operations === 0 || this.#operations + weight <= this.#bounds.operations + more;
  }

  #leave(waiting: Waiting, hasRoom: boolean): void {
    clearTimeout(waiting.timer);
    this.#waiting.delete(waiting);
    waiting.begin(hasRoom);
  }
}
