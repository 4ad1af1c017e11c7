import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import type {
  PolicyLimit,
  PolicyRules,
  SessionPolicy,
} from '../../../../packages/client/src/shared/policy.ts';
import { checkPolicy } from '../../../../src/presence/checkPolicy.ts';
import { decideLogin } from '../../../../src/presence/policy.ts';
import { KEEP_ALL, REPLACE_ALL } from '../../../../src/presence/policyPresets.ts';
import { NO_POLICIES, putPolicy, setDefaultPolicy } from '../../../../src/presence/policySet.ts';
import { type Login, MAX_NAMED } from '../../../../src/presence/sessions.ts';
import type { PresenceStore } from '../../../../src/store/store.ts';
import { eachWithStore, keepAlive, login, logout, type MakeStore } from './underTest.ts';

const CLASSES = { mobile: ['ios', 'android'], desktop: ['windows', 'macos'], web: ['web'] };

function policy(rules: PolicyRules): SessionPolicy {
  return checkPolicy({ name: 'test', classes: CLASSES, ...rules });
}

const MOBILE: PolicyLimit = { per: 'class', class: 'mobile', max: 1, onConflict: 'KICK_OLDEST' };
const REJECT_THIRD: PolicyLimit = { per: 'user', max: 2, onConflict: 'REJECT' };

