import { Flags } from '@oclif/core';
import { describe, expect, test } from 'vitest';
import { ImstateError } from '../../../../packages/client/src/shared/errors.ts';
import { commandLine, type Layer, withOrigins } from '../../../../src/cli/config/settings.ts';

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

describe('withOrigins', () => {
  const settings: Layer = new Map([
    ['port', { text: '1', origin: 'IMSTATE_PORT' }],
    ['addr', { text: 'h', origin: undefined }],
    ['token-file', { text: undefined, origin: 'IMSTATE_TOKEN' }],
  ]);

  const messageOf = (message: string, field: string | undefined) =>
    withOrigins(new ImstateError('WRONG_USAGE', message, { field }), settings).message;

  test('appends the source of the flag that is the field', () => {
    expect(messageOf('it is in use', '--port')).toBe('it is in use (--port is set by IMSTATE_PORT)');
  });

  test('keeps the code and the field', () => {
    const error = new ImstateError('ADDRESS_UNAVAILABLE', 'it is in use', { field: '--port' });
    expect(withOrigins(error, settings)).toMatchObject({ code: 'ADDRESS_UNAVAILABLE', field: '--port' });
  });

  test.each([
    ['no field, whatever the message says', undefined],
    ['a field that is no flag', 'port'],
    ['a flag of the command line', '--addr'],
    ['a flag that a variable with the secret itself replaces', '--token-file'],
    ['a flag that is not set', '--shards'],
  ])('adds nothing for %s', (_, field) => {
    expect(messageOf('choose another --port', field)).toBe('choose another --port');
  });
});
