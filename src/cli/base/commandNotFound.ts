import { Errors, type Hook, type Interfaces } from '@oclif/core';
import { ImstateError } from 'imstate-client/internal/shared/errors';
import { wantsJson } from '../flags/outputFlags.js';
import { printableJson } from '../output/printable.js';
import { errorJson, printError, wrongUsage } from '../output/report.js';
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
  const topic = names.some((name) => name.startsWith(`${first} `)) ? `${first} ` : '';
  const said = topic !== '' && second !== undefined ? topic + second : first;
  if (names.includes(said)) return wrongUsage(`${said} takes flags and no arguments`).message;
  return `"${said}" is not a command of imstate: ${hintFor(said, topic, names)}`;
}

/** Within a topic only its own commands are near. */
function hintFor(said: string, topic: string, names: readonly string[]): string {
  const known = names.filter((name) => name.startsWith(topic)).map((name) => name.slice(topic.length));
  const meant = nearestOnes(said.slice(topic.length), known).map((name) => topic + name);
  if (meant.length > 0) return `did you mean ${meant.join(' or ')}?`;
  return `imstate ${topic}--help lists the commands`;
}
