import { credentials, type StatusObject } from '@grpc/grpc-js';
import type { WatchResponse__Output } from '../../packages/client/src/generated/imstate/v1/WatchResponse.ts';
import type { WatchStart } from '../../packages/client/src/generated/imstate/v1/WatchStart.ts';
import { loadProtos } from '../../packages/client/src/wire/protos.ts';
import { disposables } from './disposables.ts';

/** A watch that reads only its first response until resume(). */
export class UnreadWatch {
  readonly sessions: string[] = [];
  readonly ended: Promise<StatusObject>;
  isReading = false;
  readonly #stream;

  constructor(addr: string, start: WatchStart) {
    const { PresenceService } = loadProtos().types.imstate.v1;
    const client = new PresenceService(addr, credentials.createInsecure(), {
      'grpc.use_local_subchannel_pool': 1,
    });
    disposables.push(() => client.close());
    this.#stream = client.Watch();
    this.ended = new Promise((resolve) => this.#stream.on('status', resolve));
    this.#stream.on('error', () => {});
    this.#stream.on('data', ({ changes }: WatchResponse__Output) => {
      if (!this.isReading) this.#stream.pause();
      this.isReading = true;
      for (const { session } of changes) if (session) this.sessions.push(session.sessionId);
    });
    this.#stream.write({ start });
  }

  resume(): void {
    this.#stream.resume();
  }
}
