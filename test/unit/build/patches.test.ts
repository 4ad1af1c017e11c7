import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
// @ts-expect-error The build is plain JavaScript.
import { sortPlainly } from '../../../build/patches.js';

test('the installed version of oclif sorts its commands where the patch looks', () => {
  const source = readFileSync('node_modules/@oclif/core/lib/config/plugin.js', 'utf8');
  const { contents, isApplied } = sortPlainly(source);
  expect(isApplied).toBe(true);
  expect(contents).not.toContain('localeCompare(b.id)');
});

test('a version of oclif that sorts in another way is left as it is', () => {
  expect(sortPlainly('sorted(commands)')).toEqual({ contents: 'sorted(commands)', isApplied: false });
});

test('cli-table3 requires the package that the bundle replaces', () => {
  const source = readFileSync('node_modules/cli-table3/src/utils.js', 'utf8');
  expect(source).toContain("require('string-width')");
});
