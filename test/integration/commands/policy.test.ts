import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, inject, test } from 'vitest';
import type { Policy } from '../../../packages/client/src/index.ts';
import { ROLES } from '../../../src/daemon/auth/roles.ts';
import { PRESETS } from '../../../src/presence/policyPresets.ts';
import {
  AUDIENCE,
  ISSUER,
  Issuer,
  keysFile,
  scratchDirectory,
  TokenFile,
} from '../../support/credentials.ts';
import type { TestDaemon } from '../../support/daemon.ts';
import { startDaemon } from '../../support/disposables.ts';
import { spawnImstate } from '../../support/imstate.ts';
import { type CliResult, runCli } from '../../support/runCli.ts';
import { ISO } from '../../support/testCli.ts';

const ONE_PHONE: Policy = {
  name: 'one-phone',
  platforms: ['fridge'],
  classes: { mobile: ['ios', 'android'], home: ['tv', 'fridge'] },
  limits: [
    { per: 'class', class: 'mobile', max: 1, onConflict: 'REJECT' },
    { per: 'user', max: 3, onConflict: 'KICK_OLDEST' },
  ],
  exclusive: [['home', 'other']],
};
/** As it is stored at first. */
const STORED = { ...ONE_PHONE, version: 1, author: 'anonymous' };
const FILE = `# Ours.
name: one-phone
platforms: [fridge]
classes:
  mobile: [ios, android]
  home: [tv, fridge]
limits:
  - { per: class, class: mobile, max: 1, onConflict: REJECT }
  - { per: user, max: 3, onConflict: KICK_OLDEST }
exclusive:
  - [home, other]
`;
const SERVER = ['--server-addr', '10.0.0.1:9000'];

let daemon: TestDaemon;

beforeEach(async () => {
  daemon = await startDaemon({ redis: inject('redisUrl') });
});

const environment = () => ({ IMSTATE_DATA_DIR: daemon.dataDir, IMSTATE_TIMEOUT: '30s' });
const run = (...args: string[]): Promise<CliResult> => runCli(args, environment());
const policy = (...args: string[]) => run('policy', ...args);

/** Runs a command of the topic with --json. */
async function json(...args: string[]): Promise<unknown> {
  return JSON.parse((await policy(...args, '--json')).stdout);
}

/** The error of a command that fails with this exit code and prints nothing else. */
async function refusal(exitCode: number, ...args: string[]): Promise<string> {
  const { stdout, stderr, ...result } = await run(...args);
  expect({ stdout, ...result }).toEqual({ stdout: '', exitCode });
  expect(stderr).toMatch(/^Error: [^\n]+\n$/);
  return stderr.slice('Error: '.length, -1);
}

async function fileOf(contents: string): Promise<string> {
  const file = join(await scratchDirectory(), 'policy.yaml');
  await writeFile(file, contents);
  return file;
}

/** Stores a policy; resolves with what the command printed. */
async function apply(contents: string, ...flags: string[]): Promise<CliResult> {
  return policy('apply', '--file', await fileOf(contents), ...flags);
}

/** The same from standard input, which only a process of its own has. */
async function applyStdin(contents: string) {
  const { stdin, stdout, stderr, ended } = spawnImstate(
    ['policy', 'apply', '-f', '-'],
    environment(),
    'pipe',
  );
  stdin?.end(contents);
  const exitCode = await ended;
  return { stdout: stdout(), stderr: stderr(), exitCode };
}

const login = (user: string, device: string, ...flags: string[]) =>
  run('online', user, device, ...SERVER, '--session', `of-${device}`, ...flags);

/** Makes ONE_PHONE the default, and logs the phone of a user in. */
async function onOnePhone(user: string): Promise<void> {
  await apply(FILE);
  await policy('set-default', 'one-phone');
  await login(user, 'phone', '--platform', 'ios', '--label', "Anna's phone", '--metadata', 'secret=x');
}

