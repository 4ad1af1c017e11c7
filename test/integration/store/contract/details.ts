import { beforeEach, describe, expect, test } from 'vitest';
import { NO_DETAILS } from '../../../../src/presence/details.ts';
import { REPLACE_ALL } from '../../../../src/presence/policyPresets.ts';
import type { Change } from '../../../../src/store/changeLog.ts';
import type { UserRead } from '../../../../src/store/operations.ts';
import type { PresenceStore, StoreOptions } from '../../../../src/store/store.ts';
import { eachWithStore, login, logout, type MakeStore, RETENTION } from './underTest.ts';

const DETAILS = { clientIp: '203.0.113.7', label: "Anna's phone", appVersion: '4.2.1' };
const IN_HISTORY = { ...DETAILS, clientIp: '203.0.113.0/24' };
const SESSION = { userId: 'alice', deviceId: 'phone', sessionId: 's1' };

/** The details of a login, the reason texts of evictions, and when a user was last seen. */
export function describeDetails(name: string, makeStore: MakeStore): void {
  describe(`details on the ${name}`, () => {
    const fixture = eachWithStore(makeStore);
    let store: PresenceStore;
    let changes: () => Promise<Change[]>;
    beforeEach(async () => {
      ({ store } = fixture);
      const log = store.changeLog();
      const shard = log.shardOf('alice');
      const { newest } = await log.ends(shard);
      changes = async () => {
        const { entries = [] } = (await log.read(shard, newest, 1_000)) ?? {};
        return entries.map(({ change }) => change);
      };
    });

    test('stand in the session, its changes and the history', async () => {
      await store.online(login({ details: DETAILS, metadata: { v: '1' } }));
      expect(await store.getDevice('alice', 'phone')).toMatchObject({
        details: DETAILS,
        metadata: { v: '1' },
      });
      expect(await store.getUser('alice')).toMatchObject([{ details: DETAILS, metadata: { v: '1' } }]);
      expect(await changes()).toMatchObject([{ began: { details: DETAILS } }]);
      await store.offline(logout());
      expect(await store.getDevice('alice', 'phone')).toMatchObject({ online: false, details: DETAILS });
      expect(await store.getHistory('alice')).toMatchObject([{ details: IN_HISTORY, reasonText: '' }]);
    });

    test('outlast a heartbeat, a grace and a listing', async () => {
      await store.online(login({ details: DETAILS, ttlMs: 60_000 }));
      await fixture.pass(1_000);
      await store.heartbeat(SESSION);
      await store.offline(logout({ graceMs: 5_000 }));
      const { sessions } = await store.listSessions({ serverAddr: undefined, limit: 10, after: undefined });
      expect(sessions.map(({ session }) => session.details)).toEqual([DETAILS]);
    });

    test.each(['2001:db8:1:2::7', '0.0.0.0', '255.255.255.255', '::', '::1'])(
      'keep the address %s',
      async (clientIp) => {
        await store.online(login({ details: { ...NO_DETAILS, clientIp } }));
        expect(await store.getDevice('alice', 'phone')).toMatchObject({ details: { clientIp } });
      },
    );

    test('a refresh replaces them', async () => {
      await store.online(login({ details: DETAILS }));
      await store.online(login({ details: { ...NO_DETAILS, label: '电话' } }));
      expect(await store.getDevice('alice', 'phone')).toMatchObject({
        details: { ...NO_DETAILS, label: '电话' },
      });
      await store.online(login());
      expect(await store.getDevice('alice', 'phone')).toMatchObject({ details: NO_DETAILS });
    });

    test('the longest details and metadata fit', async () => {
      const details = { clientIp: '2001:db8::7', label: '\u{1F600}'.repeat(64), appVersion: 'v'.repeat(32) };
      const metadata = { text: 'm'.repeat(1_000) };
      await store.online(login({ details, metadata }));
      await store.evictSession(SESSION, 'r'.repeat(256));
      expect(await store.getDevice('alice', 'phone')).toMatchObject({
        details,
        metadata,
        reasonText: 'r'.repeat(256),
      });
      expect(await store.getHistory('alice')).toMatchObject([{ reasonText: 'r'.repeat(256) }]);
    });

    test('a session that is replaced names the login that did it', async () => {
      await store.online(login());
      await store.online(login({ sessionId: 's2', details: DETAILS }));
      const [, own] = await changes();
      expect(own).toMatchObject({
        ended: { reason: 'REPLACED', by: undefined },
        began: { details: DETAILS },
      });
      const policy = REPLACE_ALL;
      await store.online(
        login({ deviceId: 'web', sessionId: 's3', details: DETAILS, policy, platform: 'web' }),
      );
      const ended = (await changes()).find(({ ended: each }) => each?.sessionId === 's2')?.ended;
      expect(ended?.by).toMatchObject({
        deviceId: 'web',
        sessionId: 's3',
        serverAddr: '10.0.0.1:9000',
        platform: 'web',
        details: DETAILS,
        loginTimeMs: fixture.now,
      });
    });

    describe('the reason text of an eviction', () => {
      const evictions: [string, (text: string) => Promise<unknown>][] = [
        ['a user', (text) => store.evictUser('alice', text)],
        ['a chat server', (text) => store.evictServer('10.0.0.1:9000', text)],
        ['a session', (text) => store.evictSession(SESSION, text)],
        ['a device', (text) => store.evictSession({ ...SESSION, sessionId: '' }, text)],
      ];

      test.each(evictions)(
        'of %s stands in the record, the change, the history and heartbeats',
        async (_, evict) => {
          await store.online(login({ details: DETAILS }));
          await evict('reported stolen');
          const expected = { endReason: 'EVICTED', reasonText: 'reported stolen' };
          expect(await store.getDevice('alice', 'phone')).toMatchObject({ ...expected, details: DETAILS });
          expect(await store.getHistory('alice')).toMatchObject([expected]);
          expect((await changes()).at(-1)?.ended).toMatchObject({
            reason: 'EVICTED',
            reasonText: 'reported stolen',
          });
          const ended = { reason: 'EVICTED', reasonText: 'reported stolen' };
          expect(await store.heartbeat(SESSION)).toEqual(ended);
          await store.online(login({ sessionId: 's2' }));
          expect(await store.heartbeat(SESSION)).toEqual(ended);
        },
      );

      test.each(evictions)('of %s may be left out', async (_, evict) => {
        await store.online(login());
        await evict('');
        expect(await store.getDevice('alice', 'phone')).toMatchObject({
          endReason: 'EVICTED',
          reasonText: '',
        });
        expect(await store.heartbeat(SESSION)).toEqual({ reason: 'EVICTED', reasonText: '' });
      });
    });

    test('a device without a session is not evicted', async () => {
      expect(await store.evictSession({ ...SESSION, sessionId: '' })).toBe(false);
      await store.online(login());
      await store.offline(logout());
      expect(await store.evictSession({ ...SESSION, sessionId: '' })).toBe(false);
    });
  });

  describe.each<[Partial<StoreOptions>, unknown]>([
    [{ historyIp: 'off' }, { ...DETAILS, clientIp: '' }],
    [{ historyIp: 'prefix' }, IN_HISTORY],
    [{ historyIp: 'full' }, DETAILS],
  ])(`the history with %o on the ${name}`, (options, details) => {
    const fixture = eachWithStore(makeStore, options);

    test('keeps as much of an address as it is to', async () => {
      const { store } = fixture;
      await store.online(login({ details: DETAILS }));
      await store.evictUser('alice', 'gone');
      expect(await store.getHistory('alice')).toMatchObject([{ details, reasonText: 'gone' }]);
    });

    test('has the network of an IPv6 address', async () => {
      const { store } = fixture;
      await store.online(login({ details: { ...NO_DETAILS, clientIp: '2001:db8:1:2::7' } }));
      await store.offline(logout());
      const [entry] = await store.getHistory('alice');
      const expected = { off: '', prefix: '2001:db8:1::/48', full: '2001:db8:1:2::7' };
      expect(entry?.details.clientIp).toBe(expected[options.historyIp ?? 'off']);
    });
  });

  describe(`no history on the ${name}`, () => {
    const fixture = eachWithStore(makeStore, { historyLimit: 0 });

    test('still recognises a late repeat of a login', async () => {
      const { store } = fixture;
      await store.online(login({ details: DETAILS }));
      await store.offline(logout());
      expect(await store.getHistory('alice')).toEqual([]);
      await store.online(login({ sessionId: 's2' }));
      expect(await store.online(login())).toMatchObject({ endReason: 'LOGOUT' });
      expect(await lastSeen(store)).toBe(fixture.now);
    });

    test('knows when a user was last seen for the retention only', async () => {
      const { store } = fixture;
      await store.online(login());
      await store.offline(logout());
      expect(await lastSeen(store)).toBe(fixture.now);
      await retentionIsOver(fixture);
      expect(await lastSeen(store)).toBeUndefined();
    });
  });

  describe(`last seen on the ${name}`, () => {
    const fixture = eachWithStore(makeStore);

    test('is now while a device is online', async () => {
      const { store } = fixture;
      await store.online(login());
      await fixture.pass(5_000);
      expect(await lastSeen(store)).toBe(fixture.now);
    });

    test('is the last end of a session, before and after the retention', async () => {
      const { store } = fixture;
      await store.online(login());
      await store.online(login({ deviceId: 'web', sessionId: 's2' }));
      await fixture.pass(1_000);
      await store.offline(logout());
      await fixture.pass(1_000);
      await store.offline(logout({ deviceId: 'web' }));
      const lastEnd = fixture.now;
      expect(await lastSeen(store)).toBe(lastEnd);
      await retentionIsOver(fixture);
      expect(await store.getUser('alice')).toEqual([]);
      expect(await lastSeen(store)).toBe(lastEnd);
    });

    test('is not known of a user without a session', async () => {
      expect(await lastSeen(fixture.store)).toBeUndefined();
    });

    test('is read for many users at once, and only if asked for', async () => {
      const { store, now } = fixture;
      const userIds = Array.from({ length: 500 }, (_, i) => `user-${i}`);
      await store.apply(userIds.map((userId) => ({ type: 'online', request: login({ userId }) })));
      await store.apply(userIds.map((userId) => ({ type: 'offline', request: logout({ userId }) })));
      await retentionIsOver(fixture);
      const read = async (includeLastSeen: boolean) =>
        (await store.apply(
          userIds.map((userId) => ({ type: 'getUser', request: { userId, includeLastSeen } })),
        )) as UserRead[];
      expect(new Set((await read(true)).map(({ lastSeenMs }) => lastSeenMs))).toEqual(new Set([now]));
      expect(new Set((await read(false)).map(({ lastSeenMs }) => lastSeenMs))).toEqual(new Set([undefined]));
    });
  });
}

async function lastSeen(store: PresenceStore): Promise<number | undefined> {
  const [read] = await store.apply([
    { type: 'getUser', request: { userId: 'alice', includeLastSeen: true } },
  ]);
  return (read as UserRead).lastSeenMs;
}

async function retentionIsOver(fixture: ReturnType<typeof eachWithStore>): Promise<void> {
  await fixture.pass(3_000 + RETENTION);
}
