import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const page = readFileSync('docs/glossary.md', 'utf8');
const terms = [...page.matchAll(/^\| ([^|]+) \| [^|]+ \|.*\|$/gm)]
  .map(([, term = '']) => term)
  .filter((term) => term !== 'term' && term !== '---');

test('keeps docs/glossary.md in alphabetical order', () => {
  expect(terms.length).toBeGreaterThan(50);
  expect(terms).toEqual([...terms].sort((a, b) => a.localeCompare(b, 'en')));
});

test('names only existing files in docs/glossary.md, each with the type named before it', () => {
  const files = [...page.matchAll(/`((?:src|bench|packages|proto)\/[\w./-]+)`/g)].map(
    ([, path = '']) => path,
  );
  expect(files.length).toBeGreaterThan(50);
  expect(files.filter((path) => !existsSync(path))).toEqual([]);
  for (const [, name = '', path = ''] of page.matchAll(/`([\w.]+)` in `([^`]+)`/g)) {
    for (const part of name.split('.')) expect(readFileSync(path, 'utf8')).toContain(part);
  }
});
