import { Flags } from '@oclif/core';
import { ImstateError } from 'imstate-client/internal/shared/errors';
import { yesOrNo } from '../base/yesOrNo.js';
import { commandLine, type FlagTable, type Layer } from '../config/settings.js';

/** Flags of all commands: the format of their output. */
export const outputFlags = {
  json: Flags.boolean({
    description: 'print JSON on stdout, for errors too',
    env: 'IMSTATE_JSON',
    helpGroup: 'GLOBAL',
  }),
  output: Flags.option({ options: ['json', 'text'] as const })({
    char: 'o',
    description: 'json is the same as --json [default: text]',
    env: 'IMSTATE_OUTPUT',
    helpGroup: 'GLOBAL',
  }),
};

/**
 * True if the command line asks for JSON, or else the environment. `flags` are those of the command, if it is
 * known. Errors of oclif's parser are JSON too, so this does not depend on it.
 */
export function wantsJson(argv: readonly string[], flags: FlagTable = outputFlags): boolean {
  const given = commandLine(argv, flags);
  if (given.has('json')) return true;
  if (given.has('output')) return given.get('output')?.text === 'json';
  const { IMSTATE_JSON = '', IMSTATE_OUTPUT } = process.env;
  return yesOrNo(IMSTATE_JSON) === true || IMSTATE_OUTPUT === 'json';
}

/** Throws WRONG_USAGE if the command line asks for JSON and for text. */
export function checkOutput(given: Layer): void {
  if (!given.has('json') || given.get('output')?.text !== 'text') return;
  const message = '--json and --output text contradict each other: give one of them';
  throw new ImstateError('WRONG_USAGE', message, { field: '--output' });
}
