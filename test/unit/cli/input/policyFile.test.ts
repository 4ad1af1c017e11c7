import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ImstateError } from 'imstate-client/internal/shared/errors';
import { describe, expect, test } from 'vitest';
import type { Policy, StoredPolicy } from '../../../../packages/client/src/index.ts';
import { readPolicyFile } from '../../../../src/cli/input/policyFile.ts';
import { policyYaml } from '../../../../src/cli/output/policyYaml.ts';
import { PRESETS } from '../../../../src/presence/policyPresets.ts';
import { scratchDirectory } from '../../../support/credentials.ts';

/** Reads a policy file of these contents. */
async function read(contents: string | Buffer): Promise<Policy> {
  const file = join(await scratchDirectory(), 'policy.yaml');
  await writeFile(file, contents);
  return readPolicyFile(file);
}

/** Why a policy file is rejected; without its folder. */
async function faultOf(contents: string | Buffer) {
  const error: ImstateError = await read(contents).then(
    (policy) => expect.fail(`accepted: ${JSON.stringify(policy)}`),
    (reason) => reason,
  );
  const { code, field, message } = error;
  return { code, field, message: message.replace(/\/\S*\/policy\.yaml/, 'policy.yaml') };
}

/** A file that is rejected: its fault, the file, and the beginning of what is said, without the file name. */
type Row = [string, string, string];

async function expectFault(contents: string, said: string): Promise<void> {
  const { code, message } = await faultOf(contents);
  expect({ code, message: message.slice(0, `policy.yaml, ${said}`.length) }).toEqual({
    code: 'INVALID_ARGUMENT',
    message: `policy.yaml, ${said}`,
  });
}

/** A policy `p` with these limits, from line 3 on. */
const limited = (...limits: string[]) =>
  ['name: p', 'limits:', ...limits.map((limit) => `  - { ${limit} }`), ''].join('\n');
/** The same with two classes, on lines 3 and 4, and groups of exclusive ones from line 6 on. */
const exclusive = (...groups: string[]) =>
  [
    'name: p',
    'classes:',
    '  a: [ios]',
    '  b: [web]',
    'exclusive:',
    ...groups.map((group) => `  - [${group}]`),
    '',
  ].join('\n');

const YAML = `# Phones and desks.
name: one-phone
platforms: [fridge]
classes:
  mobile: [ios, android]
  desk:
    - windows
    - fridge
limits:
  - per: class
    class: mobile
    max: 1
    onConflict: REJECT
  - { per: platform, max: 2, onConflict: KICK_ALL }
  - { per: user, max: 10_000, onConflict: KICK_OLDEST }
exclusive:
  - [desk, other]
`.replace('10_000', '10000');

const POLICY: Policy = {
  name: 'one-phone',
  platforms: ['fridge'],
  classes: { mobile: ['ios', 'android'], desk: ['windows', 'fridge'] },
  limits: [
    { per: 'class', class: 'mobile', max: 1, onConflict: 'REJECT' },
    { per: 'platform', max: 2, onConflict: 'KICK_ALL' },
    { per: 'user', max: 10_000, onConflict: 'KICK_OLDEST' },
  ],
  exclusive: [['desk', 'other']],
};

describe('a good file', () => {
  test('may be YAML or JSON, with CRLF or a byte order mark', async () => {
    expect(await read(YAML)).toEqual(POLICY);
    expect(await read(JSON.stringify(POLICY))).toEqual(POLICY);
    expect(await read(JSON.stringify(POLICY, null, 2))).toEqual(POLICY);
    expect(await read(YAML.replaceAll('\n', '\r\n'))).toEqual(POLICY);
    expect(await read(`\ufeff${YAML}`)).toEqual(POLICY);
  });

  test('needs a name only, and may have the version and author of a printed policy', async () => {
    const bare = { name: 'p', platforms: [], classes: {}, limits: [], exclusive: [] };
    expect(await read('name: p')).toEqual(bare);
    expect(await read('name: p\nversion: 7\nauthor: ops\n')).toEqual(bare);
    expect(await read('name: p\nversion: { x: 1 }\nauthor:\n')).toEqual(bare);
  });

  test('may repeat a part by an alias', async () => {
    const text = 'name: p\nplatforms: &own [fridge, oven]\nclasses:\n  kitchen: *own\n';
    expect(await read(text)).toMatchObject({ classes: { kitchen: ['fridge', 'oven'] } });
  });

  test('may name a class like a property of every object', async () => {
    const text = `${exclusive('constructor, other')}`.replace('a: [ios]', 'constructor: [ios]');
    expect(await read(text)).toMatchObject({
      classes: { constructor: ['ios'] },
      exclusive: [['constructor', 'other']],
    });
  });

  test('is what is printed of a preset, under another name', async () => {
    for (const preset of PRESETS.map((each) => ({ ...each, name: `our-${each.name}` })))
      expect(await read(policyYaml({ ...preset, version: 0, author: undefined }, true))).toEqual(preset);
  });

  test('is what is printed of a policy whose names mean something else in YAML', async () => {
    const own = ['yes', '# no', ': ', '- x', '*a', '&a', '!t', '{', '"q"', "'", '~', '1', ' x ', '💥', '<<'];
    const stored: StoredPolicy = {
      name: '1e3',
      version: 3,
      author: 'ops',
      platforms: own,
      classes: { null: ['yes', '# no', ': '], true: ['- x', '*a', '&a'], '0x1': ['!t', '{', ' x '] },
      limits: [{ per: 'class', class: 'null', max: 1, onConflict: 'REJECT' }],
      exclusive: [['null', 'true', '0x1', 'other']],
    };
    const { version: _, author: __, ...policy } = stored;
    expect(await read(policyYaml(stored, false))).toEqual(policy);
  });
});

