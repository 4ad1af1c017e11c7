import { textArg } from '../../cli/base/args.js';
import { ClientCommand } from '../../cli/base/ClientCommand.js';
import { prose } from '../../cli/help/prose.js';

export default class RelayDelete extends ClientCommand {
  static override summary = 'Delete a relay that no process runs.';
  static override description = prose`
    A relay of the same name begins anew. Needs the role admin.

    JSON: {"name", "deleted"}.
  `;
  static override examples = [
    { description: 'A relay', command: '<%= config.bin %> <%= command.id %> billing' },
    { description: 'The same for a program', command: '<%= config.bin %> <%= command.id %> billing --json' },
  ];
  static override args = { name: textArg({ description: 'name of the relay', required: true }) };

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(RelayDelete);
    return this.withClient(flags, async (client) => {
      await client.deleteRelay(args.name);
      this.log(`relay ${args.name} is deleted`);
      return { name: args.name, deleted: true };
    });
  }
}
