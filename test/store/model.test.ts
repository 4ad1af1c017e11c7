import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { PresenceStore, Session } from '../../src/store/store.ts';
import { type MakeStore, login as makeLogin, type StoreUnderTest } from './contract.ts';
import { makeEmbeddedStore, makeRedisStore } from './stores.ts';

const START = 1_700_000_000_000;
const RETENTION = 10_000;
const RUNS = 40;

/** The rules of presence in their plainest form: a map, without a thought for speed. */
class Model {
  now = START;
  readonly sessions = new Map<string, Session>();

  online(userId: string, deviceId: string, sessionId: string, serverAddr: string) {
    const key = `${userId}/${deviceId}`;
    const current = this.#readable(key);
    const isRefresh = current?.online && current.sessionId === sessionId;
    const loginTimeMs = isRefresh ? current.loginTimeMs : this.now;
    this.sessions.set(key, {
      ...{
        deviceId,
        sessionId,
        serverAddr,
        platform: 'ios',
        online: true,
        loginTimeMs,
        lastSeenMs: this.now,
      },
      ...{ logoutTimeMs: undefined, endReason: undefined },
    });
    return { loginTimeMs, replaced: current?.online && !isRefresh ? current.sessionId : undefined };
  }

  offline(userId: string, deviceId: string, sessionId: string | undefined): boolean {
    const key = `${userId}/${deviceId}`;
    const current = this.#readable(key);
    if (!current?.online || (sessionId !== undefined && sessionId !== current.sessionId)) return false;
    const ended = {
      online: false,
      lastSeenMs: this.now,
      logoutTimeMs: this.now,
      endReason: 'LOGOUT' as const,
    };
    this.sessions.set(key, { ...current, ...ended });
    return true;
  }

  getDevice(userId: string, deviceId: string): Session | undefined {
    return this.#readable(`${userId}/${deviceId}`);
  }

  getUser(userId: string): Session[] {
    return [...this.sessions.keys()]
      .filter((key) => key.startsWith(`${userId}/`))
      .flatMap((key) => this.#readable(key) ?? [])
      .sort((a, b) => b.loginTimeMs - a.loginTimeMs || (a.deviceId < b.deviceId ? -1 : 1));
  }

  #readable(key: string): Session | undefined {
    const session = this.sessions.get(key);
    if (session?.logoutTimeMs !== undefined && session.logoutTimeMs + RETENTION <= this.now) return undefined;
    return session;
  }
}

interface System {
  underTest: StoreUnderTest;
  store: PresenceStore;
}

type Step = fc.AsyncCommand<Model, System>;

const user = fc.constantFrom('alice', 'bob', '用户');
const device = fc.constantFrom('phone', 'web', 'a b');
const session = fc.constantFrom('s1', 's2', 's3');
const server = fc.constantFrom('10.0.0.1:9000', '[::1]:9000');

const steps: fc.Arbitrary<Step>[] = [
  fc.tuple(user, device, session, server).map(([userId, deviceId, sessionId, serverAddr]) =>
    step(`online ${userId} ${deviceId} ${sessionId} ${serverAddr}`, async (model, { store }) => {
      const expected = model.online(userId, deviceId, sessionId, serverAddr);
      const { loginTimeMs, replaced } = await store.online(
        makeLogin({ userId, deviceId, sessionId, serverAddr }),
      );
      expect({ loginTimeMs, replaced: replaced?.sessionId }).toEqual(expected);
    }),
  ),
  fc.tuple(user, device, fc.option(session, { nil: undefined })).map(([userId, deviceId, sessionId]) =>
    step(`offline ${userId} ${deviceId} ${sessionId}`, async (model, { store }) => {
      const expected = model.offline(userId, deviceId, sessionId);
      expect(await store.offline({ userId, deviceId, sessionId })).toBe(expected);
    }),
  ),
  fc.tuple(user, device).map(([userId, deviceId]) =>
    step(`getDevice ${userId} ${deviceId}`, async (model, { store }) => {
      const found = await store.getDevice(userId, deviceId);
      expect(found && plain(found)).toEqual(model.getDevice(userId, deviceId));
    }),
  ),
  user.map((userId) =>
    step(`getUser ${userId}`, async (model, { store }) => {
      expect((await store.getUser(userId)).map(plain)).toEqual(model.getUser(userId));
    }),
  ),
  fc.constantFrom(1, RETENTION / 2, RETENTION).map((ms) =>
    step(`wait ${ms}`, async (model, { underTest }) => {
      model.now += ms;
      underTest.setClock(model.now);
    }),
  ),
  fc.constant(step('sweep', async (_, { store }) => expect(await store.sweep()).toBe(false))),
];

describe.each<[string, MakeStore]>([
  ['embedded', makeEmbeddedStore],
  ['Redis', makeRedisStore],
])('random operations on the %s store', (name, makeStore) => {
  test('answer as the model does', async () => {
    const property = fc.asyncProperty(fc.commands(steps, { maxCommands: 60 }), async (commands) => {
      await withStore(makeStore, async (system) => {
        await fc.asyncModelRun(() => ({ model: new Model(), real: system }), commands);
      });
    });
    await fc.assert(property, { numRuns: RUNS });
  });

  test('made at once, answer as some order of them would', async () => {
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
 * Makes the changes at once, from two callers, and follows each device through what they were answered: logins
 * that replaced or were replaced and logouts that applied must chain up, and end in what the store holds.
 */
async function checkConcurrent(store: PresenceStore, changes: Change[]): Promise<void> {
  const unique = changes.map((each, i) => ({ ...each, sessionId: `${each.sessionId}-${i}` }));
  const answers = await Promise.all(
    unique.map(async ({ deviceId, sessionId, kind }, i) => {
      if (kind === 'online')
        return { deviceId, sessionId, ...(await store.online(makeLogin({ deviceId, sessionId }))) };
      const fence = kind === 'offline' ? undefined : unique[(i + 1) % unique.length]?.sessionId;
      return { deviceId, applied: await store.offline({ userId: 'alice', deviceId, sessionId: fence }) };
    }),
  );
  for (const deviceId of new Set(unique.map((each) => each.deviceId))) {
    const ofDevice = answers.filter((answer) => answer.deviceId === deviceId);
    const begun = ofDevice.flatMap((answer) => ('sessionId' in answer ? [answer.sessionId] : []));
    const replaced = ofDevice.flatMap((answer) =>
      'replaced' in answer && answer.replaced ? [answer.replaced.sessionId] : [],
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
  const underTest = await makeStore({ retentionMs: RETENTION });
  try {
    underTest.setClock(START);
    await underTest.store.open();
    await use({ underTest, store: underTest.store });
  } finally {
    await underTest.remove();
  }
}

function step(name: string, run: (model: Model, system: System) => Promise<void>): Step {
  return { check: () => true, run, toString: () => name };
}

/** The session without what a store adds for itself. */
function plain({ deadlineMs: _, ...session }: Session & { deadlineMs?: number }): Session {
  return session;
}
