import type { ServerResponse } from 'node:http';
import { ImstateError } from 'imstate-client/internal/shared/errors';
import { LIMITS } from '../../presence/limits.js';

/** The requests in flight, up to a limit: each may ask for a thousand entries, and never read them. */
export class RequestsInFlight {
  #count = 0;

  /**
   * A request begins, until its response was sent or its connection closed. Throws RESOURCE_EXHAUSTED at the
   * limit.
   */
  begin(response: ServerResponse): void {
    if (this.#count >= LIMITS.httpRequests.max) {
      throw new ImstateError(
        'RESOURCE_EXHAUSTED',
        `the daemon has ${this.#count} HTTP requests in flight: nothing was done, try again in a while`,
      );
    }
    this.#count += 1;
    response.once('close', () => {
      this.#count -= 1;
    });
  }
}
