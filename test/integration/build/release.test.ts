import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { until } from '../../support/until.ts';

const SCRIPT = fileURLToPath(new URL('../../../build/release.js', import.meta.url));

const CHANGELOG = `# Changelog

## [Unreleased]

### Added

- A thing.

## [1.0.0] - 2026-01-02

### Added

- The first version.
`;

/** Writes the version of the package into both builds. */
const BUILD = `
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
for (const folder of ['.', 'packages/client']) {
  mkdirSync(folder + '/dist', { recursive: true });
  writeFileSync(folder + '/dist/version.txt', JSON.parse(readFileSync('package.json')).version);
}
`;

const FILES = {
  'package.json': JSON.stringify({
    name: 'imstate',
    version: '1.0.0',
    files: ['dist'],
    scripts: { build: 'node build.mjs' },
    workspaces: ['packages/client'],
    dependencies: { 'imstate-client': '1.0.0' },
  }),
  'packages/client/package.json': JSON.stringify({
    name: 'imstate-client',
    version: '1.0.0',
    files: ['dist'],
  }),
  'build.mjs': BUILD,
  'CHANGELOG.md': CHANGELOG,
  '.gitignore': 'node_modules/\ndist/\n*.tgz\n',
};

const AUTHOR = { GIT_AUTHOR_NAME: 'A', GIT_AUTHOR_EMAIL: 'a@example.org' };
const COMMITTER = { GIT_COMMITTER_NAME: 'A', GIT_COMMITTER_EMAIL: 'a@example.org' };

/** A repository with two packages, copied by each test. */
let template: string;
/** The directory of a test. */
let base: string;
let root: string;
/** The directory for temporary files of the release. */
let temporary: string;
let env: NodeJS.ProcessEnv;

beforeAll(async () => {
  template = await mkdtemp(join(tmpdir(), 'imstate-test-'));
  root = template;
  env = { ...process.env, ...AUTHOR, ...COMMITTER, GIT_CONFIG_GLOBAL: '/dev/null' };
  await writeFiles(FILES);
  await run('npm', 'install', '--package-lock-only', '--ignore-scripts', '--no-audit', '--no-fund');
  await run('git', 'init', '--quiet', '--initial-branch=main');
  await commit();
  return () => rm(template, { recursive: true });
});

beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'imstate-test-'));
  [root, temporary] = [join(base, 'root'), join(base, 'temporary')];
  await mkdir(temporary);
  await cp(template, root, { recursive: true });
  env = { ...env, TMPDIR: temporary };
  return () => rm(base, { recursive: true });
});

async function writeFiles(files: Record<string, string>): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(join(root, name, '..'), { recursive: true });
    await writeFile(join(root, name), text);
  }
}

async function run(command: string, ...args: string[]): Promise<string> {
  return (await promisify(execFile)(command, args, { cwd: root, env })).stdout.trim();
}

async function commit(): Promise<void> {
  await run('git', 'add', '--all');
  await run('git', 'commit', '--quiet', '--message', 'a commit');
}

/** Runs the release until it exits. */
async function release(...args: string[]): Promise<{ code: number; output: string }> {
  return promisify(execFile)(process.execPath, [SCRIPT, ...args], { cwd: root, env }).then(
    ({ stdout, stderr }) => ({ code: 0, output: stdout + stderr }),
    ({ code, stdout, stderr }) => ({ code, output: `${stdout}${stderr}` }),
  );
}

/** Everything that a release may change: commits, tags, worktrees, and files, including temporary ones. */
async function state(): Promise<unknown> {
  const { stdout: head } = await promisify(execFile)('git', ['log', '-1', '--format=%H %D'], {
    cwd: root,
    env,
  });
  return {
    head,
    refs: await run('git', 'for-each-ref'),
    worktrees: await run('git', 'worktree', 'list'),
    status: await run('git', 'status', '--porcelain', '--ignored'),
    files: (await readdir(root)).sort(),
    temporary: await readdir(temporary),
  };
}

async function readJson(name: string): Promise<Record<string, unknown>> {
  return JSON.parse(await readFile(join(root, name), 'utf8'));
}

test('commits versions and changelog, tags the commit and packs every package', async () => {
  const { code, output } = await release('1.1.0');
  expect([code, output]).toEqual([0, expect.stringContaining('git push --follow-tags')]);
  expect(await run('git', 'status', '--porcelain')).toBe('');
  expect(await run('git', 'log', '-1', '--format=%s', 'main')).toBe('release: 1.1.0');
  expect(await run('git', 'rev-parse', 'v1.1.0^{commit}')).toBe(await run('git', 'rev-parse', 'main'));
  expect(await readJson('package.json')).toMatchObject({
    version: '1.1.0',
    dependencies: { 'imstate-client': '1.1.0' },
  });
  expect(await readJson('packages/client/package.json')).toMatchObject({ version: '1.1.0' });
  expect(await run('git', 'grep', '-c', '"1.0.0"', '--', 'package-lock.json').catch(() => 'none')).toBe(
    'none',
  );
  const date = new Date().toISOString().slice(0, 10);
  expect(await readFile(join(root, 'CHANGELOG.md'), 'utf8')).toBe(
    CHANGELOG.replace('## [Unreleased]\n', `## [Unreleased]\n\n## [1.1.0] - ${date}\n`),
  );
  for (const name of ['imstate', 'imstate-client'])
    expect(await run('tar', '-xzOf', `${name}-1.1.0.tgz`, 'package/dist/version.txt')).toBe('1.1.0');
  expect([await readdir(temporary), await run('git', 'worktree', 'list')]).toEqual([
    [],
    expect.not.stringContaining('\n'),
  ]);
});

