import { randomBytes } from 'node:crypto';
import type { Metadata } from '@grpc/grpc-js';

/** The IDs of requests, for the log and the audit trail. */
export class RequestIds {
  readonly #run = randomBytes(4).toString('hex');
  readonly #made = new WeakMap<Metadata, string>();
  #requests = 0;

  /** The ID of the request with this metadata: the one that the caller or a proxy has set, or else a new one. */
  of(metadata: Metadata): string {
    const known = idGiven(metadata) ?? this.#made.get(metadata);
    if (known !== undefined) return known;
    this.#requests += 1;
    const id = `${this.#run}-${this.#requests}`;
    this.#made.set(metadata, id);
    return id;
  }
}

/** The ID that was set, if it fits on a line. */
function idGiven(metadata: Metadata): string | undefined {
  const [id] = metadata.get('x-request-id');
  return typeof id === 'string' && /^[\w.:/+=-]{1,128}$/.test(id) ? id : undefined;
}
