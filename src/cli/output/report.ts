import { Errors } from '@oclif/core';
import { Chalk } from 'chalk';
import { faultJson } from 'imstate-client/internal/json';
import { ImstateError, type ImstateErrorOptions, messageOf } from 'imstate-client/internal/shared/errors';
import { loadFault } from '../base/loadFault.js';
import { systemFault } from '../base/systemFault.js';
import { flagOf } from '../config/flagFaults.js';
import { printable, printableLines } from './printable.js';

/** Maps anything thrown to an ImstateError; errors of oclif are WRONG_USAGE. */
export function toImstateError(error: unknown): ImstateError {
  if (isImstateError(error)) {
    // oclif adds lines to the message of an error of a flag's parser.
    const message = inOneSentence(error.message);
    return message === error.message ? error : error.reworded(message, error.field ?? flagOf(error));
  }
  const fault = systemFault(error) ?? loadFault(error);
  if (fault !== undefined) return new ImstateError('SYSTEM_ERROR', fault, { cause: error });
  if (!(error instanceof Errors.CLIError)) {
    return new ImstateError('INTERNAL', messageOf(error), { cause: error });
  }
  return wrongUsage(inOneSentence(error.message), { cause: error, field: flagOf(error) });
}

/** The error of a command line that the help explains. */
export function wrongUsage(message: string, options?: ImstateErrorOptions): ImstateError {
  return new ImstateError('WRONG_USAGE', `${message}; --help shows how`, options);
}

/** Checks the name: the daemon is not bundled with the command line, so its ImstateError is another class. */
function isImstateError(error: unknown): error is ImstateError {
  return error instanceof Error && error.name === 'ImstateError';
}

/** oclif spreads a message over several lines: "Parsing --port", then "Expected an integer but …". */
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
    .replace(/^Flag (--[a-z-]+) expects a value$/, '$& (if it begins with a dash, write $1=VALUE)')
    .replace(/Missing required flag (?=[a-z])/g, 'Missing required flag --')
    .replace(/\s*\n\s*/g, '; ');
}

/** The JSON of an error. */
export function errorJson(error: ImstateError): object {
  return { error: faultJson(error) };
}

/** Prints an error on stderr, human-readable. */
export function printError(error: ImstateError): void {
  const isFancy = process.stderr.isTTY === true && !process.env.NO_COLOR;
  const { red } = new Chalk(isFancy ? {} : { level: 0 });
  process.stderr.write(`${red('Error:')} ${printable(error.message)}\n`);
  if (error.code !== 'INTERNAL' || isOfCall(error.cause)) return;
  process.stderr.write(`${printableLines((error.cause as Error | undefined)?.stack ?? '', false)}\n`);
}

/** True for an error of a server, or of gRPC: the stack of this process says nothing about it. */
function isOfCall(cause: unknown): boolean {
  return typeof cause === 'object' && cause !== null && 'details' in cause;
}
