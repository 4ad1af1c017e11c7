import { setTimeout as delay } from 'node:timers/promises';
import type { Client, Watch, WatchEvent } from 'imstate';

type Tell = (userId: string, online: boolean) => void;

interface Contact {
  /** Undefined until imstate has told. */
  online: boolean | undefined;
  followers: Set<Tell>;
}

const PAUSE_MS = 1_000;

/**
 * Tells connections which of their contacts are online: one watch for all connections of this instance. A watch has at most 10,000
 * users; with more, spread them over several.
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

  /** Tells how each user stands, and then each change, until the returned function is called. Throws if all are too many. */
  follow(userIds: Iterable<string>, tell: Tell): () => void {
    const wanted = [...new Set(userIds)];
    this.#watch.add(wanted);
    for (const userId of wanted) {
      const contact = this.#contacts.get(userId) ?? { online: undefined, followers: new Set() };
      this.#contacts.set(userId, contact);
      contact.followers.add(tell);
      if (contact.online !== undefined) tell(userId, contact.online);
    }
    return () => this.#unfollow(wanted, tell);
  }

  close(): void {
    this.#isClosed = true;
    this.#watch.close();
  }

  #unfollow(userIds: string[], tell: Tell): void {
    for (const userId of userIds) {
      const contact = this.#contacts.get(userId);
      contact?.followers.delete(tell);
      if (contact?.followers.size !== 0) continue;
      this.#contacts.delete(userId);
      this.#watch.remove([userId]);
    }
  }

  /** The watch goes on by itself when daemons die. It only ends if none is there when it begins, and is begun anew then. */
  async #run(): Promise<void> {
    for (;;) {
      try {
        for await (const event of this.#watch) this.#take(event);
      } catch (error) {
        console.warn(`presence of contacts: ${(error as Error).message}`);
        await delay(PAUSE_MS);
      }
      if (this.#isClosed) return;
      this.#watch = this.#client.watch({ users: this.#contacts.keys() });
    }
  }

  /** When changes were lost, snapshots follow, so `lost` needs nothing here. */
  #take(event: WatchEvent): void {
    if (event.type === 'snapshot') this.#set(event.userId, event.devices.length > 0);
    if (event.type === 'change') this.#set(event.userId, event.userOnline);
  }

  #set(userId: string, online: boolean): void {
    const contact = this.#contacts.get(userId);
    if (contact === undefined || contact.online === online) return;
    contact.online = online;
    for (const tell of contact.followers) tell(userId, online);
  }
}
