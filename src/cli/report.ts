import { Errors } from '@oclif/core';
import { Chalk } from 'chalk';
import { ImstateError, messageOf } from '../errors.js';

/** Anything thrown as an error of imstate; oclif's own errors are about the usage. */
export function toImstateError(error: unknown): ImstateError {
  if (error instanceof ImstateError) return error;
  const code = error instanceof Errors.CLIError ? 'WRONG_USAGE' : 'INTERNAL';
  return new ImstateError(code, messageOf(error), { cause: error });
}

/** What --json prints on stdout for an error. */
export function errorJson({ code, message }: ImstateError): object {
  return { error: { code, message } };
}

/** Prints an error for people on stderr. */
export function printError(error: ImstateError): void {
  const isFancy = process.stderr.isTTY === true && !process.env.NO_COLOR;
  const { red } = new Chalk(isFancy ? {} : { level: 0 });
  process.stderr.write(`${red('Error:')} ${error.message}\n`);
  if (error.code === 'INTERNAL') process.stderr.write(`${(error.cause as Error | undefined)?.stack ?? ''}\n`);
}
