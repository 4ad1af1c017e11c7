import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { SessionPolicy } from '../../../packages/client/src/shared/policy.ts';
import { checkPolicy } from '../../../src/presence/checkPolicy.ts';
import { NO_DETAILS } from '../../../src/presence/details.ts';
import { KEEP_ALL, REPLACE_ALL, REPLACE_SAME_PLATFORM } from '../../../src/presence/policyPresets.ts';
import type { KeepAlive } from '../../../src/presence/servers.ts';
import type { LoginResult, PastSession, Session } from '../../../src/presence/sessions.ts';
import type { PresenceStore } from '../../../src/store/store.ts';
import { logout, type MakeStore, login as makeLogin, type StoreUnderTest } from './contract/underTest.ts';
import { Model, type ModelResult, type ModelSession } from './model.ts';
import { makeEmbeddedStore, makeRedisStore } from './stores.ts';

const START = 1_700_000_000_000;
const RETENTION = 10_000;
/** Fewer than there are devices. */
const MAX_DEVICES = 2;
const RUNS = 50;
const TIMEOUT = { timeout: 600_000 };

interface System {
  underTest: StoreUnderTest;
  store: PresenceStore;
  /** The last resync token of each chat server, and the time of the resync in the model. */
  tokens: Map<string, { token: string; since: number | undefined }>;
}

type Step = fc.AsyncCommand<Model, System>;

const user = fc.constantFrom('alice', 'bob', '用户');
const device = fc.constantFrom('phone', 'web', 'a b');
const session = fc.constantFrom('s1', 's2', 's3', 's4', 's5');
const server = fc.constantFrom('10.0.0.1:9000', '[::1]:9000');
const platform = fc.constantFrom('ios', 'web', '');
const ttlMs = fc.constantFrom(0, 0, 2_000, 15_000);
const policy = fc.constantFrom<SessionPolicy>(
  KEEP_ALL,
  KEEP_ALL,
  KEEP_ALL,
  REPLACE_SAME_PLATFORM,
  REPLACE_ALL,
  checkPolicy({
    name: 'limits',
    classes: { mobile: ['ios'], browser: ['web'] },
    limits: [
      { per: 'class', class: 'mobile', max: 1, onConflict: 'KICK_OLDEST' },
      { per: 'platform', max: 1, onConflict: 'REJECT' },
      { per: 'user', max: 2, onConflict: 'KICK_ALL' },
    ],
  }),
  checkPolicy({
    name: 'exclusive',
    classes: { mobile: ['ios'], browser: ['web'] },
    limits: [{ per: 'user', max: 1, onConflict: 'REJECT' }],
    exclusive: [['mobile', 'browser']],
  }),
);
const incarnation = fc.constantFrom(0, 0, 1, 2);
const details = fc.constantFrom(
  NO_DETAILS,
  NO_DETAILS,
  { clientIp: '203.0.113.7', label: "Anna's phone", appVersion: '4.2.1' },
  { clientIp: '', label: '电话', appVersion: '' },
);
const metadata = fc.constantFrom({}, {}, { v: '1' });
const reasonText = fc.constantFrom('', 'reported stolen');

const logins = fc
  .record({
    userId: user,
    deviceId: device,
    sessionId: session,
    serverAddr: server,
    platform,
    ttlMs,
    policy,
    incarnation,
    details,
    metadata,
  })
  .chain((login) =>
    fc
      .record({ resentAgo: fc.constantFrom(0, 0, 0, 1, 5_000), isNew: fc.constantFrom(false, false, true) })
      .map((how) => ({ ...login, ...how })),
  );

let made = 0;

/** A result with its sessions by their IDs. */
function shownResult({ replaced, rejection, ...result }: LoginResult | ModelResult) {
  return {
    ...result,
    replaced: replaced.map(idOf).sort(),
    rejection: rejection && { limit: rejection.limit, conflicts: rejection.conflicts.map(idOf) },
  };
}

function idOf(session: string | { sessionId: string }): string {
  return typeof session === 'string' ? session : session.sessionId;
}

