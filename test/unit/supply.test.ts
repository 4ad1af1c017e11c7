import { readdirSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { expect, test } from 'vitest';
import pkg from '../../package.json' with { type: 'json' };
import lock from '../../package-lock.json' with { type: 'json' };
import client from '../../packages/client/package.json' with { type: 'json' };

const [, atRunTime = '', toBuild = '', patched = ''] = readFileSync('docs/dependencies.md', 'utf8').split(
  /^## /m,
);

interface LockedPackage extends Record<string, unknown> {
  dependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
}

/** The folders in whose node_modules Node.js resolves the dependencies of a package, innermost first. */
function foldersFrom(path: string): string[] {
  if (path === '') return [''];
  return [`${path}/`, ...foldersFrom(path.slice(0, Math.max(0, path.lastIndexOf('node_modules/') - 1)))];
}

/** True for the client, which npm links from packages/. */
function isOwn(path: string): boolean {
  return path === 'packages/client' || path === 'node_modules/imstate-client';
}

function rowsOf(section: string): string[] {
  const rows = [...section.matchAll(/^\| (`[^|]+`) \| \S.*\|$/gm)];
  return rows.flatMap(([, names = '']) => names.replaceAll('`', '').split(', ')).sort();
}

test('lists exactly the dependencies in docs/dependencies.md, each with a reason', () => {
  expect(rowsOf(atRunTime)).toEqual(Object.keys(pkg.dependencies).sort());
  expect(rowsOf(toBuild)).toEqual(Object.keys(pkg.devDependencies).sort());
});

test('locks these dependencies, and has a checksum for every package', () => {
  const { '': root, ...packages } = lock.packages;
  expect(root.dependencies).toEqual(pkg.dependencies);
  expect(root.devDependencies).toEqual(pkg.devDependencies);
  const without = Object.entries(packages).filter(
    ([path, each]) => !('integrity' in each) && !('inBundle' in each) && !isOwn(path),
  );
  expect(without).toEqual([]);
});

test('gives client and imstate the same version and dependencies, and pins the client', () => {
  expect(pkg.dependencies['imstate-client']).toBe(pkg.version);
  expect(client.version).toBe(pkg.version);
  expect(pkg.dependencies).toMatchObject(client.dependencies);
});

test('locks every required package for all platforms', () => {
  const packages: Record<string, LockedPackage> = lock.packages;
  const missing = Object.entries(packages).flatMap(([path, each]) =>
    Object.keys({ ...each.dependencies, ...each.optionalDependencies })
      .filter((name) => !foldersFrom(path).some((folder) => `${folder}node_modules/${name}` in packages))
      .map((name) => `${name} of ${path}`),
  );
  expect(missing).toEqual([]);
});

test('names no registry in the lock file', () => {
  const resolved = Object.entries(lock.packages).filter(([path, each]) => 'resolved' in each && !isOwn(path));
  expect(resolved).toEqual([]);
});

test('installs no package with an install script', () => {
  const withScript = Object.entries(lock.packages).filter(([, each]) => 'hasInstallScript' in each);
  const names = withScript.map(([path]) => path.split('node_modules/').at(-1)).filter((name) => name !== '');
  for (const name of names) expect(pkg.allowScripts).toHaveProperty(name as string, false);
});

/** Files in folders of patches that are not patches themselves. */
const HELPERS = ['patchReport.ts', 'slots.ts', 'testedNode.ts'];

/** The rows of the table of patches. */
const patches = [...patched.matchAll(/^\| `([^`]+)` \| ([^|]+) \| ([^|]+) \|/gm)].map(
  ([, file = '', of = '', version = '']) => ({ file, of: of.replaceAll('`', ''), version }),
);

test('lists exactly the patches in docs/dependencies.md', () => {
  const files = ['src', 'packages/client/src']
    .flatMap((root) =>
      readdirSync(root, { recursive: true, encoding: 'utf8' }).map((file) => `${root}/${file}`),
    )
    .filter((file) => /\/internals\/[^/]+\.ts$/.test(file) && !HELPERS.includes(basename(file)));
  expect(files).not.toEqual([]);
  expect([...new Set(patches.map(({ file }) => file))].sort()).toEqual([...files, 'build/patches.js'].sort());
});

test('names the tested versions in each patch, and pins each patched package to one', () => {
  for (const { file, of, version } of patches) {
    const text = readFileSync(file, 'utf8');
    const pinned = (pkg.dependencies as Record<string, string>)[of];
    expect([file, text.match(/ \* Patch of /g)?.length]).toEqual([
      file,
      patches.filter((each) => each.file === file).length,
    ]);
    expect(text).toMatch(/ \* - Upstream: .*\n(?: \* {3}.*\n)* \* - Tested with /);
    expect(text).toMatch(/ \* - Fallback/);
    if (!of.includes('Node.js')) expect([file, version]).toEqual([file, pinned]);
    for (const tested of version.split(', ')) expect([file, text.includes(tested)]).toEqual([file, true]);
  }
});
