import { Args } from '@oclif/core';
import { BaseCommand } from '../../cli/base/BaseCommand.js';
import { changeContexts, contextOf, contextsFile } from '../../cli/config/contexts.js';

export default class ContextRemove extends BaseCommand {
  static override summary = 'Remove a context.';
  static override description = 'If it is the current one, no context is current afterwards. JSON: {"name"}.';
  static override examples = [
    { description: 'Remove try', command: '<%= config.bin %> <%= command.id %> try' },
    {
      description: 'The same, with JSON as output',
      command: '<%= config.bin %> <%= command.id %> try --json',
    },
  ];
  static override args = {
    context: Args.string({ description: 'name of the context', required: true, ignoreStdin: true }),
  };

  async run(): Promise<unknown> {
    const { context: name } = (await this.parse(ContextRemove)).args;
    const file = contextsFile(this.config.configDir);
    await changeContexts(file, (all) => {
      contextOf(all, name, file);
      const { [name]: _, ...contexts } = all.contexts;
      return { current: all.current === name ? null : all.current, contexts };
    });
    this.log(`context "${name}" is removed`);
    return { name };
  }
}