describe('keys', () => {
  test.each<Row>([
    ['a wrong key', 'name: p\n\nlimit: []\n', 'line 3: limit is not a key: did you mean limits?'],
    [
      'a key like no other',
      'name: p\nwhatever: 1\n',
      'line 2: whatever is not a key: the keys are name, platforms, classes, limits, exclusive',
    ],
    [
      'a wrong key in a limit',
      'name: p\nlimits:\n  - per: user\n    max: 1\n    onConflit: REJECT\n',
      'line 5: limits[0].onConflit is not a key: did you mean onConflict?',
    ],
    ['a number', 'name: p\n1: x\n', 'line 2: a key must be a text: put it in quotes'],
    ['__proto__', 'name: p\n__proto__: { limits: [1] }\n', 'line 2: __proto__ is not a key'],
    ['constructor', 'name: p\nconstructor: 1\n', 'line 2: constructor is not a key'],
    [
      '__proto__ in a limit',
      limited('__proto__: { max: 1 }, per: user, onConflict: REJECT'),
      'line 3: limits[0].__proto__ is not a key',
    ],
    [
      'a merge',
      limited('per: user, max: 1, onConflict: REJECT', '<<: {}, per: platform'),
      'line 4: limits[1].<< is not a key',
    ],
    ['a key twice', 'name: p\n\nname: q\n', 'line 3: this key is there already'],
    ['a class twice', 'name: p\nclasses:\n  a: [ios]\n  a: [web]\n', 'line 4: this key is there already'],
  ])('%s', (_, contents, said) => expectFault(contents, said));

  test.each<Row>([
    ['no key', 'name: p\n~: x\n', 'line 2: a key must be a text: put it in quotes'],
    ['a list as a key', 'name: p\n? [a]\n: x\n', 'line 2: a key must be a text: put it in quotes'],
  ])('%s', (_, contents, said) => expectFault(contents, said));
});

describe('syntax', () => {
  test.each<Row>([
    ['an open list', 'name: p\nlimits: [\n', 'line 3: this is not YAML or JSON ('],
    ['a tab', 'name: p\nlimits:\n\t- 1\n', 'line 3: this is not YAML or JSON (Tabs are not allowed'],
    ['JSON and more', '{"name": "p"}\nx', 'line 2: this is not YAML or JSON ('],
    ['an unknown tag', 'name: p\nlimits: !x []\n', 'line 2: this is not YAML or JSON (Unresolved tag: !x'],
    ['two documents', 'name: p\n---\nname: q\n', 'line 2: a second document begins here: a file has one'],
    ['deep nesting', `name: p\nlimits: ${'['.repeat(20_000)}`, 'line 2: this is not YAML or JSON ('],
    ['no text', '\u0000\u0001\ufffd', 'line 1: the policy must have keys with values'],
  ])('%s', (_, contents, said) => expectFault(contents, said));

  test.each([
    ['bytes of no character set', Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0xff])],
    ['Latin-1, whose platform no login can name', Buffer.from('name: p\nplatforms: [caf\xe9]\n', 'latin1')],
  ])('%s', async (_, contents) => {
    expect(await faultOf(contents)).toMatchObject({
      code: 'WRONG_USAGE',
      message: expect.stringContaining('cannot be read (it is not UTF-8)'),
    });
  });
});

