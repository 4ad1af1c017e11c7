import { Args } from '@oclif/core';
import { BaseCommand } from '../../cli/base/BaseCommand.js';
import { contextFlags, contextFrom } from '../../cli/config/contextFlags.js';
import { checkContextName } from '../../cli/config/contextReport.js';
import { changeContexts, contextLayer, contextsFile } from '../../cli/config/contexts.js';

export default class ContextSet extends BaseCommand {
  static override summary =
    'Make a context: where the daemons of one installation are, and how to call them.';
  static override description =
    'The context has the flags that are given here, and nothing from the environment; one of that name is replaced. Files are kept as absolute paths. ' +
    'It holds no secrets: name a file with --token-file. The file of contexts is for this user alone (mode 600). As JSON: {"name","settings":{KEY:VALUE}}.';
  static override examples = [
    {
      description: 'Production, by etcd and TLS, with a token',
      command:
        '<%= config.bin %> <%= command.id %> prod --etcd 10.0.0.3:2379 --tls-ca ca.pem --token-file support.token',
    },
    {
      description: 'One daemon',
      command: '<%= config.bin %> <%= command.id %> try --endpoint 127.0.0.1:8081 --timeout 1s',
    },
  ];
  static override args = {
    context: Args.string({ description: 'name of the context', required: true, ignoreStdin: true }),
  };
  static override flags = contextFlags;

  async run(): Promise<unknown> {
    const name = checkContextName((await this.parse(ContextSet)).args.context);
    const settings = contextFrom(this.argv);
    const file = contextsFile(this.config.configDir);
    contextLayer(settings, name, file, contextFlags);
    await changeContexts(file, ({ current, contexts }) => ({
      current,
      contexts: { ...contexts, [name]: settings },
    }));
    this.log(`context "${name}" is kept in ${file}; imstate context use ${name} chooses it`);
    return { name, settings };
  }
}
