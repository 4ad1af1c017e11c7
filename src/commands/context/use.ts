import { Args } from '@oclif/core';
import { BaseCommand } from '../../cli/base/BaseCommand.js';
import { overrideWarnings } from '../../cli/config/contextReport.js';
import { type Context, changeContexts, contextOf, contextsFile } from '../../cli/config/contexts.js';
import { prose } from '../../cli/help/prose.js';

export default class ContextUse extends BaseCommand {
  static override summary = 'Choose the current context.';
  static override description = prose`
    Client commands use the current context, unless --context or IMSTATE_CONTEXT names another. They use
    none if a flag, the environment or the config file says where the daemons are: --endpoint, --etcd or
    --data-dir. JSON: {"current"}.
  `;
  static override examples = [
    {
      description: 'Call the daemons of prod from now on',
      command: '<%= config.bin %> <%= command.id %> prod',
    },
    {
      description: 'The same, with JSON as output',
      command: '<%= config.bin %> <%= command.id %> prod --json',
    },
  ];
  static override args = {
    context: Args.string({ description: 'name of the context', required: true, ignoreStdin: true }),
  };

  async run(): Promise<unknown> {
    const { context: name } = (await this.parse(ContextUse)).args;
    const file = contextsFile(this.config.configDir);
    let context: Context = {};
    await changeContexts(file, (all) => {
      context = contextOf(all, name, file);
      return { ...all, current: name };
    });
    this.log(`context "${name}" is in use`);
    for (const warning of overrideWarnings(name, context)) this.logToStderr(warning);
    return { current: name };
  }
}
