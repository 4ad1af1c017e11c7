import { afterEach, beforeEach } from 'vitest';
import type { SessionRef } from '../../../../packages/client/src/shared/session.ts';
import { NO_DETAILS } from '../../../../src/presence/details.ts';
import { KEEP_ALL } from '../../../../src/presence/policyPresets.ts';
import type { ChatServer, KeepAlive } from '../../../../src/presence/servers.ts';
import type { Login, Logout } from '../../../../src/presence/sessions.ts';
import type { PresenceStore, StoreOptions } from '../../../../src/store/store.ts';

/** A store on a separate prefix or directory, with a clock that the test sets. */
export interface StoreUnderTest {
  readonly store: PresenceStore;
  /** Closes the store, and opens its data as another daemon would. */
  reopen(): Promise<void>;
  /** The store of another daemon on the same data, not open yet. For stores that several daemons share. */
  another(): PresenceStore;
  /** Sets the store's clock, in milliseconds since 1970. */
  setClock(ms: number): void;
  /** How many entries without expiry the store holds, except the change log: to find leaks. */
  countEntries(): Promise<number>;
  /** Everything that the store holds. */
  dump(): Promise<Buffer>;
  remove(): Promise<void>;
}

/** Creates a store; `shards` is for stores that have several. */
export type MakeStore = (
  options: Omit<StoreOptions, 'clock'> & { shards?: number },
) => Promise<StoreUnderTest>;

export const START = 1_700_000_000_000;
export const RETENTION = 180_000;
export const HISTORY_LIMIT = 40;
export const HISTORY_RETENTION = 3_600_000;

/** The options of a store. */
export const STORE_OPTIONS = {
  retentionMs: RETENTION,
  historyLimit: HISTORY_LIMIT,
  historyRetentionMs: HISTORY_RETENTION,
  historyIp: 'prefix' as const,
  changeLimit: 10_000,
  maxDevices: 1_000,
  auditLimit: 1_000,
};

/** The store of the current test. */
export interface Fixture {
  readonly underTest: StoreUnderTest;
  readonly store: PresenceStore;
  /** The time that pass() has reached, in milliseconds since 1970. */
  readonly now: number;
  /** Advances the clock by `ms`, sweeping as daemons do. */
  pass(ms: number): Promise<void>;
  /** Sweeps until nothing is due. */
  sweepAll(): Promise<void>;
  /** The chat servers of all pages, with `limit` on each. */
  allServers(limit?: number): Promise<ChatServer[]>;
}

/** Creates and opens a store at START for each test, and removes it afterwards. */
export function eachWithStore(makeStore: MakeStore, changes: Partial<StoreOptions> = {}): Fixture {
  let underTest: StoreUnderTest;
  let now = 0;
  beforeEach(async () => {
    underTest = await makeStore({ ...STORE_OPTIONS, ...changes });
    now = 0;
    underTest.setClock(START);
    await underTest.store.open();
  });
  afterEach(() => underTest.remove());
  const fixture: Fixture = {
    get underTest() {
      return underTest;
    },
    get store() {
      return underTest.store;
    },
    get now() {
      return START + now;
    },
    async pass(ms) {
      for (const until = now + ms; now < until; ) {
        // Shorter than an outage, and short enough for tests of leases.
        now = Math.min(now + (ms > 60_000 ? 2_500 : 500), until);
        underTest.setClock(START + now);
        await fixture.sweepAll();
      }
    },
    async sweepAll() {
      while (await underTest.store.sweep());
    },
    async allServers(limit = 1_000) {
      const all: ChatServer[] = [];
      let after: string | undefined;
      do {
        const { servers, next } = await underTest.store.listServers({ limit, after });
        all.push(...servers);
        after = next;
      } while (after !== undefined && all.length < 5_000);
      return all;
    },
  };
  return fixture;
}

/** A login of alice's phone, with changes. */
export function login(changes: Partial<Login> = {}): Login {
  return {
    userId: 'alice',
    deviceId: 'phone',
    sessionId: 's1',
    serverAddr: '10.0.0.1:9000',
    platform: 'ios',
    ttlMs: 0,
    metadata: {},
    details: NO_DETAILS,
    policy: KEEP_ALL,
    incarnation: 0,
    resentLoginTimeMs: 0,
    isNewSessionId: false,
    ...changes,
  };
}

/** A logout of the current session of alice's phone, with changes. */
export function logout(changes: Partial<Logout> = {}): Logout {
  return { userId: 'alice', deviceId: 'phone', sessionId: undefined, graceMs: 0, ...changes };
}

/** A keep-alive of the chat server of alice's phone, with changes. */
export function keepAlive(changes: Partial<KeepAlive> = {}): KeepAlive {
  return { serverAddr: '10.0.0.1:9000', incarnation: 1, ttlMs: 10_000, resynced: '', ...changes };
}

/** The session of a login. */
export function refOf({ userId, deviceId, sessionId }: Login): SessionRef {
  return { userId, deviceId, sessionId };
}
