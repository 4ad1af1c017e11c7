import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
// @ts-expect-error The build is plain JavaScript.
import { sortPlainly } from '../../../build/patches.js';

test('finds the sorting of commands in the installed version of oclif', () => {
  const source = readFileSync('node_modules/@oclif/core/lib/config/plugin.js', 'utf8');
  const { contents, isApplied } = sortPlainly(source);
  expect(isApplied).toBe(true);
  expect(contents).not.toContain('localeCompare(b.id)');
});

test('does not patch a version of oclif that sorts in another way', () => {
  expect(sortPlainly('sorted(commands)')).toEqual({ contents: 'sorted(commands)', isApplied: false });
});

test('replaces a package that cli-table3 requires', () => {
  const source = readFileSync('node_modules/cli-table3/src/utils.js', 'utf8');
  expect(source).toContain("require('string-width')");
});
