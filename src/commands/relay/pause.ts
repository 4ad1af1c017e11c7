import { textArg } from '../../cli/base/args.js';
import { ClientCommand } from '../../cli/base/ClientCommand.js';
import { prose } from '../../cli/help/prose.js';

export default class RelayPause extends ClientCommand {
  static override summary = 'Make a relay deliver nothing until it is resumed.';
  static override description = prose`
    Its process keeps running and keeps its position. Changes that the change log drops meanwhile are replaced by
    snapshots. Needs the role admin.

    JSON: {"name", "paused"}.
  `;
  static override examples = [
    { description: 'A relay', command: '<%= config.bin %> <%= command.id %> billing' },
    { description: 'The same for a program', command: '<%= config.bin %> <%= command.id %> billing --json' },
  ];
  static override args = { name: textArg({ description: 'name of the relay', required: true }) };

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(RelayPause);
    return this.withClient(flags, async (client) => {
      await client.pauseRelay(args.name);
      this.log(`${args.name} is paused: imstate relay resume ${args.name} goes on`);
      return { name: args.name, paused: true };
    });
  }
}
