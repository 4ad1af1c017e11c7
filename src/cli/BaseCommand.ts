import { Command, Errors, Flags } from '@oclif/core';
import { errorJson, printError, toImstateError, wantsJson } from './report.js';

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
    return wantsJson(this.argv);
  }

  /** With --json oclif prints what toErrorJson returns and sets the exit code; without, both are done here. */
  protected override async catch(thrown: Error): Promise<unknown> {
    const error = toImstateError(thrown);
    if (this.jsonEnabled()) return super.catch(error);
    printError(error);
    throw new Errors.ExitError(error.exitCode);
  }

  protected override toErrorJson(error: unknown): unknown {
    return errorJson(toImstateError(error));
  }
}
