import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Policy, PolicyLimit, SessionPolicy } from '../../../packages/client/src/shared/policy.ts';
import { checkPolicy } from '../../../src/presence/checkPolicy.ts';
import { type CountedSession, classOf, decideLogin, describeLimit } from '../../../src/presence/policy.ts';

/** Sessions that began one after the other; each is device:platform. */
function sessions(...texts: string[]): CountedSession[] {
  return texts.map((text, i) => {
    const [deviceId = '', platform = ''] = text.split(':');
    return { deviceId, platform, loginTimeMs: 1_000 + i };
  });
}

function policy(rules: Omit<Policy, 'name'>): SessionPolicy {
  return checkPolicy({ name: 'test', ...rules });
}

function decide(rules: Omit<Policy, 'name'>, platform: string, others: CountedSession[]) {
  const { ended, rejection } = decideLogin(policy(rules), platform, others);
  return {
    ended: ended.map(({ deviceId }) => deviceId),
    conflicts: rejection?.conflicts.map(({ deviceId }) => deviceId),
  };
}

const MOBILE = { mobile: ['ios', 'android'], web: ['web'] };

describe('a limit', () => {
  const perUser = (max: number, onConflict: PolicyLimit['onConflict']) => ({
    limits: [{ per: 'user' as const, max, onConflict }],
  });

  test('that is not exceeded ends nothing', () => {
    expect(decide(perUser(3, 'KICK_ALL'), 'ios', sessions('a:ios', 'b:web'))).toEqual({ ended: [] });
  });

  test('with KICK_OLDEST ends as few of the oldest as necessary', () => {
    expect(decide(perUser(2, 'KICK_OLDEST'), 'ios', sessions('a:ios', 'b:web', 'c:tv'))).toEqual({
      ended: ['a', 'b'],
    });
  });

  test('with KICK_ALL ends all in its scope', () => {
    expect(decide(perUser(2, 'KICK_ALL'), 'ios', sessions('a:ios', 'b:web'))).toEqual({ ended: ['a', 'b'] });
  });

  test('with REJECT ends nothing, and names the sessions in its scope, oldest first', () => {
    const others = sessions('a:ios', 'b:web').reverse();
    expect(decide(perUser(2, 'REJECT'), 'ios', others)).toEqual({ ended: [], conflicts: ['a', 'b'] });
  });

  test('of a class counts the sessions of its platforms only', () => {
    const rules = {
      classes: MOBILE,
      limits: [{ per: 'class' as const, class: 'mobile', max: 1, onConflict: 'KICK_OLDEST' as const }],
    };
    expect(decide(rules, 'android', sessions('a:ios', 'b:web', 'c:tv'))).toEqual({ ended: ['a'] });
    expect(decide(rules, 'web', sessions('a:ios', 'b:android'))).toEqual({ ended: [] });
  });

  test('of the class other counts platforms without a class, and those without a name', () => {
    const rules = {
      classes: MOBILE,
      limits: [{ per: 'class' as const, class: 'other', max: 1, onConflict: 'KICK_OLDEST' as const }],
    };
    expect(decide(rules, 'tv', sessions('a:', 'b:web', 'c:watch'))).toEqual({ ended: ['a', 'c'] });
    expect(decide(rules, '', sessions('a:tv'))).toEqual({ ended: ['a'] });
  });

  test('of platforms counts each platform by itself', () => {
    const rules = { limits: [{ per: 'platform' as const, max: 1, onConflict: 'KICK_OLDEST' as const }] };
    expect(decide(rules, 'ios', sessions('a:ios', 'b:web', 'c:'))).toEqual({ ended: ['a'] });
    expect(decide(rules, 'iOS', sessions('a:ios'))).toEqual({ ended: [] });
  });

  test('counts what earlier limits have left', () => {
    const rules = {
      classes: MOBILE,
      limits: [
        { per: 'class' as const, class: 'mobile', max: 1, onConflict: 'KICK_OLDEST' as const },
        { per: 'user' as const, max: 2, onConflict: 'REJECT' as const },
      ],
    };
    expect(decide(rules, 'ios', sessions('a:ios', 'b:web'))).toEqual({ ended: ['a'] });
    expect(decide(rules, 'ios', sessions('a:ios', 'b:web', 'c:tv'))).toEqual({
      ended: [],
      conflicts: ['b', 'c'],
    });
  });

  test('that does not count the login leaves what exceeds it alone', () => {
    const rules = {
      classes: MOBILE,
      limits: [{ per: 'class' as const, class: 'web', max: 1, onConflict: 'REJECT' as const }],
    };
    expect(decide(rules, 'ios', sessions('a:web', 'b:web'))).toEqual({ ended: [] });
  });

  test('takes the device id as the tie-breaker of sessions that began at the same time', () => {
    const others = sessions('b:ios', 'a:ios').map((session) => ({ ...session, loginTimeMs: 1 }));
    expect(decide(perUser(2, 'KICK_OLDEST'), 'ios', others)).toEqual({ ended: ['a'] });
  });
});

