import { Errors } from '@oclif/core';
import { Chalk } from 'chalk';
import { faultJson } from 'imstate-client/internal/json';
import { ImstateError, messageOf } from 'imstate-client/internal/shared/errors';
import { loadFault } from '../base/loadFault.js';
import { systemFault } from '../base/systemFault.js';
import { printable, printableLines } from './printable.js';

/** Anything thrown as an error of imstate; oclif's own errors are about the usage. */
export function toImstateError(error: unknown): ImstateError {
  if (isImstateError(error)) {
    // oclif puts its own lines around the message of an error that a flag's parser threw.
    const message = inOneSentence(error.message);
    return message === error.message ? error : error.reworded(message);
  }
  const fault = systemFault(error) ?? loadFault(error);
  if (fault !== undefined) return new ImstateError('SYSTEM_ERROR', fault, { cause: error });
  if (!(error instanceof Errors.CLIError)) {
    return new ImstateError('INTERNAL', messageOf(error), { cause: error });
  }
  return new ImstateError('WRONG_USAGE', `${inOneSentence(error.message)}; --help shows how`, {
    cause: error,
  });
}

/** Told by its name: the daemon is not bundled with the command line, so its ImstateError is another class. */
function isImstateError(error: unknown): error is ImstateError {
  return error instanceof Error && error.name === 'ImstateError';
}

/** oclif spreads what is wrong over several lines: "Parsing --port", then "Expected an integer but …". */
function inOneSentence(message: string): string {
  return message
    .replace(/\s*See more help with --help\s*$/, '')
    .replace(/^The following errors? occurred:\s*/, '')
    .replace(/^Parsing --[a-z-]+\s+(?=--)/, '')
    .replace(/^Parsing (--[a-z-]+)\s+Expected/, '$1: expected')
    .replace(/^(Missing \d+ required args?):\n(.*)$/s, (_, missing, rows: string) => {
      const names = rows.split('\n').map((row) => row.trim().split(/\s/)[0]?.toUpperCase());
      return `${missing}: ${names.join(' ')}`;
    })
    .replace(/Missing required flag (?=[a-z])/g, 'Missing required flag --')
    .replace(/\s*\n\s*/g, '; ');
}

/** What --json prints on stdout for an error. */
export function errorJson(error: ImstateError): object {
  return { error: faultJson(error) };
}

/** Prints an error for people on stderr. */
export function printError(error: ImstateError): void {
  const isFancy = process.stderr.isTTY === true && !process.env.NO_COLOR;
  const { red } = new Chalk(isFancy ? {} : { level: 0 });
  process.stderr.write(`${red('Error:')} ${printable(error.message)}\n`);
  if (error.code !== 'INTERNAL' || isOfCall(error.cause)) return;
  process.stderr.write(`${printableLines((error.cause as Error | undefined)?.stack ?? '', false)}\n`);
}

/** What a server answered, or gRPC said of a call: where this process noticed says nothing. */
function isOfCall(cause: unknown): boolean {
  return typeof cause === 'object' && cause !== null && 'details' in cause;
}