/** The session in the way of another phone. */
const CONFLICT = {
  deviceId: 'phone',
  online: true,
  serverAddr: '10.0.0.1:9000',
  sessionId: 'of-phone',
  platform: 'ios',
  loginTime: expect.stringMatching(ISO),
  lastSeen: expect.stringMatching(ISO),
  logoutTime: null,
  reason: null,
  reasonText: null,
  clientIp: null,
  label: "Anna's phone",
  appVersion: null,
  metadata: {},
};
const LIMIT = { per: 'class', class: 'mobile', max: 1, onConflict: 'REJECT' };
const IN_THE_WAY =
  /^in the way: session of-phone of phone \("Anna's phone", ios\) at 10\.0\.0\.1:9000 since 2.*Z$/m;

describe('policy apply', () => {
  test('stores a policy once: a repetition changes nothing', async () => {
    const file = await fileOf(FILE);
    const applyAgain = () => policy('apply', '-f', file);
    expect(await applyAgain()).toEqual({
      stdout: 'policy one-phone, version 1 is stored: 2 limits\n',
      stderr: '',
      exitCode: 0,
    });
    expect(await applyAgain()).toEqual({
      stdout: 'policy one-phone, version 1 is stored already: nothing was changed\n',
      stderr: '',
      exitCode: 0,
    });
    expect(await json('apply', '-f', file)).toEqual({ policy: STORED, changed: false });
    expect(await json('list')).toMatchObject({ revision: 1 });
  });

  test('replaces the policy of the name, and counts its versions', async () => {
    await apply(FILE);
    const changed = await apply(FILE.replace('max: 3', 'max: 4'), '--json');
    expect(JSON.parse(changed.stdout)).toMatchObject({
      policy: { name: 'one-phone', version: 2, limits: [{ max: 1 }, { max: 4 }] },
      changed: true,
    });
  });

  test('reads standard input', async () => {
    expect(await applyStdin(FILE)).toMatchObject({
      stdout: 'policy one-phone, version 1 is stored: 2 limits\n',
      exitCode: 0,
    });
    const wrong = await applyStdin('name: p\nlimit: []\n');
    expect(wrong).toEqual({
      stdout: '',
      stderr: 'Error: standard input, line 2: limit is not a key: did you mean limits?\n',
      exitCode: 2,
    });
  });

  test('names the line and the key of a rule that is broken, and changes nothing', async () => {
    const file = await fileOf(FILE.replace('max: 3', 'max: 0'));
    const message = `${file}, line 9: limits[1].max must be 1 to 10,000; this one is 0`;
    expect(await refusal(2, 'policy', 'apply', '-f', file)).toBe(message);
    expect(await json('apply', '-f', file)).toEqual({
      error: { code: 'INVALID_ARGUMENT', message, field: '--file' },
    });
    expect(await json('list')).toMatchObject({ revision: 0 });
  });

  test.each(['keep-all', 'replace-same-platform', 'replace-all'])(
    'does not give %s another meaning',
    async (name) => {
      const file = await fileOf(FILE.replace('name: one-phone', `name: ${name}`));
      expect(await refusal(2, 'policy', 'apply', '-f', file)).toContain('is a preset, which never changes');
    },
  );

  test.each([
    [['-f', '/nowhere/policy.yaml'], /^--file \/nowhere\/policy\.yaml cannot be read \(ENOENT/],
    [['-f', '/'], /^--file \/ cannot be read \(EISDIR/],
    [[], /^Missing required flag --file/],
    [['one-phone', '-f', '/'], /takes flags and no arguments/],
  ])('rejects the usage %j', async (args, message) => {
    expect(await refusal(2, 'policy', 'apply', ...args)).toMatch(message);
  });

  test('blames no flag that has the name of a class', async () => {
    const file = await fileOf('name: p\nclasses:\n  timeout: [iso]\n');
    const { error } = (await json('apply', '-f', file)) as { error: object };
    expect(error).toMatchObject({ field: '--file', message: expect.stringContaining('classes.timeout[0]') });
    expect(await refusal(2, 'policy', 'apply', '-f', file)).not.toContain('--timeout');
  });

  test('stores the largest policy that keeps all limits', async () => {
    const longName = (start: string) => start.padEnd(64, 'x');
    const platforms = Array.from({ length: 64 }, (_, i) => `platform-${i}-`.padEnd(32, 'x'));
    const classes = Array.from({ length: 32 }, (_, i) => longName(`class-${i}-`));
    const largest: Policy = {
      name: longName('policy-'),
      platforms,
      classes: Object.fromEntries(classes.map((name, i) => [name, platforms.slice(2 * i, 2 * i + 2)])),
      limits: classes.map((each) => ({ per: 'class', class: each, max: 10_000, onConflict: 'KICK_OLDEST' })),
      exclusive: classes.map((each, i) => [each, classes[i + 1] ?? 'other']),
    };
    const stored = await apply(JSON.stringify(largest), '--json');
    expect(JSON.parse(stored.stdout)).toMatchObject({ policy: largest, changed: true });
  });
});

describe('policy show', () => {
  test('prints a file that can be applied, and changes nothing then', async () => {
    await apply(FILE);
    const { stdout } = await policy('show', 'one-phone');
    expect(stdout).toBe(
      `# version 1, by anonymous\n${FILE.replace('# Ours.\n', '')
        .replace('[fridge]', '\n  - fridge')
        .replaceAll(/\[(\w+), (\w+)\]/g, '[ $1, $2 ]')
        .replace('platforms: \n', 'platforms:\n')}`,
    );
    expect((await applyStdin(stdout)).stdout).toContain('nothing was changed');
  });

  test('says of the default and of a preset what they are', async () => {
    await apply(FILE);
    await policy('set-default', 'one-phone');
    expect((await policy('show', 'one-phone')).stdout).toMatch(
      /^# version 1, by anonymous, the default policy\n/,
    );
    expect((await policy('show', 'openim-1')).stdout).toBe(
      '# a preset, not stored\nname: openim-1\nlimits:\n  - { per: platform, max: 1, onConflict: KICK_OLDEST }\n',
    );
    expect(await json('show', 'one-phone')).toEqual({ ...STORED, isDefault: true });
    expect(await json('show', 'openim-2')).toEqual({
      name: 'openim-2',
      version: 0,
      author: null,
      platforms: [],
      classes: {},
      limits: [{ per: 'user', max: 1, onConflict: 'KICK_OLDEST' }],
      exclusive: [],
      isDefault: false,
    });
  });

  test('prints JSON that can be applied, and changes nothing then', async () => {
    await apply(FILE);
    const shown = (await policy('show', 'one-phone', '--json')).stdout;
    expect((await applyStdin(shown)).stdout).toContain('nothing was changed');
  });

  test('prints a platform with an unprintable character as one that is the same', async () => {
    await apply('name: watches\nplatforms: ["⌚\\ufe0f"]\nclasses: { watch: ["⌚\\ufe0f"] }\n');
    const shown = (await policy('show', 'watches')).stdout;
    expect((await applyStdin(shown)).stdout).toContain('nothing was changed');
  });

  test('rejects a name that there is not, or that cannot be', async () => {
    expect(await refusal(2, 'policy', 'show', 'nope')).toBe(
      'there is no stored policy "nope": imstate policy list and imstate policy presets show those there are',
    );
    expect(await refusal(2, 'policy', 'show', 'No_Name')).toMatch(/^NAME must be 1 to 64 lower-case letters/);
    expect(await json('show', 'nope')).toMatchObject({ error: { code: 'NOT_FOUND' } });
  });
});

describe('policy list', () => {
  test('shows the default and the stored policies', async () => {
    const before = await policy('list');
    expect(before).toMatchObject({ stderr: '', exitCode: 0 });
    expect(before.stdout).toMatch(
      /^Name +Default +Version +Author +Rules\nkeep-all +default +preset +- +none\n$/,
    );
    await apply(FILE);
    const [, keepAll, onePhone] = (await policy('list')).stdout.split('\n');
    expect(keepAll).toMatch(/^keep-all +default +preset +- +none$/);
    expect(onePhone).toMatch(
      /^one-phone +- +1 +anonymous +mobile 1 REJECT; user 3 KICK_OLDEST; exclusive home, other$/,
    );
    await policy('set-default', 'one-phone');
    expect((await policy('list')).stdout).toMatch(/\none-phone +default +1 [^\n]*\n$/);
    expect(await json('list')).toEqual({ defaultPolicy: 'one-phone', revision: 2, policies: [STORED] });
  });
});

describe('policy presets', () => {
  /** No daemon is there, nor any place to find one. */
  const presets = (...args: string[]) =>
    runCli(['policy', 'presets', ...args], { IMSTATE_DATA_DIR: '/nowhere', IMSTATE_ENDPOINT: '127.0.0.1:1' });

  test('need no daemon', async () => {
    const { stdout, stderr, exitCode } = await presets();
    expect([stderr, exitCode]).toEqual(['', 0]);
    const [head, ...lines] = stdout.trimEnd().split('\n');
    expect(head).toMatch(/^Name +Rules$/);
    expect(lines.map((line) => line.split(' ')[0])).toEqual(PRESETS.map(({ name }) => name));
    expect(JSON.parse((await presets('--json')).stdout)).toEqual({ presets: PRESETS });
  });

  test('are printed as a file that can be applied under another name', async () => {
    const { stdout } = await presets('tencent-dual');
    expect(stdout).toBe(`# a preset, not stored
name: tencent-dual
classes:
  web: [ web, mini-program ]
limits:
  - { per: class, class: web, max: 1, onConflict: KICK_OLDEST }
  - { per: class, class: other, max: 1, onConflict: KICK_OLDEST }
`);
    expect(await apply(stdout.replace('tencent-dual', 'ours'))).toMatchObject({
      stdout: 'policy ours, version 1 is stored: 2 limits\n',
    });
    const preset = PRESETS.find(({ name }) => name === 'tencent-dual');
    expect(JSON.parse((await presets('tencent-dual', '--json')).stdout)).toEqual({ presets: [preset] });
  });

  test('have a name that is meant', async () => {
    const wrong = await presets('tencent-dul');
    expect(wrong).toEqual({
      stdout: '',
      stderr: 'Error: "tencent-dul" is not a preset: did you mean tencent-dual?\n',
      exitCode: 2,
    });
    expect((await presets('whatever')).stderr).toContain('list them with imstate policy presets');
  });
});

describe('policy set-default', () => {
  test('chooses a stored policy, once', async () => {
    await apply(FILE);
    expect(await policy('set-default', 'one-phone')).toEqual({
      stdout: 'one-phone is the default policy now, instead of keep-all\n',
      stderr: '',
      exitCode: 0,
    });
    expect((await policy('set-default', 'one-phone')).stdout).toBe(
      'one-phone is the default policy already\n',
    );
    expect(await json('set-default', 'keep-all')).toEqual({
      defaultPolicy: 'keep-all',
      previous: 'one-phone',
    });
  });

  test('stores a preset', async () => {
    expect(await json('set-default', 'openim-1')).toEqual({
      defaultPolicy: 'openim-1',
      previous: 'keep-all',
    });
    expect(await json('list')).toMatchObject({
      defaultPolicy: 'openim-1',
      policies: [{ name: 'openim-1', version: 1, author: 'anonymous' }],
    });
  });

  test('rejects a name that there is not', async () => {
    expect(await refusal(2, 'policy', 'set-default', 'nope')).toContain('there is no stored policy "nope"');
    expect(await refusal(2, 'policy', 'set-default')).toMatch(/Missing/);
    expect(await json('list')).toMatchObject({ defaultPolicy: 'keep-all', revision: 0 });
  });
});

describe('policy delete', () => {
  test('deletes a stored policy, and not the default or a preset', async () => {
    await apply(FILE);
    await policy('set-default', 'one-phone');
    expect(await refusal(2, 'policy', 'delete', 'one-phone')).toBe(
      'the policy one-phone is the default, and nothing was changed: set another default first',
    );
    expect(await json('delete', 'one-phone')).toMatchObject({ error: { code: 'FAILED_PRECONDITION' } });
    await policy('set-default', 'keep-all');
    expect(await policy('delete', 'one-phone')).toEqual({
      stdout: 'policy one-phone is deleted\n',
      stderr: '',
      exitCode: 0,
    });
    expect(await refusal(2, 'policy', 'delete', 'one-phone')).toBe(
      'there is no stored policy "one-phone": imstate policy list shows those there are',
    );
    expect(await refusal(2, 'policy', 'delete', 'openim-1')).toContain('it is a preset, which cannot be');
    await apply(FILE);
    expect(await json('delete', 'one-phone')).toEqual({ name: 'one-phone', deleted: true });
  });
});

describe('policy explain', () => {
  test('names the sessions in the way of a login that would be rejected, and exits with 1', async () => {
    await onOnePhone('alice');
    const { stdout, stderr, exitCode } = await policy('explain', 'alice', '--platform', 'android');
    expect([stderr, exitCode]).toEqual(['', 1]);
    const [said, counted, ...conflicts] = stdout.trimEnd().split('\n');
    expect(said).toBe(
      'the login of alice on android would be rejected by one-phone: at most 1 session of class mobile',
    );
    expect(counted).toBe('it counts in class mobile');
    expect(conflicts).toEqual([expect.stringMatching(IN_THE_WAY)]);
    const printed = await policy('explain', 'alice', '--platform', 'android', '--json');
    expect(printed.exitCode).toBe(1);
    expect(JSON.parse(printed.stdout)).toEqual({
      userId: 'alice',
      deviceId: null,
      platform: 'android',
      policy: 'one-phone',
      class: 'mobile',
      rejected: true,
      replaced: [],
      conflicts: [CONFLICT],
      limit: LIMIT,
    });
  });

  test('names the sessions that a login would end, and ends none', async () => {
    await onOnePhone('alice');
    const explain = ['explain', 'alice', '--policy', 'openim-2'];
    expect(await policy(...explain)).toEqual({
      stdout:
        'the login of alice would be accepted by openim-2\nends session of-phone of phone at 10.0.0.1:9000\n',
      stderr: '',
      exitCode: 0,
    });
    expect(await json(...explain, '--device', 'laptop', '--platform', 'macos')).toEqual({
      userId: 'alice',
      deviceId: 'laptop',
      platform: 'macos',
      policy: 'openim-2',
      class: null,
      rejected: false,
      replaced: [
        {
          deviceId: 'phone',
          sessionId: 'of-phone',
          serverAddr: '10.0.0.1:9000',
          reason: 'REPLACED',
          reasonText: null,
          by: null,
        },
      ],
      conflicts: [],
      limit: null,
    });
    expect((await run('query', 'alice')).stdout).toMatch(/^alice is online/);
    expect((await run('history', 'alice')).stdout).not.toContain('laptop');
  });

  test('says how many of several sessions must end', async () => {
    await apply('name: two\nlimits:\n  - { per: user, max: 2, onConflict: REJECT }\n');
    for (const device of ['a', 'b', 'c'])
      await run('online', 'alice', device, ...SERVER, '--policy', 'keep-all');
    const { stdout, exitCode } = await policy('explain', 'alice', '--policy', 'two');
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/(\nin the way: .*){3}\nend 2 of these 3 sessions to make room\n$/);
  });

  test('says in which class a login counts, so that a wrong platform shows', async () => {
    await onOnePhone('alice');
    expect((await policy('explain', 'alice', '--platform', 'iOS')).stdout).toBe(
      'the login of alice on iOS would be accepted by one-phone, and end no session\n' +
        'it counts in class other: no class has the platform iOS\n',
    );
    expect((await policy('explain', 'alice')).stdout).toContain(
      '\nit counts in class other: it has no platform\n',
    );
  });

  test('says that a login would end nothing', async () => {
    expect((await policy('explain', 'bob', '--platform', 'web')).stdout).toBe(
      'the login of bob on web would be accepted by keep-all, and end no session\n',
    );
    expect(await json('explain', 'bob')).toMatchObject({ policy: 'keep-all', rejected: false });
  });

  test('rejects wrong input by its name on the command line', async () => {
    expect(await refusal(2, 'policy', 'explain', 'alice', '--policy', 'nope')).toMatch(
      /^--policy "nope" is not a policy/,
    );
    expect(await refusal(2, 'policy', 'explain', '')).toMatch(/^USER must not be empty/);
    expect(await refusal(2, 'policy', 'explain')).toMatch(/USER|user/);
    expect(await refusal(2, 'policy', 'explain', 'alice', '--platform', 'x'.repeat(33))).toMatch(
      /^--platform must be/,
    );
    expect(await refusal(2, 'policy', 'explain', 'alice', '--policy', 'replace-same-platform')).toMatch(
      /^--platform must be given/,
    );
  });
});

describe('online', () => {
  test('that a policy rejects names the sessions in the way, and exits with 1', async () => {
    await onOnePhone('alice');
    const { stdout, stderr, exitCode } = await login('alice', 'tablet', '--platform', 'android');
    expect([stderr, exitCode]).toEqual(['', 1]);
    expect(stdout).toMatch(
      /^rejected: one-phone does not let alice\/tablet log in: at most 1 session of class mobile; nothing was changed, close its connection\n/,
    );
    expect(stdout).toMatch(IN_THE_WAY);
    const printed = await login('alice', 'tablet', '--platform', 'android', '--json');
    expect(printed.exitCode).toBe(1);
    expect(JSON.parse(printed.stdout)).toEqual({
      userId: 'alice',
      deviceId: 'tablet',
      sessionId: 'of-tablet',
      serverAddr: '10.0.0.1:9000',
      loginTime: null,
      replaced: [],
      endReason: 'REJECTED',
      policy: 'one-phone',
      rejected: true,
      conflicts: [CONFLICT],
      limit: LIMIT,
    });
    expect((await run('query', 'alice', 'tablet')).stdout).not.toContain('of-tablet');
  });

  test('--policy names a stored policy or a preset', async () => {
    await apply(FILE);
    await login('alice', 'phone', '--platform', 'ios');
    const refused = await login('alice', 'tablet', '--platform', 'ios', '--policy', 'one-phone');
    expect(refused.stdout).toMatch(/^rejected: one-phone does not let alice\/tablet log in/);
    const { stdout, exitCode } = await login(
      'alice',
      'tablet',
      '--platform',
      'ios',
      '--policy',
      'openim-1',
      '--json',
    );
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      policy: 'openim-1',
      rejected: false,
      endReason: null,
      replaced: [{ deviceId: 'phone', sessionId: 'of-phone', reason: 'REPLACED' }],
    });
  });

  test('names the flag of a policy that there is not', async () => {
    const message =
      '--policy "nope" is not a policy: imstate policy list shows the stored ones, and ' +
      'imstate policy presets the presets';
    expect(await refusal(2, 'online', 'alice', 'phone', ...SERVER, '--policy', 'nope')).toBe(message);
    const { stdout } = await run('online', 'alice', 'phone', ...SERVER, '--policy', 'nope', '--json');
    expect(JSON.parse(stdout)).toEqual({ error: { code: 'INVALID_ARGUMENT', message, field: '--policy' } });
  });

  test('--file takes a policy of each record; one that is rejected makes the exit code 1', async () => {
    await apply(FILE);
    const phone = (deviceId: string, name?: string) =>
      JSON.stringify({ userId: 'alice', deviceId, sessionId: deviceId, platform: 'ios', policy: name });
    const file = await fileOf(
      [phone('a'), phone('b', 'one-phone'), phone('c', 'openim-2'), phone('d')].join('\n'),
    );
    const batch = (...flags: string[]) => run('online', '--file', file, ...SERVER, ...flags);
    const { stdout, stderr, exitCode } = await batch();
    expect(exitCode).toBe(1);
    expect(stdout.split('\n')).toEqual([
      expect.stringMatching(/^1 alice\/a is online/),
      expect.stringMatching(
        /^2 rejected: one-phone does not let alice\/b log in.*; in the way: session a of a/,
      ),
      expect.stringMatching(/^3 alice\/c is online .*; replaced session a of a/),
      expect.stringMatching(/^4 alice\/d is online/),
      '',
    ]);
    expect(stderr).toMatch(/^3 online, 1 rejected, 0 unchanged, 0 failed in /);
  });

  test('--file --policy is for the records without one; a wrong one fails its record alone', async () => {
    await apply(FILE);
    const phone = (deviceId: string, name?: string) =>
      JSON.stringify({ userId: 'bob', deviceId, platform: 'ios', policy: name });
    const file = await fileOf(
      [phone('a'), phone('b'), phone('c', 'keep-all'), phone('d', 'nope')].join('\n'),
    );
    const { stdout, exitCode } = await run(
      'online',
      '--file',
      file,
      ...SERVER,
      '--policy',
      'one-phone',
      '--json',
    );
    expect(exitCode).toBe(2);
    expect(
      stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toMatchObject([
      { line: 1, policy: 'one-phone', rejected: false },
      { line: 2, policy: 'one-phone', rejected: true, endReason: 'REJECTED', conflicts: [{ deviceId: 'a' }] },
      { line: 3, policy: null, rejected: false },
      { line: 4, error: { code: 'INVALID_ARGUMENT', message: expect.stringContaining('"nope" is not') } },
    ]);
  });
});

