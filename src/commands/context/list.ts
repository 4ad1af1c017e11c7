import { BaseCommand } from '../../cli/base/BaseCommand.js';
import { contextTable } from '../../cli/config/contextReport.js';
import { contextsFile, readContexts } from '../../cli/config/contexts.js';

export default class ContextList extends BaseCommand {
  static override summary = 'List the contexts.';
  static override description =
    'They stand in contexts.json in ~/.config/imstate (or in imstate under XDG_CONFIG_HOME). ' +
    'As JSON: {"file","current","contexts":{NAME:{KEY:VALUE}}}, where current may be null.';
  static override examples = [
    { description: 'All contexts', command: '<%= config.bin %> <%= command.id %>' },
  ];

  async run(): Promise<unknown> {
    await this.parse(ContextList);
    const file = contextsFile(this.config.configDir);
    const contexts = readContexts(file);
    this.log(contextTable(contexts));
    return { file, ...contexts };
  }
}
