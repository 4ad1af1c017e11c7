import type { Client } from '../../packages/client/src/index.ts';
import { until } from '../support/until.ts';

/** Who is online with which session, as a watch of everybody tells. */
export class Following {
  readonly sessions = new Map<string, string>();
  /** How often it was told that changes are gone. */
  losses = 0;
  #hasBegun = false;

  constructor(client: Client) {
    void this.#follow(client);
  }

  /** Waits until it has been told how things stand. */
  async begins(): Promise<void> {
    await until(() => this.#hasBegun, 'the snapshot is complete');
  }

  async #follow(client: Client): Promise<void> {
    for await (const event of client.watch({ everything: true })) {
      if (event.type === 'lost') {
        this.losses += 1;
        this.sessions.clear();
      } else if (event.type === 'synced') this.#hasBegun = true;
      else if (event.type === 'change') this.#note(event.userId, event.session?.sessionId);
      else if (event.type === 'snapshot') this.#note(event.userId, event.devices[0]?.sessionId);
    }
  }

  #note(userId: string, sessionId: string | undefined): void {
    if (sessionId === undefined) this.sessions.delete(userId);
    else this.sessions.set(userId, sessionId);
  }
}
