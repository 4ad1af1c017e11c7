import { setTimeout as delay } from 'node:timers/promises';
import type { Client, Watch, WatchEvent } from 'imstate-client';

type Notify = (userId: string, online: boolean) => void;

interface Contact {
  /** Undefined until the first event. */
  online: boolean | undefined;
  followers: Set<Notify>;
}

const PAUSE_MS = 1_000;

/**
 * Notifies connections which of their contacts are online, with one watch for all connections of this
 * instance. A watch has at most 10,000 users; with more, use several watches.
 */
export class Contacts {
  readonly #client: Client;
  readonly #contacts = new Map<string, Contact>();
  #watch: Watch;
  #isClosed = false;

  constructor(client: Client) {
    this.#client = client;
    this.#watch = client.watch({ users: [] });
    void this.#run();
  }

  /**
   * Notifies of the state of each user and then of each change, until the returned function is called. Throws
   * if the watch has too many users.
   */
  follow(userIds: Iterable<string>, notify: Notify): () => void {
    const wanted = [...new Set(userIds)];
    this.#watch.add(wanted);
    for (const userId of wanted) {
      const contact = this.#contacts.get(userId) ?? { online: undefined, followers: new Set() };
      this.#contacts.set(userId, contact);
      contact.followers.add(notify);
      if (contact.online !== undefined) notify(userId, contact.online);
    }
    return () => this.#unfollow(wanted, notify);
  }

  close(): void {
    this.#isClosed = true;
    this.#watch.close();
  }

  #unfollow(userIds: string[], notify: Notify): void {
    for (const userId of userIds) {
      const contact = this.#contacts.get(userId);
      contact?.followers.delete(notify);
      if (contact?.followers.size !== 0) continue;
      this.#contacts.delete(userId);
      this.#watch.remove([userId]);
    }
  }

  /**
   * A watch reconnects by itself when daemons fail. It only ends if no daemon is available at its start. Then
   * start another one.
   */
  async #run(): Promise<void> {
    for (;;) {
      try {
        for await (const event of this.#watch) this.#receive(event);
      } catch (error) {
        console.warn(`presence of contacts: ${(error as Error).message}`);
        await delay(PAUSE_MS);
      }
      if (this.#isClosed) return;
      this.#watch = this.#client.watch({ users: this.#contacts.keys() });
    }
  }

  /** After lost changes, snapshots follow, so `lost` needs no handling. */
  #receive(event: WatchEvent): void {
    if (event.type === 'snapshot') this.#set(event.userId, event.devices.length > 0);
    if (event.type === 'change') this.#set(event.userId, event.userOnline);
  }

  #set(userId: string, online: boolean): void {
    const contact = this.#contacts.get(userId);
    if (contact === undefined || contact.online === online) return;
    contact.online = online;
    for (const notify of contact.followers) notify(userId, online);
  }
}
