import { textArg } from '../../cli/base/args.js';
import { ClientCommand } from '../../cli/base/ClientCommand.js';
import { prose } from '../../cli/help/prose.js';

export default class RelayResume extends ClientCommand {
  static override summary = 'Make a paused relay go on where it was.';
  static override description = prose`
    Needs the role admin.

    JSON: {"name", "paused"}.
  `;
  static override examples = [
    { description: 'A relay', command: '<%= config.bin %> <%= command.id %> billing' },
    { description: 'The same for a program', command: '<%= config.bin %> <%= command.id %> billing --json' },
  ];
  static override args = { name: textArg({ description: 'name of the relay', required: true }) };

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(RelayResume);
    return this.withClient(flags, async (client) => {
      await client.resumeRelay(args.name);
      this.log(`${args.name} goes on`);
      return { name: args.name, paused: false };
    });
  }
}
