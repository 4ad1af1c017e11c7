import type { IncomingMessage } from 'node:http';
import { Metadata, status } from '@grpc/grpc-js';
import { ImstateError } from 'imstate-client/internal/shared/errors';
import type { CallDetails } from '../observability/callDetails.js';
import type { CallObserver } from '../observability/callObserver.js';
import type { Exchange, Route } from './routes.js';

/** Headers that say to what a request belongs. */
const TOLD = ['x-request-id', 'traceparent', 'tracestate'];

/** What was received before anything of it is read. */
type Received = Pick<Exchange, 'request' | 'response' | 'peer'>;

/** A request as the log, the metrics and the traces see it: as they see a call of gRPC. */
export class ObservedRequest {
  readonly #details: CallDetails | undefined;
  #code: status | undefined;

  /** Begins to look at it, until its answer is taken or its connection closed. */
  constructor(observer: CallObserver, route: Route, { request, response, peer }: Received) {
    const begunAt = performance.now();
    const path = `/imstate.http/${route.call}`;
    const counts = observer.counts.of(path, route.isStream === true);
    counts.open += 1;
    if (observer.wantsDetails) this.#details = observer.begin({ path, metadata: toldBy(request), peer });
    response.once('close', () => {
      const code = this.#code ?? (response.writableFinished ? status.OK : status.CANCELLED);
      const ms = performance.now() - begunAt;
      counts.open -= 1;
      counts.end(code, ms);
      this.#details?.end(code, ms);
    });
  }

  /** Notes whom it is about: the log has them masked. */
  about(ids: { userId?: string | undefined; deviceId?: string | undefined }): void {
    this.#details?.pass(ids, () => {});
  }

  /** Does what belongs to its span. */
  async run(action: () => Promise<void> | void): Promise<void> {
    const details = this.#details;
    if (details) await new Promise<void>((resolve) => details.run(() => resolve(action())));
    else await action();
  }

  /** It fails, and is answered so. */
  fail(error: unknown): void {
    this.#code = error instanceof ImstateError ? error.status : status.INTERNAL;
  }
}

function toldBy({ headers }: IncomingMessage): Metadata {
  const metadata = new Metadata();
  // Metadata throws at other bytes, which none of them has.
  for (const name of TOLD)
    if (/^[\x20-\x7e]+$/.test(String(headers[name] ?? ''))) metadata.set(name, String(headers[name]));
  return metadata;
}
