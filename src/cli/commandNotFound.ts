import { Errors, type Hook } from '@oclif/core';
import { ImstateError } from '../errors.js';
import { errorJson, printError, wantsJson } from './report.js';

/** oclif's hook for a word that is no command: the same error, exit code and --json as everywhere. */
const commandNotFound: Hook.CommandNotFound = async ({ config, id, argv = [] }) => {
  const shown = config.commands.filter(({ hidden }) => !hidden);
  const names = shown.map((command) => command.id.replaceAll(':', ' ')).sort();
  const [first = '', second] = id.split(':');
  const isTopic = second !== undefined && names.some((name) => name.startsWith(`${first} `));
  const message = `"${isTopic ? `${first} ${second}` : first}" is no command of imstate; these are: ${names.join(', ')}`;
  const error = new ImstateError('WRONG_USAGE', message);
  if (wantsJson(argv)) process.stdout.write(`${JSON.stringify(errorJson(error), null, 2)}\n`);
  else printError(error);
  throw new Errors.ExitError(error.exitCode);
};

export default commandNotFound;
