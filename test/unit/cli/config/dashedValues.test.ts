import { Flags, Parser } from '@oclif/core';
import { expect, test } from 'vitest';
import { markDashedValues, readDashedValues } from '../../../../src/cli/config/dashedValues.ts';

const flags = {
  yes: Flags.boolean({ char: 'y' }),
  session: Flags.string(),
  user: Flags.string({ multiple: true, delimiter: ',' }),
  endpoint: Flags.string({ char: 'e' }),
};

const parse = (argv: string[]) =>
  Parser.parse(markDashedValues(argv, flags), { flags: readDashedValues(flags), strict: false });

test.each([
  [['--session=-eXYZ'], { session: '-eXYZ' }],
  [['--session=-e', '-y'], { session: '-e', yes: true }],
  [['--session=--yes'], { session: '--yes' }],
  [['--user=-eva,-yan'], { user: ['-eva', '-yan'] }],
  [['--session', '-xyz', '-e', 'h:1'], { session: '-xyz', endpoint: 'h:1' }],
])('reads %j', async (argv, expected) => {
  expect((await parse(argv)).flags).toMatchObject(expected);
});

test('changes no words after --', () => {
  expect(markDashedValues(['--session=-e', '--', '--session=-e'], flags).slice(1)).toEqual([
    '--',
    '--session=-e',
  ]);
});

test('still takes a flag after another one for a flag', async () => {
  await expect(parse(['--session', '-y'])).rejects.toThrow('Flag --session expects a value');
});
