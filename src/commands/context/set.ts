import { Args } from '@oclif/core';
import { BaseCommand } from '../../cli/base/BaseCommand.js';
import { contextFlags, contextFrom } from '../../cli/config/contextFlags.js';
import { checkContextName } from '../../cli/config/contextReport.js';
import { changeContexts, contextLayer, contextsFile } from '../../cli/config/contexts.js';
import { prose } from '../../cli/help/prose.js';

export default class ContextSet extends BaseCommand {
  static override summary = 'Create or replace a context.';
  static override description = prose`
    A context is a cluster with a name: where its daemons are, and how to call them. It has the flags of
    this command line, and nothing from the environment. Paths become absolute.

    A context holds no secrets: name a file with --token-file. Only you can read the file of contexts
    (mode 600). JSON: {"name", "settings": {KEY: VALUE}}.
  `;
  static override examples = [
    {
      description: 'A cluster on etcd with TLS and a token',
      command:
        '<%= config.bin %> <%= command.id %> prod --etcd 10.0.0.3:2379 --tls-ca ca.pem --token-file support.token',
    },
    {
      description: 'A single daemon',
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
    this.log(`context "${name}" is kept in ${file}; imstate context use ${name} makes it current`);
    return { name, settings };
  }
}
