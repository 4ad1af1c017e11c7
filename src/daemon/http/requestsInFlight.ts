import type { ServerResponse } from 'node:http';
import { ImstateError } from 'imstate-client/internal/shared/errors';
import { LIMITS } from '../../presence/limits.js';

/** The requests that are under way, up to a limit: each may ask for a thousand entries, and read none of them. */
export class RequestsInFlight {
  #count = 0;

  /** One begins, until its answer is taken or its connection closed; throws RESOURCE_EXHAUSTED if there is no room for it. */
  begin(response: ServerResponse): void {
    if (this.#count >= LIMITS.httpRequests.max) {
      throw new ImstateError(
        'RESOURCE_EXHAUSTED',
        `the daemon has ${this.#count} requests of HTTP: nothing was done, try again in a while`,
      );
    }
    this.#count += 1;
    response.once('close', () => {
      this.#count -= 1;
    });
  }
}
