import { setTimeout as delay, setImmediate } from 'node:timers/promises';
import type { StoredAuditRecord } from '../presence/audit.js';
import type { PastSession, Session } from '../presence/sessions.js';
import type { Change } from '../store/changeLog.js';
import type { Erasure } from '../store/erasure.js';
import { foreignPageToken, formatPageToken, parsePageToken } from '../store/pageToken.js';
import { ReadBudget } from '../store/reads.js';
import type { PresenceStore } from '../store/store.js';
import { listAudit } from './audit/listAudit.js';
import type { Presence } from './presence.js';
import type { WatchHub } from './watch/hub.js';

/** How long an erasure waits until watches have received the ends of the sessions. Milliseconds. */
const MAX_DELIVERY_MS = 10_000;
/** How long the other daemons of a store need for that: they poll twice in this time. Milliseconds. */
const OTHER_DAEMONS_MS = 1_000;
/** The reason text that the chat servers receive. */
const REASON = 'the user is being erased';
/** How many devices a page of an export has: with all their metadata they fit into a response. */
const DEVICES_PER_PAGE = 500;
const AUDIT_PER_PAGE = 500;

/** A page of what is kept of a user. */
export interface UserExport {
  devices: Session[];
  history: PastSession[];
  changes: Change[];
  audit: StoredAuditRecord[];
  /** The token of the next page; undefined on the last. */
  next: string | undefined;
}

/** What an erasure has done. */
export interface ErasedUser extends Erasure {
  sessionsEnded: number;
  auditRecords: number;
}

/** The lists of an export, in their order, and where each continues. */
const PARTS = ['devices', 'history', 'changes', 'audit'] as const;
type Part = (typeof PARTS)[number];
/** Where a page begins. */
type PagePosition = [part: Part, after: string];
const FIRST_PAGE: PagePosition = ['devices', ''];
/** What `after` may be: the number of devices, and the position in the change log. */
const AFTER: Record<Part, RegExp> = {
  devices: /^\d{0,9}$/,
  history: /^$/,
  changes: /^(\d{1,15}(-\d{1,15})?)?$/,
  audit: /^/,
};
/** A page with so many entries is sent; with the next part, however large, it still fits into a response. */
const FULL_PAGE = 250;
/** How many parts of the change log a page reads at most. */
const MAX_READS = 64;

/** Exports and erases what is kept of a user. */
export class UserData {
  readonly #store: PresenceStore;
  readonly #presence: Presence;
  readonly #hub: WatchHub;

  constructor(store: PresenceStore, presence: Presence, hub: WatchHub) {
    this.#store = store;
    this.#presence = presence;
    this.#hub = hub;
  }

  /**
   * A page of what is kept of a user: as many parts as have room, so that it is usually the only one. Throws
   * INVALID_ARGUMENT for a token that is none.
   */
  async export(userId: string, token: string | undefined, peer: string): Promise<UserExport> {
    let at: PagePosition | undefined = token === undefined ? FIRST_PAGE : readToken(token);
    const page: UserExport = { devices: [], history: [], changes: [], audit: [], next: undefined };
    for (let reads = 0; at !== undefined; reads++) {
      if (reads === MAX_READS || sizeOf(page) >= FULL_PAGE) {
        page.next = formatPageToken(at);
        break;
      }
      const [part, after]: PagePosition = at;
      const next: string | undefined = await this.#read(part, userId, after, peer, page);
      // The embedded store reads in this thread.
      await setImmediate();
      const following: Part | undefined = PARTS[PARTS.indexOf(part) + 1];
      at = next !== undefined ? [part, next] : following && [following, ''];
    }
    return page;
  }

  /**
   * Ends the sessions of a user, waits until watches have received that, removes what the store keeps, and
   * rewrites the audit trail.
   */
  async erase(userId: string, peer: string): Promise<ErasedUser> {
    // First: without it an erasure could not be finished.
    const pseudonym = await this.#store.pseudonymOf(userId);
    const { evicted } = await this.#presence.evict({ userId }, REASON, peer);
    await this.#deliver(userId, evicted);
    const erasure = await this.#store.eraseUser(userId);
    const auditRecords = await this.#store.eraseFromAudit(userId, pseudonym);
    return { ...erasure, sessionsEnded: evicted, auditRecords };
  }

  /** Resolves once watches have received the changes of a user, or after some time. */
  async #deliver(userId: string, ended: number): Promise<void> {
    const log = this.#store.changeLog();
    const { position } = await log.readUser(userId);
    const reached = this.#hub.reach(new Map([[log.shardOf(userId), position]]));
    const giveUp = new AbortController();
    const limit = delay(MAX_DELIVERY_MS, undefined, { signal: giveUp.signal }).catch(() => {});
    await Promise.race([reached, limit]);
    giveUp.abort();
    if (ended > 0) await delay(OTHER_DAEMONS_MS);
  }

  /** Reads a part into the page; resolves with where it continues. */
  async #read(
    part: Part,
    userId: string,
    after: string,
    peer: string,
    page: UserExport,
  ): Promise<string | undefined> {
    if (part === 'devices') {
      const from = Number(after);
      const devices = await this.#store.getUser(userId, new ReadBudget(peer));
      page.devices.push(...devices.slice(from, from + DEVICES_PER_PAGE));
      return from + DEVICES_PER_PAGE < devices.length ? `${from + DEVICES_PER_PAGE}` : undefined;
    }
    if (part === 'history') {
      page.history.push(...(await this.#store.getHistory(userId)));
      return undefined;
    }
    if (part === 'changes') {
      const { entries, next } = await this.#store.listChanges(userId, after || undefined);
      page.changes.push(...entries.map(({ change }) => change));
      return next;
    }
    const query = { userId, limit: AUDIT_PER_PAGE, after: after || undefined };
    const { records, next } = await listAudit(this.#store, { ...ANY_ACT, ...query });
    page.audit.push(...records);
    return next;
  }
}

const ANY_ACT = { sinceMs: undefined, identity: undefined, action: undefined, outcome: undefined };

function readToken(token: string): PagePosition {
  const [part, after] = parsePageToken(token, FIRST_PAGE);
  if (!PARTS.includes(part) || !AFTER[part].test(after)) throw foreignPageToken();
  return [part, after];
}

function sizeOf({ devices, history, changes, audit }: UserExport): number {
  return devices.length + history.length + changes.length + audit.length;
}
