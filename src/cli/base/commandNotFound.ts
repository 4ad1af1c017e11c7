import { Errors, type Hook, type Interfaces } from '@oclif/core';
import { ImstateError } from 'imstate-client/internal/shared/errors';
import { wantsJson } from '../flags/outputFlags.js';
import { printableJson } from '../output/printable.js';
import { errorJson, printError } from '../output/report.js';
import { nearestOnes } from './nearest.js';

/**
 * oclif's hook for an unknown command: the same error, exit code and --json as everywhere. oclif also calls
 * it for arguments of a command that has none, because it takes them for a command of several words:
 * "sessions:10.0.0.1:9000".
 */
const commandNotFound: Hook.CommandNotFound = async ({ config, id, argv = [] }) =>
  rejectUnknown(config, id, argv);

export default commandNotFound;

/** Prints the error of an unknown command, and ends the command. */
export function rejectUnknown(config: Interfaces.Config, id: string, argv: string[]): never {
  const shown = config.commands.filter(({ hidden }) => !hidden);
  const names = shown.map((command) => command.id.replaceAll(':', ' ')).sort();
  const error = new ImstateError('WRONG_USAGE', messageFor(id, names));
  // oclif cuts argv at each colon of a word.
  if (wantsJson(argv) || wantsJson(process.argv))
    process.stdout.write(`${printableJson(errorJson(error), 2)}\n`);
  else printError(error);
  throw new Errors.ExitError(error.exitCode);
}

/** `id` is oclif's form of the words: "context:lst". */
export function messageFor(id: string, names: readonly string[]): string {
  const [first = '', second] = id.split(':');
  const isTopic = names.some((name) => name.startsWith(`${first} `));
  const said = isTopic && second !== undefined ? `${first} ${second}` : first;
  if (names.includes(said)) return `${said} takes flags and no arguments; --help shows how`;
  const meant = nearestOnes(said, names);
  const list = isTopic ? `imstate ${first} --help` : 'imstate --help';
  const hint = meant.length > 0 ? `did you mean ${meant.join(' or ')}?` : `${list} lists the commands`;
  return `"${said}" is not a command of imstate: ${hint}`;
}
