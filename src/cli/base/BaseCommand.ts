import { Command, Errors, type Interfaces } from '@oclif/core';
import type { ImstateError } from 'imstate-client/internal/shared/errors';
import { markDashedValues, readDashedValues } from '../config/dashedValues.js';
import { withKnownFaults } from '../config/flagFaults.js';
import {
  blamedSetting,
  commandLine,
  environment,
  type FlagTable,
  type Layer,
  merge,
  type Setting,
  withOrigins,
  withSettings,
} from '../config/settings.js';
import { checkOutput, outputFlags, wantsJson } from '../flags/outputFlags.js';
import { printableJson, printableLines } from '../output/printable.js';
import { errorJson, printError, toImstateError } from '../output/report.js';
import { type CommandWords, withMeantFlag } from './commandWords.js';

/**
 * What all commands share: the format of the output, settings from several sources, and errors with exit
 * codes.
 */
export abstract class BaseCommand extends Command {
  static override enableJsonFlag = true;
  static override baseFlags = outputFlags;

  #settings: Layer = new Map();
  #isJson: boolean | undefined;

  /** Escapes control characters, so that text from outside cannot control the terminal. */
  override log(message = ''): void {
    super.log(printableLines(message, process.stdout.isTTY === true));
  }

  override logToStderr(message = ''): void {
    super.logToStderr(printableLines(message, process.stderr.isTTY === true));
  }

  override logJson(json: unknown): void {
    process.stdout.write(`${printableJson(json, 2)}\n`);
  }

  override jsonEnabled(): boolean {
    this.#isJson ??= wantsJson(this.argv, this.#flags);
    return this.#isJson;
  }

  /** The one place where flags get values from elsewhere than the command line. */
  protected override async parse<
    F extends Interfaces.OutputFlags<FlagTable>,
    B extends Interfaces.OutputFlags<FlagTable>,
    A extends Interfaces.OutputArgs<Interfaces.ArgInput>,
  >(command: Interfaces.Input<F, B, A>, argv = this.argv): Promise<Interfaces.ParserOutput<F, B, A>> {
    const flags: FlagTable = { ...command.baseFlags, ...command.flags };
    checkOutput(commandLine(argv, flags));
    this.#settings = await this.settings(argv, flags);
    const settled = withKnownFaults(readDashedValues(await withSettings(flags, this.#settings)));
    return super.parse(
      { ...command, baseFlags: {} as Interfaces.FlagInput<B>, flags: settled as Interfaces.FlagInput<F> },
      markDashedValues(argv, flags),
    );
  }

  /** The settings of the flags, from the command line and other sources. */
  protected async settings(argv: readonly string[], flags: FlagTable): Promise<Layer> {
    return merge(commandLine(argv, flags), environment(flags));
  }

  /** The source of each flag that does not have its default. */
  protected origins(): Record<string, string> {
    const set = [...this.#settings].filter(([, { text }]) => text !== undefined);
    return Object.fromEntries(set.map(([name, { origin = 'the command line' }]) => [name, origin]));
  }

  protected get words(): CommandWords {
    return { args: Object.keys(this.ctor.args), flags: Object.keys(this.#flags) };
  }

  get #flags(): FlagTable {
    const { baseFlags, flags } = this.ctor;
    return { ...baseFlags, ...flags };
  }

  /** The setting of the flag that an error is about. */
  protected blamed(error: ImstateError): Setting | undefined {
    return blamedSetting(error, this.#settings);
  }

  /** The error with the flag that was probably meant, and the source of the flag that it is about. */
  protected explain(error: ImstateError): ImstateError {
    if (error.code === 'INTERNAL') return error;
    const message = withMeantFlag(error.message, this.words);
    return withOrigins(message === error.message ? error : error.reworded(message), this.#settings);
  }

  /**
   * With --json oclif prints what toErrorJson() returns, and sets the exit code. Without, both happen here.
   */
  protected override async catch(thrown: Error): Promise<unknown> {
    const error = this.explain(toImstateError(thrown));
    if (this.jsonEnabled()) return super.catch(error);
    printError(error);
    throw new Errors.ExitError(error.exitCode);
  }

  protected override toErrorJson(error: unknown): unknown {
    return errorJson(toImstateError(error));
  }
}
