import { Command, Errors, Flags } from '@oclif/core';
import { ImstateError, messageOf } from '../errors.js';

/** What all commands share: --json, and errors with the exit codes of imstate. */
export abstract class BaseCommand extends Command {
  static override enableJsonFlag = true;
  static override baseFlags = {
    json: Flags.boolean({
      description: 'print one JSON object on stdout, also for an error',
      env: 'IMSTATE_JSON',
      helpGroup: 'GLOBAL',
    }),
  };

  override jsonEnabled(): boolean {
    return super.jsonEnabled() || /^(1|true|yes)$/i.test(process.env.IMSTATE_JSON ?? '');
  }

  protected override async catch(error: Error & { exitCode?: number }): Promise<unknown> {
    return super.catch(toImstateError(error));
  }

  protected override toErrorJson(error: unknown): unknown {
    const { code, message } = error as ImstateError;
    return { error: { code, message } };
  }
}

/** Anything thrown as an error of imstate; oclif's own errors are about the usage. */
function toImstateError(error: Error): Error {
  if (error instanceof ImstateError || error instanceof Errors.ExitError) return error;
  const isUsage = error instanceof Errors.CLIError;
  return new ImstateError(isUsage ? 'WRONG_USAGE' : 'INTERNAL', messageOf(error), { cause: error });
}
