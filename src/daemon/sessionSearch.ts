import { createHash } from 'node:crypto';
import { LIMITS } from '../presence/limits.js';
import type { FoundSessions, SessionFilter, SessionPage, SessionsPage } from '../presence/listings.js';
import { Overloaded } from '../presence/overloaded.js';
import type { UserSession } from '../presence/sessions.js';
import { foreignPageToken, formatPageToken, parsePageToken } from '../store/pageToken.js';
import type { PresenceStore } from '../store/store.js';

/** Sessions of a page of the store: it blocks the store, or the daemon, for a millisecond or two. */
const PAGE_SIZE = 250;
/** The most pages of the store that one call reads, even if they list few sessions. */
const MAX_READS = 100;
/** How long the searches pause after a page, relative to the time that it took. */
const PAUSE_SHARE = 2;
const MAX_PAUSE_MS = 500;
/** What a page token holds: the search that it belongs to, and where the store continues. */
const TOKEN_SHAPE: [search: string, after: string] = ['', ''];

/**
 * Finds sessions without an index: it reads the listing of the store, and keeps the sessions that pass a
 * filter. All searches together read one small page at a time, and leave the store to others for twice as
 * long after it, so that logins hardly wait for them.
 */
export class SessionSearch {
  readonly #store: Pick<PresenceStore, 'listSessions'>;
  /** Resolves when the next page may be read. */
  #turn = Promise.resolve();
  #running = 0;

  constructor(store: Pick<PresenceStore, 'listSessions'>) {
    this.#store = store;
  }

  /**
   * A page of the sessions that pass, after a bounded number of sessions; it may be empty. It stops early once
   * nobody waits for it.
   */
  async find(page: SessionPage, filter: SessionFilter, isAwaited: () => boolean): Promise<FoundSessions> {
    const search = digestOf(page, filter);
    const start = startOf(page, search);
    if (this.#running >= LIMITS.searches.max)
      throw new Overloaded(`the daemon runs ${this.#running} searches for sessions`);
    this.#running += 1;
    try {
      const { next, ...found } = await this.#scan({ ...page, after: start }, passes(filter), isAwaited);
      return { ...found, next: next && formatPageToken([search, next]) };
    } finally {
      this.#running -= 1;
    }
  }

  async #scan(
    { serverAddr, limit, after }: SessionPage,
    isFound: (session: UserSession) => boolean,
    isAwaited: () => boolean,
  ): Promise<FoundSessions> {
    const result: FoundSessions = { sessions: [], next: after, isPartial: false, scanned: 0 };
    let size = PAGE_SIZE;
    for (let reads = 0; reads < MAX_READS && isAwaited(); reads++) {
      const page = await this.#read({ serverAddr, limit: size, after: result.next });
      const found = page.sessions.filter(isFound);
      // A page of the store can continue at its end only: a page that finds too many is read in parts.
      if (result.sessions.length + found.length > limit) {
        size = Math.ceil(size / 2);
        continue;
      }
      result.sessions.push(...found);
      result.next = page.next;
      result.isPartial ||= page.isPartial;
      result.scanned += page.sessions.length;
      const isFull = result.sessions.length === limit || result.scanned >= LIMITS.searchedSessions.max;
      if (page.next === undefined || isFull) break;
    }
    return result;
  }

  /** Reads a page when it is the turn of the search. */
  async #read(page: SessionPage): Promise<SessionsPage> {
    const turn = this.#turn;
    let end = () => {};
    this.#turn = new Promise((resolve) => {
      end = resolve;
    });
    await turn;
    const startedAt = performance.now();
    try {
      return await this.#store.listSessions(page);
    } finally {
      setTimeout(end, Math.min(MAX_PAUSE_MS, PAUSE_SHARE * (performance.now() - startedAt)));
    }
  }
}

function passes({ userIdPrefix = '', deviceId, sessionId }: SessionFilter) {
  return ({ userId, session }: UserSession): boolean =>
    userId.startsWith(userIdPrefix) &&
    (deviceId === undefined || session.deviceId === deviceId) &&
    (sessionId === undefined || session.sessionId === sessionId);
}

function digestOf({ serverAddr }: SessionPage, { userIdPrefix, deviceId, sessionId }: SessionFilter): string {
  const search = JSON.stringify([serverAddr ?? '', userIdPrefix ?? '', deviceId ?? '', sessionId ?? '']);
  return createHash('sha256').update(search).digest('base64url').slice(0, 16);
}

function startOf({ after }: SessionPage, search: string): string | undefined {
  if (after === undefined) return undefined;
  const [ofSearch, start] = parsePageToken(after, TOKEN_SHAPE);
  if (ofSearch !== search) throw foreignPageToken();
  return start;
}
