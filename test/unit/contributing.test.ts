import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import pkg from '../../package.json' with { type: 'json' };

const PAGES = ['CONTRIBUTING.md', ...readdirSync('docs/adr').map((name) => `docs/adr/${name}`)];
const page = readFileSync('CONTRIBUTING.md', 'utf8');

/** The paths of this repository that a page names in backticks. */
function pathsIn(name: string): string[] {
  const code = [...readFileSync(name, 'utf8').matchAll(/`([^`\n]+)`/g)].map(([, text]) => text as string);
  return code.filter((text) =>
    /^(bench|build|console|deploy|docs|examples|packages|proto|src|test)\//.test(text),
  );
}

test.each(PAGES)('names only existing paths in %s', (name) => {
  // The build creates these, and a new record its own.
  const others = /^packages\/client\/src\/generated\/|NNNN/;
  expect(pathsIn(name).filter((path) => !others.test(path) && !existsSync(path))).toEqual([]);
});

test('names paths, and only existing scripts, in CONTRIBUTING.md', () => {
  expect(pathsIn('CONTRIBUTING.md').length).toBeGreaterThan(40);
  const scripts = [...page.matchAll(/npm run ([a-z:-]+)/g)].map(([, name]) => name as string);
  expect(scripts.length).toBeGreaterThan(10);
  expect(scripts.filter((name) => !(name in pkg.scripts))).toEqual([]);
});
