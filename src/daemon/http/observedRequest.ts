import { status } from '@grpc/grpc-js';
import { ImstateError } from 'imstate-client/internal/shared/errors';
import type { CallDetails } from '../observability/callDetails.js';
import type { CallObserver } from '../observability/callObserver.js';
import { relatedMetadata } from './relatedMetadata.js';
import type { Exchange, Route } from './routes.js';

/** A request before anything of it is read. */
type Received = Pick<Exchange, 'request' | 'response' | 'peer'>;

/** A request as the log, the metrics and the traces see it: like a call of gRPC. */
export class ObservedRequest {
  readonly #details: CallDetails | undefined;
  #code: status | undefined;
  #operations = 1;

  /** Observes the request until its response was sent or its connection closed. */
  constructor(observer: CallObserver, route: Route, { request, response, peer }: Received) {
    const begunAt = performance.now();
    const path = `/imstate.http/${route.call}`;
    const counts = observer.counts.of(path, route.isStream === true);
    counts.open += 1;
    if (observer.wantsDetails)
      this.#details = observer.begin({ path, metadata: relatedMetadata(request), peer });
    response.once('close', () => {
      const code = this.#code ?? (response.writableFinished ? status.OK : status.CANCELLED);
      const ms = performance.now() - begunAt;
      counts.open -= 1;
      counts.end(code, ms, this.#operations);
      this.#details?.end(code, ms, this.#operations);
    });
  }

  /** Notes whom the request concerns. The log masks the IDs. */
  about(ids: { userId?: string | undefined; deviceId?: string | undefined }): void {
    this.#details?.pass(ids, () => {});
  }

  /** Notes how many operations the request carries. */
  carries(operations: number): void {
    this.#operations = operations;
  }

  /** Runs an action within the span of the request. */
  async run<T>(action: () => Promise<T>): Promise<T> {
    const details = this.#details;
    if (details === undefined) return action();
    return new Promise<T>((resolve) => details.run(() => resolve(action())));
  }

  /** The request fails with the error. */
  fail(error: unknown): void {
    this.#code = error instanceof ImstateError ? error.status : status.INTERNAL;
  }
}
