import { Errors, type Hook } from '@oclif/core';
import { ImstateError } from 'imstate-client/internal/shared/errors';
import { printableJson } from '../output/printable.js';
import { errorJson, printError, wantsJson } from '../output/report.js';
import { nearest } from './nearest.js';

/**
 * oclif's hook for words that are no command: the same error, exit code and --json as everywhere. What follows a command that takes
 * no arguments comes here too, for oclif looks for commands of several words: "sessions:10.0.0.1:9000".
 */
const commandNotFound: Hook.CommandNotFound = async ({ config, id, argv = [] }) => {
  const shown = config.commands.filter(({ hidden }) => !hidden);
  const names = shown.map((command) => command.id.replaceAll(':', ' ')).sort();
  const [first = '', second] = id.split(':');
  const isTopic = second !== undefined && names.some((name) => name.startsWith(`${first} `));
  const said = isTopic ? `${first} ${second}` : first;
  const meant = nearest(said, names);
  const message = names.includes(said)
    ? `${said} takes flags and no arguments; --help shows how`
    : `"${said}" is no command of imstate${meant ? `: did you mean ${meant}? There` : '; there'} are: ${names.join(', ')}`;
  const error = new ImstateError('WRONG_USAGE', message);
  // For each colon in a word oclif has left one out of what follows.
  if (wantsJson(argv) || wantsJson(process.argv))
    process.stdout.write(`${printableJson(errorJson(error), 2)}\n`);
  else printError(error);
  throw new Errors.ExitError(error.exitCode);
};

export default commandNotFound;