describe('aliases', () => {
  test.each<Row>([
    ['of themselves as limits', 'name: p\nlimits: &a [*a]\n', 'line 2: limits[0] must have keys'],
    ['of themselves as groups', 'name: p\nexclusive: &a [*a]\n', 'line 2: exclusive[0][0] must be a text'],
    ['of themselves as a class', 'name: p\nclasses: &a\n  b: *a\n', 'line 3: classes.b must be a list'],
    ['of the file', '&a\nname: p\nclasses: *a\n', 'line 2: classes.name must be a list'],
    [
      'of a wrong value: the line of the alias, for it stands where it should not',
      'platforms: &own\n  - fridge\nname: p\nlimits:\n  - per: user\n    max: *own\n    onConflict: REJECT\n',
      'line 6: limits[0].max must be a whole number',
    ],
    [
      'of a list with a wrong value: the line of the value',
      'name: p\nclasses:\n  a: &a\n    - ios\n    - web\n  b:\n    *a\n',
      'line 4: classes.b[0] "ios" is in the class a already',
    ],
    [
      'of a limit: the line of the alias',
      'name: p\nlimits:\n  - &a\n    per: user\n    max: 1\n    onConflict: REJECT\n  - *a\n',
      'line 7: limits[1] counts the same sessions as limits[0]',
    ],
  ])('%s', (_, contents, said) => expectFault(contents, said));

  test('without an anchor: the line of the alias', () =>
    expectFault('name: p\n\nlimits: *nowhere\n', 'line 3: '));

  test.each(['limits', 'exclusive', 'classes'])('that multiply do not take long as %s', async (key) => {
    const levels = Array.from({ length: 12 }, (_, i) => `x${i}: &x${i} [${`*x${i - 1},`.repeat(9)}]`);
    levels[0] = 'x0: &x0 [a, a, a, a, a, a, a, a, a]';
    const { code, message } = await faultOf(`name: p\n${levels.join('\n')}\n${key}: *x11\n`);
    expect([code, message]).toEqual(['INVALID_ARGUMENT', expect.stringContaining('Excessive alias count')]);
  });
});

describe('values', () => {
  test.each<Row>([
    ['an empty file', '', 'line 1: the policy must have keys with values'],
    ['a comment alone', '# name: p\n', 'line 1: the policy must have keys with values'],
    ['a list', '- name: p\n', 'line 1: the policy must have keys with values'],
    ['a text', 'one-phone', 'line 1: the policy must have keys with values'],
    ['null', 'null', 'line 1: the policy must have keys with values'],
    ['no name', 'limits: []\n', 'line 1: the policy has no name: give it one'],
    ['a name without a value', 'limits: []\nname:\n', 'line 2: name must be a text: put it in quotes'],
    ['a number as name', 'name: 5\n', 'line 1: name must be a text: put it in quotes'],
    ['a name in capitals', 'name: One\n', 'line 1: name must be 1 to 64 lower-case letters, digits and'],
    ['a long name', `name: ${'x'.repeat(65)}\n`, 'line 1: name must be 1 to 64 lower-case letters'],
    ['a preset as name', '\nname: keep-all\n', 'line 2: name "keep-all" is a preset'],
    ['__proto__ as name', 'name: __proto__\n', 'line 1: name must be 1 to 64 lower-case letters'],
    ['platforms without a value', 'name: p\nplatforms:\n', 'line 2: platforms must be a list'],
    ['classes without a value', 'name: p\nclasses:\n', 'line 2: classes must have keys with values'],
    ['limits without a value', 'name: p\n\nlimits:\n', 'line 3: limits must be a list'],
    ['exclusive without a value', 'name: p\nexclusive:\n', 'line 2: exclusive must be a list'],
    ['a class without a value', 'name: p\nclasses:\n  a:\n', 'line 3: classes.a must be a list'],
    ['a limit without a value', 'name: p\nlimits:\n  -\n', 'line 3: limits[0] must have keys with values'],
    ['a text as limits', 'name: p\nlimits: none\n', 'line 2: limits must be a list'],
    ['one limit as limits', 'name: p\nlimits: { per: user }\n', 'line 2: limits must be a list'],
    ['a list as classes', 'name: p\nclasses: [a]\n', 'line 2: classes must have keys with values'],
    ['a text as group', 'name: p\nexclusive:\n  - a\n', 'line 3: exclusive[0] must be a list'],
    ['a number in a group', exclusive('a, b', '1, other'), 'line 7: exclusive[1][0] must be a text'],
  ])('%s', (_, contents, said) => expectFault(contents, said));

  test.each(['name: p\nclasses: !!omap [a: [ios]]\n', 'name: p\nclasses: !!set { a }\n'])(
    'classes of another type are not dropped: %j',
    async (contents) => {
      expect((await faultOf(contents)).code).toBe('INVALID_ARGUMENT');
    },
  );
});

