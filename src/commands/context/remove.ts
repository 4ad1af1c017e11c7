import { Args } from '@oclif/core';
import { BaseCommand } from '../../cli/base/BaseCommand.js';
import { changeContexts, contextOf, contextsFile } from '../../cli/config/contexts.js';

export default class ContextRemove extends BaseCommand {
  static override summary = 'Remove a context.';
  static override description = 'If it is the one in use, none is in use from then on. As JSON: {"name"}.';
  static override examples = [
    { description: 'One that is not needed any more', command: '<%= config.bin %> <%= command.id %> try' },
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