const steps: fc.Arbitrary<Step>[] = [
  logins.map(({ resentAgo, isNew, ...fields }) =>
    step(`online ${JSON.stringify({ ...fields, resentAgo, isNew })}`, async (model, { store }) => {
      const sessionId = isNew ? `made-${made++}` : fields.sessionId;
      const resentLoginTimeMs = resentAgo > 0 ? model.now - resentAgo : 0;
      const login = makeLogin({ ...fields, sessionId, resentLoginTimeMs, isNewSessionId: isNew });
      const expected = model.online(login);
      if (expected === 'RESOURCE_EXHAUSTED') {
        await expect(store.online(login)).rejects.toMatchObject({ code: expected });
        return;
      }
      expect(shownResult(await store.online(login))).toEqual(shownResult(expected));
    }),
  ),
  logins.map((fields) =>
    step(`validate ${JSON.stringify(fields)}`, async (model, { store }) => {
      const trial = makeLogin(fields);
      const expected = model.validate(trial);
      if (expected === 'RESOURCE_EXHAUSTED') {
        await expect(store.validateLogin(trial)).rejects.toMatchObject({ code: expected });
        return;
      }
      expect(shownResult(await store.validateLogin(trial))).toEqual(shownResult(expected));
    }),
  ),
  fc
    .record({
      userId: user,
      deviceId: device,
      sessionId: fc.option(session, { nil: undefined }),
      graceMs: fc.constantFrom(0, 0, 1_000, 6_000),
    })
    .map((fields) =>
      step(`offline ${JSON.stringify(fields)}`, async (model, { store }) => {
        const expected = model.offline(logout(fields));
        expect(await store.offline(logout(fields))).toBe(expected);
      }),
    ),
  fc.record({ userId: user, deviceId: device, sessionId: session }).map((ref) =>
    step(`heartbeat ${JSON.stringify(ref)}`, async (model, { store }) => {
      const expected = model.heartbeat(ref);
      expect((await store.heartbeat(ref))?.reason).toBe(expected === 'UNKNOWN' ? undefined : expected);
    }),
  ),
  fc
    .record({
      serverAddr: server,
      incarnation: fc.constantFrom(1, 1, 1, 2),
      ttlMs: fc.constantFrom(2_000, 10_000),
      isResynced: fc.boolean(),
    })
    .map((fields) =>
      step(`keepServerAlive ${JSON.stringify(fields)}`, async (model, { store, tokens }) => {
        const { isResynced, ...keepAlive } = fields;
        const resync = isResynced ? tokens.get(keepAlive.serverAddr) : undefined;
        const request: KeepAlive = { ...keepAlive, resynced: resync?.token ?? '' };
        const [known, isRequested] = model.keepServerAlive(request, resync?.since);
        const result = await store.keepServerAlive(request);
        const since = isRequested ? model.leases.get(keepAlive.serverAddr)?.resync : undefined;
        tokens.set(keepAlive.serverAddr, { token: result.resyncToken, since });
        expect([result.incarnation, result.resyncToken !== '']).toEqual([known, isRequested]);
      }),
    ),
  fc.tuple(server, fc.constantFrom(undefined, 0, 1_000, 4_000, 20_000)).map(([serverAddr, graceMs]) =>
    step(`drainServer ${serverAddr} ${graceMs}`, async (model, { store }) => {
      const expected = model.drainServer(serverAddr, graceMs);
      const drain = graceMs === undefined ? undefined : { overMs: 60_000, graceMs };
      expect((await store.drainServer({ serverAddr, drain })).hasLease).toBe(expected);
    }),
  ),
  fc.tuple(user, device).map(([userId, deviceId]) =>
    step(`getDevice ${userId} ${deviceId}`, async (model, { store }) => {
      const found = await store.getDevice(userId, deviceId);
      expect(found && plain(found)).toEqual(model.read(userId, deviceId).map(modelPlain)[0]);
    }),
  ),
  user.map((userId) =>
    step(`getUser ${userId}`, async (model, { store }) => {
      expect((await store.getUser(userId)).map(plain)).toEqual(model.read(userId).map(modelPlain));
    }),
  ),
  fc.tuple(fc.oneof(user, server), reasonText).map(([whose, text]) =>
    step(`evict ${whose} ${text}`, async (model, { store }) => {
      const isWhose = (each: ModelSession) => each.userId === whose || each.serverAddr === whose;
      const expected = model.evict(isWhose, text);
      const evicted = whose.includes(':')
        ? (await store.evictServer(whose, text)).evicted
        : await store.evictUser(whose, text);
      expect(evicted).toBe(expected);
    }),
  ),
  fc.constantFrom(1, 500, 1_999, 2_999, RETENTION / 2, RETENTION).map((ms) =>
    step(`wait ${ms}`, async (model, { underTest }) => {
      model.now += ms;
      underTest.setClock(model.now);
    }),
  ),
  fc.constant(step('sweep', sweep)),
  fc.constant(
    step('sweep and compare all', async (model, system) => {
      await sweep(model, system);
      const { store } = system;
      const online = model.listOnline();
      const { sessions } = await store.listSessions({ serverAddr: undefined, limit: 100, after: undefined });
      const name = (each: { userId: string; deviceId: string; sessionId: string }) =>
        [each.userId, each.deviceId, each.sessionId].join('/');
      expect(sessions.map((each) => name({ userId: each.userId, ...each.session })).sort()).toEqual(
        online.map(name).sort(),
      );
      const stats = await store.getStats();
      expect([stats.users, stats.devices]).toEqual([
        new Set(online.map(({ userId }) => userId)).size,
        online.length,
      ]);
      expect(Object.fromEntries(stats.byServer)).toEqual(countBy(online, ({ serverAddr }) => serverAddr));
      expect(Object.fromEntries(stats.byPlatform)).toEqual(countBy(online, (each) => each.platform));
      for (const userId of ['alice', 'bob', '用户']) {
        const expected = model.history
          .filter((each) => each.userId === userId)
          .map(({ userId: _, ...past }) => textOf(past));
        expect((await store.getHistory(userId)).map(textOf).sort()).toEqual(expected.sort());
      }
    }),
  ),
];

