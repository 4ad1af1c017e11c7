import { expect, test } from 'vitest';
import type { Policy } from '../../../packages/client/src/shared/policy.ts';
import { checkPolicy } from '../../../src/presence/checkPolicy.ts';
import { LIMITS } from '../../../src/presence/limits.ts';

const LIMIT = { per: 'user', max: 1, onConflict: 'REJECT' } as const;
const CLASSES = { mobile: ['ios', 'android'], desktop: ['windows'], web: ['web'] };
const times = <Item>(count: number, make: (i: number) => Item) =>
  Array.from({ length: count }, (_, i) => make(i));

test('a policy gets its defaults', () => {
  expect(checkPolicy({ name: 'none' })).toEqual({
    name: 'none',
    platforms: [],
    classes: {},
    limits: [],
    exclusive: [],
  });
});

test('a policy may have as much as the limits allow', () => {
  const platforms = times(LIMITS.policyPlatforms.max, (i) => `p${i}`);
  const classes = Object.fromEntries(
    times(LIMITS.policyClasses.max, (i) => [`c${i}`, platforms.slice(2 * i, 2 * i + 2)]),
  );
  const limits = times(LIMITS.policyLimits.max, (i) => ({
    per: 'class' as const,
    class: `c${i}`,
    max: 10_000,
    onConflict: 'KICK_OLDEST' as const,
  }));
  const exclusive = [Object.keys(classes)];
  const policy = { name: 'x'.repeat(LIMITS.policyName.max), platforms, classes, limits, exclusive };
  expect(checkPolicy(policy)).toEqual(policy);
});

const invalid: [string, string, Partial<Record<keyof Policy, unknown>>][] = [
  ['name', 'must not be empty', { name: '' }],
  ['name', 'must be 1 to 64 lower-case letters, digits and hyphens', { name: 'One' }],
  ['name', 'must be 1 to 64', { name: 'x'.repeat(65) }],
  ['name', 'must be 1 to 64', { name: '-x' }],
  ['name', 'must be 1 to 64', { name: 'a/b' }],
  ['name', '"keep-all" is a preset', { name: 'keep-all' }],
  ['name', '"openim-1" is a preset', { name: 'openim-1' }],
  ['platforms[0]', 'must not be empty', { platforms: [''] }],
  ['platforms[0]', 'must be at most 32 bytes of UTF-8', { platforms: ['设'.repeat(11)] }],
  ['platforms[0]', 'must not contain control characters', { platforms: ['a\nb'] }],
  ['platforms', 'must have at most 64 entries; there are 65', { platforms: times(65, (i) => `p${i}`) }],
  ['classes.Mobile', 'must be 1 to 64', { classes: { Mobile: ['ios'] } }],
  ['classes.__proto__', 'must be 1 to 64', { classes: JSON.parse('{"__proto__":["ios"]}') }],
  ['classes.other', 'is the class of all platforms without one', { classes: { other: ['ios'] } }],
  ['classes.mobile', 'must have a platform', { classes: { mobile: [] } }],
  ['classes.mobile[1]', '"andriod" is not a known platform', { classes: { mobile: ['ios', 'andriod'] } }],
  ['classes.b[0]', '"ios" is in the class a already', { classes: { a: ['ios'], b: ['ios'] } }],
  ['classes.a[1]', '"ios" is in the class a already', { classes: { a: ['ios', 'ios'] } }],
  [
    'classes',
    'must have at most 32 entries; there are 33',
    { classes: Object.fromEntries(times(33, (i) => [`c${i}`, ['ios']])) },
  ],
  ['limits', 'must have at most 32 entries; there are 33', { limits: times(33, () => LIMIT) }],
  ['limits[0].max', 'must be 1 to 10,000; this one is 0', { limits: [{ ...LIMIT, max: 0 }] }],
  ['limits[0].max', 'must be 1 to 10,000; this one is -1', { limits: [{ ...LIMIT, max: -1 }] }],
  ['limits[0].max', 'must be 1 to 10,000; this one is 1.5', { limits: [{ ...LIMIT, max: 1.5 }] }],
  ['limits[0].max', 'must be 1 to 10,000; this one is 10001', { limits: [{ ...LIMIT, max: 10_001 }] }],
  ['limits[0].max', 'must be 1 to 10,000; this one is NaN', { limits: [{ ...LIMIT, max: Number.NaN }] }],
  ['limits[0].per', 'must be class, platform or user', { limits: [{ ...LIMIT, per: 'device' }] }],
  [
    'limits[0].onConflict',
    'must be KICK_OLDEST, KICK_ALL or REJECT',
    { limits: [{ ...LIMIT, onConflict: 'KICK' }] },
  ],
  ['limits[0].class', 'must name a class: other', { limits: [{ ...LIMIT, per: 'class' }] }],
  [
    'limits[0].class',
    '"tv" is not a class of this policy: the classes are mobile, desktop, web, other',
    { classes: CLASSES, limits: [{ ...LIMIT, per: 'class', class: 'tv' }] },
  ],
  ['limits[0].class', 'is for per: class, not per: user', { limits: [{ ...LIMIT, class: 'mobile' }] }],
  ['limits[1]', 'counts the same sessions as limits[0]', { limits: [LIMIT, { ...LIMIT, max: 5 }] }],
  ['exclusive[0]', 'must name two classes or more', { classes: CLASSES, exclusive: [['web']] }],
  ['exclusive[0][1]', '"tv" is not a class of this policy', { classes: CLASSES, exclusive: [['web', 'tv']] }],
  ['exclusive[0][1]', 'names web twice', { classes: CLASSES, exclusive: [['web', 'web']] }],
  [
    'exclusive[1][1]',
    'closes a cycle: earlier groups connect mobile and web already',
    {
      classes: CLASSES,
      exclusive: [
        ['web', 'mobile'],
        ['mobile', 'web'],
      ],
    },
  ],
  [
    'exclusive[2][1]',
    'closes a cycle',
    {
      classes: CLASSES,
      exclusive: [
        ['web', 'mobile'],
        ['mobile', 'desktop'],
        ['desktop', 'web'],
      ],
    },
  ],
  [
    'exclusive[1][1]',
    'closes a cycle',
    {
      classes: CLASSES,
      exclusive: [
        ['web', 'mobile', 'desktop'],
        ['mobile', 'desktop'],
      ],
    },
  ],
];

test.each(invalid)('%s %s', (field, rule, changes) => {
  const check = () => checkPolicy({ name: 'test', ...changes } as Policy);
  expect(check).toThrow(
    expect.objectContaining({
      code: 'INVALID_ARGUMENT',
      field,
      message: expect.stringContaining(`${field} ${rule}`),
    }),
  );
});

test('own platforms are known once they are declared', () => {
  const policy = { name: 'kiosks', platforms: ['kiosk'], classes: { kiosk: ['kiosk'] } };
  expect(checkPolicy(policy)).toMatchObject(policy);
});
