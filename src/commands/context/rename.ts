import { Args } from '@oclif/core';
import { BaseCommand } from '../../cli/base/BaseCommand.js';
import { checkContextName } from '../../cli/config/contextReport.js';
import { changeContexts, contextsFile, renamed } from '../../cli/config/contexts.js';
import { prose } from '../../cli/help/prose.js';

export default class ContextRename extends BaseCommand {
  static override summary = 'Rename a context.';
  static override description = prose`
    The current context stays current under its new name. A name that is in use is an error. JSON:
    {"name", "previousName", "current"}.
  `;
  static override examples = [
    { description: 'Rename try to staging', command: '<%= config.bin %> <%= command.id %> try staging' },
    {
      description: 'The same, with JSON as output',
      command: '<%= config.bin %> <%= command.id %> try staging --json',
    },
  ];
  static override args = {
    context: Args.string({ description: 'context to rename', required: true, ignoreStdin: true }),
    name: Args.string({ description: 'new name', required: true, ignoreStdin: true }),
  };

  async run(): Promise<unknown> {
    const { context: previousName, name: newName } = (await this.parse(ContextRename)).args;
    const name = checkContextName(newName, 'NAME');
    const file = contextsFile(this.config.configDir);
    let isCurrent = false;
    await changeContexts(file, (all) => {
      const after = renamed(all, previousName, name, file);
      isCurrent = after.current === name;
      return after;
    });
    this.log(`context "${previousName}" is now "${name}"`);
    return { name, previousName, current: isCurrent };
  }
}
