import { BaseCommand } from '../../cli/base/BaseCommand.js';
import { contextTable } from '../../cli/config/contextReport.js';
import { contextsFile, readContexts } from '../../cli/config/contexts.js';
import { prose } from '../../cli/help/prose.js';

export default class ContextList extends BaseCommand {
  static override summary = 'List the contexts.';
  static override description = prose`
    Contexts are in contexts.json in ~/.config/imstate, or in imstate under XDG_CONFIG_HOME. JSON:
    {"file", "current", "contexts": {NAME: {KEY: VALUE}}}; current is null if no context is current.
  `;
  static override examples = [
    { description: 'All contexts', command: '<%= config.bin %> <%= command.id %>' },
    { description: 'As JSON', command: '<%= config.bin %> <%= command.id %> --json' },
  ];

  async run(): Promise<unknown> {
    await this.parse(ContextList);
    const file = contextsFile(this.config.configDir);
    const contexts = readContexts(file);
    this.log(contextTable(contexts));
    return { file, ...contexts };
  }
}
