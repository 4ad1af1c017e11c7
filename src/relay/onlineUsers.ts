import type { Client, DeviceState, SessionsPage } from 'imstate-client';
import { backoffMs } from 'imstate-client/internal/shared/backoff';
import { includesUser, type RelayFilter } from './filter.js';
import { isPassing } from './passing.js';
import { waitFor } from './waitFor.js';

const PAGE_SIZE = 500;
const BACKOFF = { firstMs: 200, maxMs: 5_000 };

/** A user who is online, with the devices that are. */
export interface OnlineUser {
  userId: string;
  devices: DeviceState[];
  /** How many further devices one answer has no room for; undefined if none. */
  devicesOmitted: number | undefined;
}

/** The calls that a reader makes. */
export type OnlineUsersClient = Pick<Client, 'getUsers' | 'listSessions'>;

/**
 * Reads all users who are online, page by page, as fast as they are consumed. A part of the store that does not
 * answer is waited for. A user whose sessions are on several pages, or at several of the chat servers of the filter,
 * may come more than once, each time with all devices that the filter includes.
 */
export class OnlineUsers {
  readonly #client: OnlineUsersClient;
  readonly #filter: RelayFilter;
  readonly #signal: AbortSignal;

  constructor(client: OnlineUsersClient, filter: RelayFilter, signal: AbortSignal) {
    this.#client = client;
    this.#filter = filter;
    this.#signal = signal;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<OnlineUser, void> {
    for (const serverAddr of this.#filter.servers ?? [undefined]) yield* this.#of(serverAddr);
  }

  /** The users of a chat server; of all if it is undefined. */
  async *#of(serverAddr: string | undefined): AsyncGenerator<OnlineUser, void> {
    const { userPrefix: userIdPrefix } = this.#filter;
    let pageToken: string | undefined;
    do {
      const request = { serverAddr, userIdPrefix, pageToken, pageSize: PAGE_SIZE };
      const page = await this.#untilComplete(() => this.#client.listSessions(request));
      yield* this.#usersOf(page);
      pageToken = page.nextPageToken;
    } while (pageToken !== undefined);
  }

  async *#usersOf({ sessions }: SessionsPage): AsyncGenerator<OnlineUser, void> {
    const { servers } = this.#filter;
    const userIds = [...new Set(sessions.map(({ userId }) => userId))];
    if (userIds.length === 0) return;
    // As they are now, and not as they were when the page was read.
    const users = await this.#untilComplete(() => this.#client.getUsers(userIds));
    for (const { userId, devices, devicesOmitted } of users) {
      if (!includesUser(this.#filter, { userId })) continue;
      const online = devices.filter(
        (device) => device.online && (servers?.includes(device.serverAddr) ?? true),
      );
      if (online.length > 0) yield { userId, devices: online, devicesOmitted };
    }
  }

  /** Repeats a read until all of the store answers. */
  async #untilComplete<Result extends object>(read: () => Promise<Result>): Promise<Result> {
    for (let failures = 1; ; failures += 1) {
      this.#signal.throwIfAborted();
      try {
        const result = await read();
        if (!('partial' in result && result.partial)) return result;
      } catch (error) {
        if (!isPassing(error, true)) throw error;
      }
      await waitFor(backoffMs(failures, BACKOFF.firstMs, BACKOFF.maxMs), this.#signal);
    }
  }
}