async function sweep(model: Model, { store }: System): Promise<void> {
  model.sweep();
  while (await store.sweep());
}

function countBy(
  sessions: ModelSession[],
  nameOf: (session: ModelSession) => string,
): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const each of sessions) counts[nameOf(each)] = (counts[nameOf(each)] ?? 0) + 1;
  return counts;
}

describe.each<[string, MakeStore]>([
  ['embedded', makeEmbeddedStore],
  // One shard: a lease that a login creates or takes over is known only in the shard of the user.
  ['Redis', (options) => makeRedisStore({ ...options, shards: 1 })],
])('random operations on the %s store', (name, makeStore) => {
  test('have the same results as in the model', TIMEOUT, async () => {
    const property = fc.asyncProperty(
      fc.commands(steps, { maxCommands: 80, size: 'max' }),
      async (commands) => {
        await withStore(makeStore, async (system) => {
          await fc.asyncModelRun(
            () => ({ model: new Model(START, RETENTION, MAX_DEVICES), real: system }),
            commands,
          );
        });
      },
    );
    await fc.assert(property, { numRuns: RUNS });
  });

  test('have the results of some sequential order if executed concurrently', TIMEOUT, async () => {
    const change = fc.record({
      deviceId: device,
      sessionId: session,
      kind: fc.constantFrom('online', 'offline', 'fenced offline'),
    });
    const property = fc.asyncProperty(fc.array(change, { minLength: 2, maxLength: 40 }), async (changes) => {
      await withStore(makeStore, ({ store }) => checkConcurrent(store, changes));
    });
    await fc.assert(property, { numRuns: name === 'Redis' ? RUNS : RUNS / 2 });
  });
});

interface Change {
  deviceId: string;
  sessionId: string;
  kind: string;
}

/**
 * Makes the changes concurrently, and checks the results of each device: its logins, replacements and logouts
 * must form a chain that ends in the state of the store. Logins beyond the device limit are rejected without
 * a trace.
 */
async function checkConcurrent(store: PresenceStore, changes: Change[]): Promise<void> {
  const unique = changes.map((each, i) => ({ ...each, sessionId: `${each.sessionId}-${i}` }));
  const answers = await Promise.all(
    unique.map(async ({ deviceId, sessionId, kind }, i) => {
      if (kind === 'online') {
        const [result] = await store.apply([{ type: 'online', request: makeLogin({ deviceId, sessionId }) }]);
        if (result instanceof Error) expect(result).toMatchObject({ code: 'RESOURCE_EXHAUSTED' });
        return result instanceof Error ? { deviceId } : { deviceId, sessionId, ...(result as LoginResult) };
      }
      const fence = kind === 'offline' ? undefined : unique[(i + 1) % unique.length]?.sessionId;
      return { deviceId, applied: await store.offline(logout({ deviceId, sessionId: fence })) };
    }),
  );
  const online = (await store.getUser('alice')).filter((each) => each.online);
  expect(online.length).toBeLessThanOrEqual(MAX_DEVICES);
  for (const deviceId of new Set(unique.map((each) => each.deviceId))) {
    const ofDevice = answers.filter((answer) => answer.deviceId === deviceId);
    const begun = ofDevice.flatMap((answer) => ('sessionId' in answer ? [answer.sessionId] : []));
    const replaced = ofDevice.flatMap((answer) =>
      'replaced' in answer ? answer.replaced.map((each) => each.sessionId) : [],
    );
    const loggedOut = ofDevice.filter((answer) => 'applied' in answer && answer.applied).length;
    const last = await store.getDevice('alice', deviceId);
    expect(new Set(replaced).size).toBe(replaced.length);
    expect(begun).toEqual(expect.arrayContaining(replaced));
    expect(begun.length - replaced.length - loggedOut).toBe(last?.online ? 1 : 0);
    if (last !== undefined) expect(begun).toContain(last.sessionId);
  }
}

async function withStore(makeStore: MakeStore, use: (system: System) => Promise<void>): Promise<void> {
  const underTest = await makeStore({
    retentionMs: RETENTION,
    historyLimit: 1_000,
    historyRetentionMs: 86_400_000,
    historyIp: 'prefix',
    changeLimit: 100,
    auditLimit: 100,
    maxDevices: MAX_DEVICES,
  });
  try {
    underTest.setClock(START);
    await underTest.store.open();
    await use({ underTest, store: underTest.store, tokens: new Map() });
  } finally {
    await underTest.remove();
  }
}

function step(name: string, run: (model: Model, system: System) => Promise<void>): Step {
  return { check: () => true, run, toString: () => name };
}

/** A session of the history, in a certain order of its keys. */
function textOf({ details: { clientIp, label, appVersion }, ...past }: PastSession): string {
  return JSON.stringify([Object.entries(past).sort(), clientIp, label, appVersion]);
}

/** The part of a session that the model knows. */
function plain({ lease, metadata: _, ...known }: Session) {
  return { ...known, incarnation: lease?.incarnation ?? 0 };
}

function modelPlain({ userId: _, ...known }: ModelSession) {
  return known;
}
