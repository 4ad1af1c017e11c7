import { textArg } from '../../cli/base/args.js';
import { ClientCommand } from '../../cli/base/ClientCommand.js';
import { sinceFlag } from '../../cli/flags/sinceFlag.js';
import { prose } from '../../cli/help/prose.js';

export default class RelayReplay extends ClientCommand {
  static override summary = 'Deliver again what happened since a time.';
  static override description = prose`
    Events have the same IDs as before. The change log keeps the latest changes only (imstate serve
    --change-limit): if changes since the time may be gone, nothing is changed, with the exit code 3. Needs the
    role admin.

    JSON: {"name", "from"}.
  `;
  static override examples = [
    { description: 'The last hour', command: '<%= config.bin %> <%= command.id %> billing --from 1h' },
    {
      description: 'Since a time',
      command: '<%= config.bin %> <%= command.id %> billing --from 2026-11-23T06:00:00Z',
    },
  ];
  static override args = { name: textArg({ description: 'name of the relay', required: true }) };
  static override flags = {
    from: sinceFlag({
      description: 'how long ago, or a time',
      env: 'IMSTATE_FROM',
      required: true,
      helpValue: 'TIME',
    }),
  };

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(RelayReplay);
    return this.withClient(flags, async (client) => {
      await client.replayRelay(args.name, flags.from);
      const from = flags.from.toISOString();
      this.log(`${args.name} delivers again what happened since ${from}`);
      return { name: args.name, from };
    });
  }
}