/** Session policies: what a login ends, what rejects it, its dry run, and the policies that a store keeps. */
export function describePolicies(name: string, makeStore: MakeStore): void {
  describe(`session policies in the ${name} store`, () => {
    const fixture = eachWithStore(makeStore, { maxDevices: 5 });
    let store: PresenceStore;
    beforeEach(() => {
      ({ store } = fixture);
    });

    /** Logs devices in, a second apart; each is device:platform. */
    async function logIn(...texts: string[]): Promise<void> {
      for (const text of texts) {
        const [deviceId = '', platform = ''] = text.split(':');
        await store.online(login({ deviceId, platform, sessionId: `s-${deviceId}` }));
        await fixture.pass(1_000);
      }
    }

    async function online(): Promise<string[]> {
      const sessions = await store.getUser('alice');
      return sessions.filter((session) => session.online).map(({ deviceId }) => deviceId);
    }

    test('a dry run for a device whose session is over fits where a login does, and fails no other', async () => {
      await store.online(login({ deviceId: 'over', ttlMs: 1_000 }));
      await logIn('b', 'c', 'd', 'e');
      await fixture.pass(1_000);
      const answers = await store.apply([
        { type: 'validateLogin', request: login({ deviceId: 'over', sessionId: 'new' }) },
        { type: 'online', request: login({ deviceId: 'f' }) },
        { type: 'validateLogin', request: login({ deviceId: 'over', sessionId: 'new' }) },
      ]);
      expect(answers).toMatchObject([
        { rejection: undefined },
        { rejection: undefined },
        { code: 'RESOURCE_EXHAUSTED' },
      ]);
    });

    test('end the oldest sessions of a scope, and name them', async () => {
      await logIn('phone:ios', 'pc:macos', 'tablet:android');
      const request = login({ deviceId: 'new', platform: 'ios', policy: policy({ limits: [MOBILE] }) });
      const { replaced, rejection } = await store.online(request);
      expect(replaced.map(({ deviceId }) => deviceId).sort()).toEqual(['phone', 'tablet']);
      expect(replaced).toContainEqual({
        deviceId: 'phone',
        sessionId: 's-phone',
        serverAddr: '10.0.0.1:9000',
      });
      expect(rejection).toBeUndefined();
      expect(await online()).toEqual(['new', 'pc']);
      expect(await store.getDevice('alice', 'phone')).toMatchObject({ endReason: 'REPLACED' });
    });

    test('reject a login, change nothing, and name what stands in its way, oldest first', async () => {
      await logIn('phone:ios');
      const details = { clientIp: '203.0.113.7', label: "Anna's pc", appVersion: '4.2' };
      await store.online(login({ deviceId: 'pc', platform: 'macos', metadata: { v: '1' }, details }));
      const before = await store.getHistory('alice');
      const request = login({ deviceId: 'web', policy: policy({ limits: [MOBILE, REJECT_THIRD] }) });
      const result = await store.online({ ...request, platform: 'web' });
      expect(result).toMatchObject({ loginTimeMs: 0, replaced: [], endReason: undefined });
      expect(result.rejection).toMatchObject({ limit: REJECT_THIRD, conflictsOmitted: 0 });
      expect(result.rejection?.conflicts).toMatchObject([
        { deviceId: 'phone', platform: 'ios', online: true, sessionId: 's-phone' },
        { deviceId: 'pc', details, metadata: {} },
      ]);
      expect((await online()).sort()).toEqual(['pc', 'phone']);
      expect(await store.getDevice('alice', 'web')).toBeUndefined();
      expect(await store.getHistory('alice')).toEqual(before);
      expect(await store.getStats()).toMatchObject({ devices: 2 });
    });

    test('reject without ending what an earlier rule would end', async () => {
      await logIn('pc:macos', 'phone:ios', 'tv:tv');
      const rules = policy({ exclusive: [['desktop', 'web']], limits: [REJECT_THIRD] });
      const { rejection } = await store.online(login({ deviceId: 'web', platform: 'web', policy: rules }));
      expect(rejection?.conflicts.map(({ deviceId }) => deviceId)).toEqual(['phone', 'tv']);
      expect(await online()).toHaveLength(3);
    });

    test('end the sessions of exclusive classes', async () => {
      await logIn('pc:macos', 'phone:ios', 'pc2:windows');
      const rules = policy({ exclusive: [['desktop', 'web']] });
      const { replaced } = await store.online(login({ deviceId: 'web', platform: 'web', policy: rules }));
      expect(replaced.map(({ deviceId }) => deviceId).sort()).toEqual(['pc', 'pc2']);
      expect((await online()).sort()).toEqual(['phone', 'web']);
    });

    test('do not count the session of the same device, nor sessions that are over', async () => {
      const rules = policy({ limits: [REJECT_THIRD] });
      await logIn('pc:macos', 'phone:ios');
      const again = await store.online(login({ deviceId: 'phone', sessionId: 's-again', policy: rules }));
      expect(again.replaced).toMatchObject([{ deviceId: 'phone', sessionId: 's-phone' }]);
      await store.online(login({ deviceId: 'pc', sessionId: 's-short', ttlMs: 1_000 }));
      await store.offline(logout({ deviceId: 'phone', graceMs: 1_000 }));
      fixture.underTest.setClock(fixture.now + 1_000);
      expect((await store.online(login({ deviceId: 'web', policy: rules }))).rejection).toBeUndefined();
    });

    test('do not count the sessions of a lost chat server', async () => {
      const rules = policy({ limits: [REJECT_THIRD] });
      await store.keepServerAlive(keepAlive({ ttlMs: 10_000 }));
      await store.online(login({ deviceId: 'pc', incarnation: 1 }));
      await store.online(login({ deviceId: 'phone', incarnation: 1 }));
      const elsewhere = { deviceId: 'web', serverAddr: '10.0.0.2:9000', policy: rules };
      expect((await store.online(login(elsewhere))).rejection?.conflicts).toHaveLength(2);
      await fixture.pass(12_000);
      expect((await store.online(login(elsewhere))).rejection).toBeUndefined();
    });

    test('decide nothing about a refresh, a session that is resent, and one that starts anew', async () => {
      const rules = policy({ limits: [{ per: 'user', max: 1, onConflict: 'REJECT' }] });
      await logIn('pc:macos', 'phone:ios');
      const refresh = login({ deviceId: 'phone', sessionId: 's-phone', platform: 'ios', policy: rules });
      expect(await store.online(refresh)).toMatchObject({ replaced: [], rejection: undefined });
      const resent = {
        deviceId: 'web',
        sessionId: 's-web',
        resentLoginTimeMs: fixture.now - 500,
        policy: rules,
      };
      expect(await store.online(login(resent))).toMatchObject({ replaced: [], rejection: undefined });
      await store.online(login({ deviceId: 'tv', sessionId: 's-tv', ttlMs: 1_000 }));
      await fixture.pass(2_000);
      const anew = login({ deviceId: 'tv', sessionId: 's-tv', policy: rules });
      expect(await store.online(anew)).toMatchObject({ replaced: [], rejection: undefined });
      expect(await online()).toHaveLength(4);
    });

    test('count sessions in their grace', async () => {
      await logIn('pc:macos', 'phone:ios');
      await store.offline(logout({ deviceId: 'phone', graceMs: 10_000 }));
      const rules = policy({ limits: [REJECT_THIRD] });
      const { rejection } = await store.online(login({ deviceId: 'web', policy: rules }));
      expect(rejection?.conflicts).toHaveLength(2);
    });

    test('let a login in that makes room below --max-devices, and reject one that does not', async () => {
      await logIn('a:ios', 'b:android', 'c:web', 'd:tv', 'e:tv');
      const rules = policy({ limits: [MOBILE] });
      await expect(
        store.online(login({ deviceId: 'new', platform: 'web', policy: rules })),
      ).rejects.toMatchObject({ code: 'RESOURCE_EXHAUSTED' });
      const { replaced } = await store.online(login({ deviceId: 'new', platform: 'ios', policy: rules }));
      expect(replaced).toHaveLength(2);
    });

    test('differ from login to login of a batch', async () => {
      const reject = policy({ limits: [{ per: 'user', max: 1, onConflict: 'REJECT' }] });
      const answers = await store.apply([
        { type: 'online', request: login({ deviceId: 'a' }) },
        { type: 'online', request: login({ deviceId: 'b', policy: reject }) },
        { type: 'online', request: login({ deviceId: 'c', policy: REPLACE_ALL }) },
        { type: 'online', request: login({ deviceId: 'd', policy: reject }) },
        { type: 'validateLogin', request: login({ deviceId: 'e', policy: policy({ limits: [MOBILE] }) }) },
      ]);
      expect(answers).toMatchObject([
        { rejection: undefined },
        { rejection: { conflicts: [{ deviceId: 'a' }] } },
        { replaced: [{ deviceId: 'a' }] },
        { rejection: { conflicts: [{ deviceId: 'c' }] } },
        { loginTimeMs: 0, replaced: [{ deviceId: 'c' }] },
      ]);
    });

    test('can be tried without a change', async () => {
      await logIn('phone:ios', 'pc:macos');
      const dump = await fixture.underTest.dump();
      const trial = (changes: Partial<Login>) => store.validateLogin(login({ sessionId: '', ...changes }));
      const kick = policy({ limits: [MOBILE] });
      expect(await trial({ deviceId: '', platform: 'android', policy: kick })).toEqual({
        loginTimeMs: 0,
        replaced: [{ deviceId: 'phone', sessionId: 's-phone', serverAddr: '10.0.0.1:9000' }],
        endReason: undefined,
        rejection: undefined,
      });
      expect(
        (await trial({ deviceId: '', policy: policy({ limits: [REJECT_THIRD] }) })).rejection,
      ).toMatchObject({
        limit: REJECT_THIRD,
        conflicts: [{ deviceId: 'phone' }, { deviceId: 'pc' }],
      });
      expect((await trial({ deviceId: 'phone', policy: KEEP_ALL })).replaced).toMatchObject([
        { sessionId: 's-phone' },
      ]);
      expect(await trial({ deviceId: 'phone', sessionId: 's-phone', policy: kick })).toMatchObject({
        replaced: [],
      });
      expect(await store.validateLogin(login({ userId: 'nobody', policy: kick }))).toMatchObject({
        replaced: [],
      });
      expect(await fixture.underTest.dump()).toEqual(dump);
    });

    test('a login that is tried beyond --max-devices is rejected as it would be', async () => {
      await logIn('a:ios', 'b:android', 'c:web', 'd:tv', 'e:tv');
      const trial = login({ deviceId: '', platform: 'web' });
      await expect(store.validateLogin(trial)).rejects.toMatchObject({ code: 'RESOURCE_EXHAUSTED' });
      await expect(
        store.validateLogin({ ...trial, policy: policy({ limits: [MOBILE] }) }),
      ).rejects.toMatchObject({
        code: 'RESOURCE_EXHAUSTED',
      });
      expect((await store.validateLogin({ ...trial, deviceId: 'a' })).replaced).toHaveLength(1);
    });

    test('decide as the rules without a store do', async () => {
      const platform = fc.constantFrom('ios', 'android', 'macos', 'web', 'tv', '');
      const onConflict = fc.constantFrom('KICK_OLDEST', 'KICK_ALL', 'REJECT');
      const max = fc.integer({ min: 1, max: 4 });
      const scopes = [
        { per: 'class', class: 'mobile' },
        { per: 'class', class: 'other' },
        { per: 'platform' },
        { per: 'user' },
      ];
      const limits = fc
        .tuple(
          ...scopes.map((scope) =>
            fc.option(fc.record({ max, onConflict }).map((rest) => ({ ...scope, ...rest }))),
          ),
        )
        .map((all) => all.filter(Boolean) as PolicyLimit[]);
      const exclusive = fc.constantFrom(
        [],
        [['desktop', 'web']],
        [
          ['mobile', 'other'],
          ['other', 'web'],
        ],
      );
      let users = 0;
      await fc.assert(
        fc.asyncProperty(
          fc.array(platform, { maxLength: 5 }),
          platform,
          fc.record({ limits, exclusive }),
          async (others, own, rules) => {
            const userId = `user-${users++}`;
            for (const [i, each] of others.entries()) {
              fixture.underTest.setClock(fixture.now + Math.floor(i / 2));
              await store.online(login({ userId, deviceId: `d${i}`, platform: each }));
            }
            const chosen = policy(rules);
            const sessions = await store.getUser(userId);
            const expected = decideLogin(chosen, own, sessions);
            const request = login({ userId, deviceId: 'new', platform: own, policy: chosen });
            if (expected.ended.length === 0 && !expected.rejection && others.length === 5) return;
            for (const result of [await store.validateLogin(request), await store.online(request)]) {
              expect(result.replaced.map(({ deviceId }) => deviceId)).toEqual(
                expected.ended.map(({ deviceId }) => deviceId),
              );
              expect(result.rejection?.limit).toEqual(expected.rejection?.limit);
              expect(result.rejection?.conflicts).toEqual(expected.rejection?.conflicts);
            }
          },
        ),
        { numRuns: 200 },
      );
    });

    test('are kept as one value, which a change replaces only if nobody else did', async () => {
      expect(await store.readPolicies('')).toBeUndefined();
      expect(await store.readPolicies('other')).toEqual(NO_POLICIES);
      const { set: first } = putPolicy(NO_POLICIES, policy({ limits: [MOBILE] }), 'ops');
      const { set: other } = setDefaultPolicy(NO_POLICIES, 'openim-1', 'ops');
      expect(await store.writePolicies(first, NO_POLICIES.id)).toBe(true);
      expect(await store.writePolicies(other, NO_POLICIES.id)).toBe(false);
      expect(await store.readPolicies('')).toEqual(first);
      expect(await store.readPolicies(first.id)).toBeUndefined();
      const { set: next } = setDefaultPolicy(first, 'test', 'ops');
      expect(await store.writePolicies(next, first.id)).toBe(true);
      await fixture.underTest.reopen();
      expect(await fixture.store.readPolicies('')).toEqual(next);
    });
  });

  describe(`session policies for many devices in the ${name} store`, () => {
    const many = 1_500;
    const fixture = eachWithStore(makeStore, { maxDevices: 2 * many });
    beforeEach(async () => {
      await fixture.store.apply(
        Array.from({ length: many }, (_, i) => ({
          type: 'online' as const,
          request: login({ deviceId: `d${i}`, platform: i % 2 === 0 ? 'ios' : 'web' }),
        })),
      );
    });

    test('end as many as necessary, in several batches', async () => {
      const rules = policy({ limits: [{ per: 'user', max: 1_000, onConflict: 'KICK_OLDEST' }] });
      const { replaced } = await fixture.store.online(login({ deviceId: 'new', policy: rules }));
      expect(new Set(replaced.map(({ deviceId }) => deviceId)).size).toBe(501);
      expect(await fixture.store.getStats()).toMatchObject({ users: 1, devices: 1_000 });
    });

    test('name some of the sessions that stand in the way, and count the others', async () => {
      const limit: PolicyLimit = { per: 'class', class: 'mobile', max: 10, onConflict: 'REJECT' };
      const request = login({ deviceId: 'new', platform: 'ios', policy: policy({ limits: [limit] }) });
      const { rejection } = await fixture.store.online(request);
      expect(rejection?.conflicts).toHaveLength(MAX_NAMED);
      expect(rejection?.conflictsOmitted).toBe(many / 2 - MAX_NAMED);
      expect(await fixture.store.getStats()).toMatchObject({ devices: many });
    });

    test('name some of the sessions that a dry run would end, and count the others', async () => {
      const rules = policy({ limits: [{ per: 'user', max: 10, onConflict: 'KICK_ALL' }] });
      const trial = login({ deviceId: 'd1', sessionId: '', policy: rules });
      const { replaced, replacedOmitted } = await fixture.store.validateLogin(trial);
      // With that of the device itself.
      expect(replaced).toHaveLength(1 + MAX_NAMED);
      expect(replacedOmitted).toBe(many - 1 - MAX_NAMED);
      expect(await fixture.store.getStats()).toMatchObject({ devices: many });
    });

    test('never let two of several logins at once beyond a limit', async () => {
      const rules = policy({ limits: [{ per: 'user', max: 3, onConflict: 'KICK_OLDEST' }] });
      const ids = ['v', 'w', 'x', 'y', 'z'];
      await Promise.all(ids.map((deviceId) => fixture.store.online(login({ deviceId, policy: rules }))));
      expect(await fixture.store.getStats()).toMatchObject({ devices: 3 });
    });
  });
}
