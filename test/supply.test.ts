import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import pkg from '../package.json' with { type: 'json' };
import lock from '../package-lock.json' with { type: 'json' };

const [, atRunTime = '', toBuild = ''] = readFileSync('docs/dependencies.md', 'utf8').split(/^## /m);

function rowsOf(section: string): string[] {
  return [...section.matchAll(/^\| `([^`]+)` \| \S.*\|$/gm)].map(([, name]) => name as string).sort();
}

test('docs/dependencies.md has every dependency with its reason, and no other', () => {
  expect(rowsOf(atRunTime)).toEqual(Object.keys(pkg.dependencies).sort());
  expect(rowsOf(toBuild)).toEqual(Object.keys(pkg.devDependencies).sort());
});

test('the lock file is of these dependencies, and has the checksum of every package', () => {
  const { '': root, ...packages } = lock.packages;
  expect(root.dependencies).toEqual(pkg.dependencies);
  expect(root.devDependencies).toEqual(pkg.devDependencies);
  const without = Object.entries(packages).filter(
    ([, each]) => !('integrity' in each) && !('inBundle' in each),
  );
  expect(without).toEqual([]);
});

test('no package runs a script when it is installed', () => {
  const withScript = Object.entries(lock.packages).filter(([, each]) => 'hasInstallScript' in each);
  const names = withScript.map(([path]) => path.split('node_modules/').at(-1)).filter((name) => name !== '');
  for (const name of names) expect(pkg.allowScripts).toHaveProperty(name as string, false);
});