describe('exclusive classes', () => {
  test('end for a login of another class of their group, before limits are checked', () => {
    const rules = {
      classes: MOBILE,
      exclusive: [['mobile', 'web']],
      limits: [{ per: 'user' as const, max: 2, onConflict: 'REJECT' as const }],
    };
    expect(decide(rules, 'web', sessions('a:ios', 'b:tv', 'c:android'))).toEqual({ ended: ['a', 'c'] });
    expect(decide(rules, 'tv', sessions('a:ios'))).toEqual({ ended: [] });
  });

  test('do not exclude their own class', () => {
    expect(decide({ classes: MOBILE, exclusive: [['mobile', 'web']] }, 'web', sessions('a:web'))).toEqual({
      ended: [],
    });
  });

  test('a class may be in several groups', () => {
    const rules = {
      classes: MOBILE,
      exclusive: [
        ['mobile', 'web'],
        ['mobile', 'other'],
      ],
    };
    expect(decide(rules, 'ios', sessions('a:web', 'b:tv'))).toEqual({ ended: ['a', 'b'] });
    expect(decide(rules, 'tv', sessions('a:web', 'b:ios'))).toEqual({ ended: ['b'] });
  });
});

test.each<[PolicyLimit, string]>([
  [{ per: 'class', class: 'mobile', max: 1, onConflict: 'REJECT' }, 'at most 1 session of class mobile'],
  [{ per: 'platform', max: 2, onConflict: 'REJECT' }, 'at most 2 sessions on each platform'],
  [{ per: 'user', max: 10, onConflict: 'REJECT' }, 'at most 10 sessions in all'],
])('describes the limit %o', (limit, text) => {
  expect(describeLimit(limit)).toBe(text);
});

describe('any policy', () => {
  const platforms = ['ios', 'android', 'web', 'tv', ''];
  const onConflict = fc.constantFrom('KICK_OLDEST' as const, 'KICK_ALL' as const, 'REJECT' as const);
  const limit = (scope: object) =>
    fc
      .option(fc.record({ max: fc.integer({ min: 1, max: 4 }), onConflict }), { nil: undefined })
      .map((rest) => (rest ? [{ ...scope, ...rest } as PolicyLimit] : []));
  const policies = fc
    .tuple(
      limit({ per: 'class', class: 'mobile' }),
      limit({ per: 'class', class: 'other' }),
      limit({ per: 'platform' }),
      limit({ per: 'user' }),
      fc.constantFrom([], [['mobile', 'web']], [['mobile', 'web', 'other']]),
    )
    .map(([a, b, c, d, exclusive]) =>
      policy({ classes: MOBILE, limits: [...a, ...b, ...c, ...d], exclusive }),
    );
  const others = fc
    .array(fc.constantFrom(...platforms), { maxLength: 8 })
    .map((all) =>
      all.map((platform, i): CountedSession => ({ deviceId: `d${i}`, platform, loginTimeMs: i % 3 })),
    );
  const login = fc.constantFrom(...platforms);

  test('holds after a login that it accepts, as far as it counts the login', () => {
    fc.assert(
      fc.property(policies, others, login, (rules, before, platform) => {
        const { ended, rejection } = decideLogin(rules, platform, before);
        if (rejection) return;
        const after = [...before.filter((each) => !ended.includes(each)), { platform }];
        const own = classOf(rules, platform);
        for (const each of rules.limits) {
          if (each.per === 'class' && each.class !== own) continue;
          const counted = after.filter(
            (session) =>
              each.per === 'user' ||
              (each.per === 'platform'
                ? session.platform === platform
                : classOf(rules, session.platform) === own),
          );
          expect(counted.length).toBeLessThanOrEqual(each.max);
        }
        for (const group of rules.exclusive) {
          const classes = new Set(after.map((session) => classOf(rules, session.platform)));
          if (group.includes(own)) expect(group.filter((name) => classes.has(name))).toEqual([own]);
        }
      }),
    );
  });

  test('ends each session once, only if something requires it, and nothing if it rejects the login', () => {
    fc.assert(
      fc.property(policies, others, login, (rules, before, platform) => {
        const { ended, rejection } = decideLogin(rules, platform, before);
        expect(new Set(ended).size).toBe(ended.length);
        if (rejection) {
          expect(ended).toEqual([]);
          expect(rejection.limit.onConflict).toBe('REJECT');
          expect(rejection.conflicts.length).toBeGreaterThanOrEqual(rejection.limit.max);
        }
        // A login whose own session is all there is never meets a limit.
        expect(decideLogin(rules, platform, [])).toEqual({ ended: [], rejection: undefined });
      }),
    );
  });
});