describe('leaves the clone unchanged after', () => {
  let before: unknown;

  test('a dry run, which prints what it would do', async () => {
    before = await state();
    const { code, output } = await release('minor', '--dry-run');
    expect([code, output]).toEqual([0, expect.stringContaining('1.0.0 -> 1.1.0')]);
    expect(output).toMatch(/imstate-client-1\.1\.0\.tgz: 2 files[\s\S]*imstate-1\.1\.0\.tgz: 2 files/);
    expect(output).toContain('tag v1.1.0');
    expect(output).not.toContain('would stop');
    expect(await state()).toEqual(before);
  });

  test('a dry run on a detached HEAD right after a release, as in CI', async () => {
    await writeFiles({ 'CHANGELOG.md': CHANGELOG.replace(/### Added\n\n- A thing.\n\n/, '') });
    await commit();
    await run('git', 'checkout', '--quiet', '--detach');
    before = await state();
    const { code, output } = await release('patch', '--dry-run');
    expect([code, output]).toEqual([0, expect.stringContaining('1.0.0 -> 1.0.1')]);
    expect(output).toContain('would stop here: a detached HEAD is checked out');
    expect(output).toContain('would stop here: CHANGELOG.md has nothing under [Unreleased]');
    expect(await state()).toEqual(before);
  });

  test('a build that fails', async () => {
    await writeFiles({ 'build.mjs': 'process.exit(1);\n' });
    await commit();
    before = await state();
    expect(await release('1.1.0')).toEqual({
      code: 1,
      output: expect.stringContaining('Error: failed: npm run build'),
    });
    expect(await state()).toEqual(before);
  });

  test('a last step that fails', async () => {
    // Git cannot move main while another process appears to use the index.
    await writeFiles({ '.git/index.lock': '' });
    before = await state();
    expect(await release('1.1.0')).toEqual({
      code: 1,
      output: expect.stringContaining('Error: failed: git merge'),
    });
    expect(await state()).toEqual(before);
  });

  test('an interruption', async () => {
    const marker = join(base, 'marker');
    const text = `import { writeFileSync } from 'node:fs';
writeFileSync(${JSON.stringify(marker)}, '');
setInterval(() => {}, 1_000);
`;
    await writeFiles({ 'build.mjs': text });
    await commit();
    before = await state();
    const child = spawn(process.execPath, [SCRIPT, '1.1.0'], { cwd: root, env, stdio: 'ignore' });
    const ended = once(child, 'exit');
    await until(() => existsSync(marker) || child.exitCode !== null, 'the build has begun');
    child.kill('SIGINT');
    expect(await ended).toEqual([1, null]);
    expect(await state()).toEqual(before);
  });

  test.each<[string, () => Promise<unknown>, string[], string]>([
    ['uncommitted changes', () => writeFiles({ 'new.txt': '' }), ['1.1.0'], 'uncommitted changes'],
    ['another branch', () => run('git', 'checkout', '-qb', 'other'), ['1.1.0'], 'other is checked out'],
    ['a tag that exists', () => run('git', 'tag', 'v1.1.0'), ['1.1.0'], 'the tag v1.1.0 exists'],
    [
      'a version that is not greater',
      async () => {},
      ['1.0.0'],
      'not greater than the current version, 1.0.0',
    ],
    ['a version that is none', async () => {}, ['v1.1'], 'v1.1 is not a version'],
    ['no version', async () => {}, ['--dry-run'], 'usage: npm run release -- VERSION'],
    ['an unknown flag', async () => {}, ['1.1.0', '--dryrun'], "Unknown option '--dryrun'"],
  ])('%s', async (_, arrange, args, message) => {
    await arrange();
    before = await state();
    expect(await release(...args)).toEqual({ code: 1, output: expect.stringContaining(message) });
    expect(await state()).toEqual(before);
  });

  test.each([
    ['nothing is unreleased', '## [Unreleased]\n\n## [1.0.0] - 2026-01-02\n', 'nothing under [Unreleased]'],
    ['the heading is missing', '## [1.0.0] - 2026-01-02\n', 'no heading "## [Unreleased]"'],
    ['a section has no name of the form', '## [Unreleased]\n\n### News\n\n- A thing.\n', 'section "News"'],
  ])('a changelog in which %s', async (_, changelog, message) => {
    await writeFiles({ 'CHANGELOG.md': changelog });
    await commit();
    before = await state();
    expect(await release('1.1.0')).toEqual({ code: 1, output: expect.stringContaining(message) });
    expect(await state()).toEqual(before);
  });
});