describe('roles', () => {
  test('a reader lists and shows, a writer also explains and logs in, an admin also changes', async () => {
    const file = await TokenFile.make();
    const { addr } = await startDaemon({ redis: inject('redisUrl'), auth: { tokens: file.path } });
    const stored = await fileOf(FILE);
    const as = (role: string, ...args: string[]) =>
      runCli([...args, '--endpoint', addr], { IMSTATE_TOKEN: file.tokens[role] as string });
    const codes = async (...args: string[]) => {
      const found: number[] = [];
      for (const role of ROLES) found.push((await as(role, ...args)).exitCode);
      return found;
    };
    expect(await codes('policy', 'apply', '-f', stored)).toEqual([4, 4, 0]);
    expect((await as('writer', 'policy', 'apply', '-f', stored)).stderr).toContain(
      'PutPolicy needs the role admin, and token "writer" has writer',
    );
    expect(await codes('policy', 'list')).toEqual([0, 0, 0]);
    expect(await codes('policy', 'show', 'one-phone')).toEqual([0, 0, 0]);
    expect(await codes('policy', 'set-default', 'one-phone')).toEqual([4, 4, 0]);
    expect(await codes('policy', 'explain', 'alice')).toEqual([4, 0, 0]);
    expect(await codes('policy', 'delete', 'one-phone')).toEqual([4, 4, 2]);
    expect((await as('reader', 'policy', 'show', 'one-phone')).stdout).toMatch(/^# version 1, by admin,/);
    // A writer cannot bypass the default.
    expect(await codes('online', 'alice', 'web', ...SERVER, '--policy', 'keep-all')).toEqual([4, 4, 0]);
    expect(await codes('online', 'alice', 'web', ...SERVER)).toEqual([4, 0, 0]);
  });

  test('an author whose name has two lines does not add a rule to what is printed', async () => {
    const issuer = await Issuer.make();
    const auth = { jwt: { issuer: ISSUER, audience: AUDIENCE, jwks: await keysFile(issuer) } };
    const { addr } = await startDaemon({ redis: inject('redisUrl'), auth });
    const token = await issuer.sign({ sub: 'ops\nplatforms: [of the author]\n#', imstate_role: 'admin' });
    const as = (...args: string[]) => runCli([...args, '--endpoint', addr], { IMSTATE_TOKEN: token });
    const stored = await as('policy', 'apply', '-f', await fileOf('name: p\n'));
    expect(stored.exitCode).toBe(0);
    const shown = await fileOf((await as('policy', 'show', 'p')).stdout);
    expect((await as('policy', 'apply', '-f', shown)).stdout).toContain('nothing was changed');
  });
});
