import { status } from '@grpc/grpc-js';
import type { KeepServerAliveRequest__Output } from 'imstate-client/internal/generated/imstate/v1/KeepServerAliveRequest';
import type { KeepServerAliveResponse } from 'imstate-client/internal/generated/imstate/v1/KeepServerAliveResponse';
import { toDuration } from 'imstate-client/internal/wire/duration';
import { readKeepAlive } from '../messages/requests.js';
import { toServerDrain } from '../messages/responses.js';
import type { Outcomes } from '../observability/outcomes.js';
import type { Presence } from '../presence.js';
import type { StreamHandler } from './streamHandler.js';
import type { StreamSink } from './streamSink.js';

/** Handles one stream of KeepServerAlive: each message renews the lease of the chat server. */
export class KeepServerAliveHandler implements StreamHandler<KeepServerAliveRequest__Output> {
  readonly #presence: Presence;
  readonly #counts: Outcomes;
  readonly #sink: StreamSink<KeepServerAliveResponse>;
  /** Set by the first message. */
  #serverAddr = '';

  constructor(presence: Presence, counts: Outcomes, sink: StreamSink<KeepServerAliveResponse>) {
    this.#presence = presence;
    this.#counts = counts;
    this.#sink = sink;
  }

  async handle(request: KeepServerAliveRequest__Output, arrivedAt: number): Promise<void> {
    const keepAlive = readKeepAlive(request, this.#serverAddr);
    this.#serverAddr = keepAlive.serverAddr;
    const { resyncToken, drain, isPartial } = await this.#presence.keepServerAlive(keepAlive);
    this.#sink.write({
      timeToLive: toDuration(keepAlive.ttlMs),
      resync: resyncToken !== '',
      resyncToken,
      partial: isPartial,
      drain: toServerDrain(drain),
    });
    this.#counts.end(status.OK, performance.now() - arrivedAt);
  }
}
