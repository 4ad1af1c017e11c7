import { Args } from '@oclif/core';
import { BaseCommand } from '../../cli/base/BaseCommand.js';
import { overrideWarnings } from '../../cli/config/contextReport.js';
import { type Context, changeContexts, contextOf, contextsFile } from '../../cli/config/contexts.js';

export default class ContextUse extends BaseCommand {
  static override summary = 'Choose the context that client commands use from now on.';
  static override description =
    'A command uses another with --context or IMSTATE_CONTEXT, and none if a flag, the environment or its config file says where the daemons are ' +
    '(--endpoint, --etcd or --data-dir). As JSON: {"current"}.';
  static override examples = [
    { description: 'Production', command: '<%= config.bin %> <%= command.id %> prod' },
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
