import { Args } from '@oclif/core';
import { BaseCommand } from '../../cli/base/BaseCommand.js';
import { contextLines, currentOf, overrideWarnings } from '../../cli/config/contextReport.js';
import { contextOf, contextsFile, readContexts } from '../../cli/config/contexts.js';
import { prose } from '../../cli/help/prose.js';

export default class ContextShow extends BaseCommand {
  static override summary = 'Show the settings of a context.';
  static override description = prose`
    The keys are names of flags. Warns of environment variables that override them. JSON: {"name",
    "current", "settings": {KEY: VALUE}}.
  `;
  static override examples = [
    { description: 'The current context', command: '<%= config.bin %> <%= command.id %>' },
    { description: 'Another one', command: '<%= config.bin %> <%= command.id %> prod' },
  ];
  static override args = {
    context: Args.string({
      description: 'name of the context [default: the current one]',
      ignoreStdin: true,
    }),
  };

  async run(): Promise<unknown> {
    const { args } = await this.parse(ContextShow);
    const file = contextsFile(this.config.configDir);
    const contexts = readContexts(file);
    const name = args.context ?? currentOf(contexts);
    const settings = contextOf(contexts, name, file);
    for (const line of contextLines(settings)) this.log(line);
    for (const warning of overrideWarnings(name, settings)) this.logToStderr(warning);
    return { name, current: name === contexts.current, settings };
  }
}
