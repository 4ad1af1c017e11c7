import type { WatchRequest__Output } from 'imstate-client/internal/generated/imstate/v1/WatchRequest';
import type { WatchResponse } from 'imstate-client/internal/generated/imstate/v1/WatchResponse';
import { broken } from '../../presence/validate.js';
import { readUsers, readWatchTarget } from '../messages/requests.js';
import type { Shared } from '../watch/backlog.js';
import type { WatchHub } from '../watch/hub.js';
import { Watch } from '../watch/watch.js';
import type { WatchMessage } from '../watch/watchMessage.js';
import type { WatchSink } from '../watch/watchSink.js';
import type { StreamHandler } from './streamHandler.js';
import type { StreamSink } from './streamSink.js';

/** Handles the messages of one stream of Watch: its start, then updates. */
export class WatchHandler implements StreamHandler<WatchRequest__Output> {
  readonly outlivesRequests = true;
  readonly #hub: WatchHub;
  readonly #sink: StreamSink<WatchResponse>;
  #watch: Watch | undefined;
  #hasUpdate = false;

  constructor(hub: WatchHub, sink: StreamSink<WatchResponse>) {
    this.#hub = hub;
    this.#sink = sink;
  }

  async handle({ start, update }: WatchRequest__Output): Promise<void> {
    if (this.#watch === undefined) {
      if (!start) throw broken('start', 'must be in the first message of a watch');
      this.#watch = new Watch(this.#hub, new FramedWatchSink(this.#sink), readWatchTarget(start));
      this.#watch.start();
      return;
    }
    if (!update) throw broken('update', 'must be in the further messages of a watch');
    this.#hasUpdate = true;
    const { addUserIds, removeUserIds } = update;
    this.#watch.update(readUsers('add_user_ids', addUserIds), readUsers('remove_user_ids', removeUserIds));
  }

  async ready(): Promise<void> {
    // Otherwise updates of a caller that does not read would pile up, each as large as a request may be.
    if (this.#hasUpdate) await this.#watch?.settled();
  }

  async canEnd(): Promise<void> {
    await this.#watch?.canResume();
  }

  close(): void {
    this.#watch?.close();
  }

  disconnected(): void {
    this.#watch?.disconnected();
  }
}

/** Writes the messages of a watch to its gRPC stream. */
class FramedWatchSink implements WatchSink {
  readonly #sink: StreamSink<WatchResponse>;

  constructor(sink: StreamSink<WatchResponse>) {
    this.#sink = sink;
  }

  send({ framed }: WatchMessage, onTaken: () => void): Shared {
    this.#sink.send(framed, onTaken);
    return framed;
  }

  end(error: unknown): void {
    this.#sink.end(error);
  }

  reset(): void {
    this.#sink.reset();
  }
}
