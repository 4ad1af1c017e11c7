import type { Client } from '../../packages/client/src/index.ts';
import { until } from '../support/until.ts';

/** The sessions of all users, collected by a watch. */
export class Following {
  readonly sessions = new Map<string, string>();
  /** How many times the watch lost changes. */
  losses = 0;
  #isSynced = false;

  constructor(client: Client) {
    void this.#follow(client);
  }

  /** Waits for the snapshot. */
  async synced(): Promise<void> {
    await until(() => this.#isSynced, 'the snapshot is complete');
  }

  async #follow(client: Client): Promise<void> {
    for await (const event of client.watch({ everything: true })) {
      if (event.type === 'lost') {
        this.losses += 1;
        this.sessions.clear();
      } else if (event.type === 'synced') this.#isSynced = true;
      else if (event.type === 'change') this.#note(event.userId, event.session?.sessionId);
      else if (event.type === 'snapshot') this.#note(event.userId, event.devices[0]?.sessionId);
    }
  }

  #note(userId: string, sessionId: string | undefined): void {
    if (sessionId === undefined) this.sessions.delete(userId);
    else this.sessions.set(userId, sessionId);
  }
}
