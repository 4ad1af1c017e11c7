import { Flags } from '@oclif/core';
import { expect, test } from 'vitest';
import { commandLine } from '../../../../src/cli/config/settings.ts';

const flags = {
  yes: Flags.boolean({ char: 'y' }),
  output: Flags.string({ char: 'o' }),
  endpoint: Flags.string({ char: 'e' }),
};

test.each([
  [['--endpoint', 'h:1', '--yes'], { endpoint: 'h:1', yes: 'true' }],
  [['--endpoint=h:1'], { endpoint: 'h:1' }],
  [['--endpoint='], { endpoint: '' }],
  [['-e', 'h:1', '-y'], { endpoint: 'h:1', yes: 'true' }],
  [['-eh:1'], { endpoint: 'h:1' }],
  [['-e=h:1'], { endpoint: 'h:1' }],
  [['-yo', 'json'], { yes: 'true', output: 'json' }],
  [['-yojson'], { yes: 'true', output: 'json' }],
  [['-e', '-x'], { endpoint: '-x' }],
  [['-e', '--yes'], { yes: 'true' }],
  [['-o'], {}],
  [['alice', '-x', '--nothing', '--', '-y'], {}],
])('commandLine reads %j as oclif does', (argv, expected) => {
  const texts = [...commandLine(argv, flags)].map(([name, { text }]) => [name, text]);
  expect(Object.fromEntries(texts)).toEqual(expected);
});