describe('limits', () => {
  test.each<Row>([
    [
      'none',
      limited('per: user, max: 1, onConflict: REJECT', 'per: platform, max: 0, onConflict: REJECT'),
      'line 4: limits[1].max must be 1 to 10,000; this one is 0',
    ],
    [
      'less than none',
      limited('per: user, max: -1, onConflict: REJECT'),
      'line 3: limits[0].max must be 1 to 10,000; this one is -1',
    ],
    [
      'part of a session',
      'name: p\nlimits:\n  - per: user\n    onConflict: REJECT\n    max: 1.5\n',
      'line 5: limits[0].max must be 1 to 10,000; this one is 1.5',
    ],
    ['too many', limited('per: user, max: 10001, onConflict: REJECT'), 'line 3: limits[0].max must be 1 to'],
    ['no number', limited('per: user, max: .nan, onConflict: REJECT'), 'line 3: limits[0].max must be 1 to'],
    ['no end', limited('per: user, max: .inf, onConflict: REJECT'), 'line 3: limits[0].max must be 1 to'],
    [
      'in JSON',
      '{"name": "p",\n "limits": [\n  {"per": "user", "max": 0, "onConflict": "REJECT"}\n]}',
      'line 3: limits[0].max must be 1 to 10,000; this one is 0',
    ],
    [
      'after CRLF',
      'name: p\r\n\r\nlimits:\r\n  - per: user\r\n    max: 0\r\n    onConflict: REJECT\r\n',
      'line 5: limits[0].max must be 1 to 10,000; this one is 0',
    ],
    [
      'a text',
      limited('per: user, max: "1", onConflict: REJECT'),
      'line 3: limits[0].max must be a whole number',
    ],
    ['nothing', limited('per: user, max: , onConflict: REJECT'), 'line 3: limits[0].max must be a whole'],
    ['missing max', limited('per: user, onConflict: REJECT'), 'line 3: limits[0] has no max: give it one'],
    ['missing per', limited('max: 1, onConflict: REJECT'), 'line 3: limits[0] has no per: give it one'],
    ['missing onConflict', limited('per: user, max: 1'), 'line 3: limits[0] has no onConflict: give it one'],
    [
      'missing class',
      limited('per: class, max: 1, onConflict: REJECT'),
      'line 3: limits[0].class must name a class: other',
    ],
    [
      'unknown per',
      limited('per: device, max: 1, onConflict: REJECT'),
      'line 3: limits[0].per must be class, platform or user',
    ],
    [
      'a property of every object as per',
      limited('per: constructor, max: 1, onConflict: REJECT'),
      'line 3: limits[0].per must be class, platform or user',
    ],
    ['no per', limited('per: , max: 1, onConflict: REJECT'), 'line 3: limits[0].per must be a text'],
    ['a map as per', limited('per: { a: 1 }, max: 1, onConflict: REJECT'), 'line 3: limits[0].per must be'],
    [
      'unknown onConflict',
      limited('per: user, max: 1, onConflict: reject'),
      'line 3: limits[0].onConflict must be KICK_OLDEST, KICK_ALL or REJECT',
    ],
    [
      'no onConflict',
      limited('per: user, max: 1, onConflict: '),
      'line 3: limits[0].onConflict must be a text',
    ],
    [
      'unknown class',
      limited('per: class, class: mobile, max: 1, onConflict: REJECT'),
      'line 3: limits[0].class "mobile" is not a class of this policy: the classes are other',
    ],
    [
      '__proto__ as class',
      limited('per: class, class: __proto__, max: 1, onConflict: REJECT'),
      'line 3: limits[0].class "__proto__" is not a class of this policy',
    ],
    [
      'a class where none belongs',
      limited('per: user, class: other, max: 1, onConflict: REJECT'),
      'line 3: limits[0].class is for per: class, not per: user',
    ],
    [
      'two of one scope',
      limited(
        'per: user, max: 1, onConflict: REJECT',
        'per: class, class: other, max: 1, onConflict: REJECT',
        'per: platform, max: 1, onConflict: REJECT',
        'per: class, class: other, max: 2, onConflict: KICK_ALL',
      ),
      'line 6: limits[3] counts the same sessions as limits[1]: keep one of them',
    ],
    [
      'more than 32',
      limited(...Array.from({ length: 33 }, () => 'per: user, max: 1, onConflict: REJECT')),
      'line 2: limits must have at most 32 entries; there are 33',
    ],
  ])('%s', (_, contents, said) => expectFault(contents, said));

  test.each<Row>([
    [
      'no class',
      limited('per: class, class: , max: 1, onConflict: REJECT'),
      'line 3: limits[0].class must be a text: put it in quotes',
    ],
    [
      'a number as class, which is the name of one',
      `${limited('per: class, class: 1, max: 1, onConflict: REJECT')}classes:\n  1: [ios]\n`,
      'line 5: a key must be a text: put it in quotes',
    ],
  ])('%s', (_, contents, said) => expectFault(contents, said));

  test('name the flag as the field, because a key may have the name of another flag', async () => {
    for (const contents of [
      limited('per: user, max: 0, onConflict: REJECT'),
      'name: p\ntimeout: 1\n',
      'name: p\nlimits: [\n',
    ])
      expect(await faultOf(contents)).toMatchObject({ field: '--file' });
  });
});

