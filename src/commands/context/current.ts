import { BaseCommand } from '../../cli/base/BaseCommand.js';
import { currentOf, overrideWarnings } from '../../cli/config/contextReport.js';
import { contextOf, contextsFile, readContexts } from '../../cli/config/contexts.js';
import { prose } from '../../cli/help/prose.js';

export default class ContextCurrent extends BaseCommand {
  static override summary = 'Print the name of the current context.';
  static override description = prose`
    Warns of environment variables that override it. Without a current context the exit code is 2. JSON:
    {"current"}.
  `;
  static override examples = [
    { description: 'The current context', command: '<%= config.bin %> <%= command.id %>' },
    { description: 'As JSON', command: '<%= config.bin %> <%= command.id %> --json' },
  ];

  async run(): Promise<unknown> {
    await this.parse(ContextCurrent);
    const file = contextsFile(this.config.configDir);
    const contexts = readContexts(file);
    const name = currentOf(contexts);
    const context = contextOf(contexts, name, file);
    this.log(name);
    for (const warning of overrideWarnings(name, context)) this.logToStderr(warning);
    return { current: name };
  }
}
