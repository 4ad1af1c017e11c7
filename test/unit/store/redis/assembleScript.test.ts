import { expect, test } from 'vitest';
import { assembleScript } from '../../../../src/store/redis/assembleScript.ts';

const files: Record<string, string> = {
  base: 'base\n',
  left: '--- @include "base"\nleft\n',
  right: '--- @include "base"\n--- @include "left"\nright\n',
  both: '--- @include "left"\n--- @include "right"\n--- @include "base"\nboth\n',
  broken: '--- @include "missing"\n',
  loop: '--- @include "back"\n',
  back: '--- @include "loop"\n',
};

const assemble = (name: string) => assembleScript(name, (file) => files[file]);

test('each file is included once, before the files that include it', () => {
  expect(assemble('both').split('\n').filter(Boolean)).toEqual(['base', 'left', 'right', 'both']);
});

test('what is assembled stays as it is', () => {
  const assembled = assemble('both');
  expect(assembleScript('both', () => assembled)).toBe(assembled);
});

test('an unknown include is rejected, with the way to it', () => {
  expect(() => assemble('broken')).toThrow('unknown script: broken > missing');
});

test('a cyclic include is rejected, with the way to it', () => {
  expect(() => assemble('loop')).toThrow('cyclic include: loop > back > loop');
});