describe('classes and exclusions', () => {
  test.each<Row>([
    [
      'unknown platform',
      'name: p\nclasses:\n  mobile:\n    - ios\n    - iso\n',
      'line 5: classes.mobile[1] "iso" is not a known platform: correct it, or list it under platforms',
    ],
    [
      'a platform in two classes',
      'name: p\nclasses:\n  mobile: [ios]\n  pad:\n    [ipad,\n    ios]\n',
      'line 6: classes.pad[1] "ios" is in the class mobile already: a platform belongs to one class',
    ],
    [
      'a platform twice',
      'name: p\nclasses:\n  a: [ios, ios]\n',
      'line 3: classes.a[1] "ios" is in the class a',
    ],
    ['no platform', 'name: p\nclasses:\n  a: []\n', 'line 3: classes.a must have a platform'],
    ['an empty platform', 'name: p\nclasses:\n  a: [""]\n', 'line 3: classes.a[0] must not be empty'],
    [
      'a control character',
      'name: p\nplatforms:\n  - "a\\n"\n',
      'line 3: platforms[0] must not contain control characters',
    ],
    [
      'a class named other',
      'name: p\nclasses:\n  other: [ios]\n',
      'line 3: classes.other is the class of all',
    ],
    [
      '__proto__ as class',
      'name: p\nclasses:\n  __proto__: [ios]\n',
      'line 3: classes.__proto__ must be 1 to 64 lower-case letters',
    ],
    [
      'toString as class',
      'name: p\nclasses:\n  toString: [ios]\n',
      'line 3: classes.toString must be 1 to 64 lower-case letters',
    ],
    [
      'unknown class',
      exclusive('a, b', 'b, c'),
      'line 7: exclusive[1][1] "c" is not a class of this policy: the classes are a, b, other',
    ],
    ['constructor as class', exclusive('constructor, a'), 'line 6: exclusive[0][0] "constructor" is not a'],
    ['a group of one', exclusive('a, b', 'other'), 'line 7: exclusive[1] must name two classes or more'],
    ['an empty group', exclusive(''), 'line 6: exclusive[0] must name two classes or more'],
    ['a class and itself', exclusive('a, a'), 'line 6: exclusive[0][1] names a twice'],
    ['a pair twice', exclusive('a, b', 'b, a'), 'line 7: exclusive[1][1] closes a cycle'],
    ['a triangle', exclusive('a, b', 'b, other', 'other, a'), 'line 8: exclusive[2][1] closes a cycle'],
  ])('%s', (_, contents, said) => expectFault(contents, said));

  test('the line of a class whose name has a dot', () =>
    expectFault('name: p\nclasses:\n  a.b: [ios]\n', 'line 3: classes.a.b must be 1 to 64'));
});

describe('a file that cannot be read', () => {
  test.each([
    ['it is missing', '/nowhere/policy.yaml', 'ENOENT: no such file or directory'],
    ['it is a directory', '/', 'EISDIR'],
  ])('because %s is wrong usage', async (_, file, reason) => {
    const message = expect.stringContaining(`--file ${file} cannot be read (${reason}`);
    await expect(readPolicyFile(file)).rejects.toMatchObject({
      code: 'WRONG_USAGE',
      field: '--file',
      message,
    });
  });

  test('because it is large is wrong usage', async () => {
    expect(await read(`name: p\n#${'x'.repeat(65_536 - 9)}`)).toMatchObject({ name: 'p' });
    expect(await faultOf(`name: p\n#${'x'.repeat(100 * 1_024)}`)).toEqual({
      code: 'WRONG_USAGE',
      field: '--file',
      message: expect.stringContaining('it is larger than 64 KiB'),
    });
  });
});
