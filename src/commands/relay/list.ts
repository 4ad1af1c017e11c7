import { relayJson } from 'imstate-client/internal/json';
import { ClientCommand } from '../../cli/base/ClientCommand.js';
import { prose } from '../../cli/help/prose.js';
import { relayTable } from '../../cli/output/relayReport.js';

export default class RelayList extends ClientCommand {
  static override summary = 'List the relays, and how far each is behind.';
  static override description = prose`
    A relay is RUNNING while a process delivers (imstate relay run), STOPPED while none does, or PAUSED. Its lag
    is the age of the oldest change that is not delivered.

    JSON: {"relays": [RELAY]}, with the keys of imstate relay status.
  `;
  static override examples = [
    { description: 'All relays', command: '<%= config.bin %> <%= command.id %>' },
    { description: 'As JSON', command: '<%= config.bin %> <%= command.id %> --json' },
  ];

  async run(): Promise<unknown> {
    const { flags } = await this.parse(RelayList);
    return this.withClient(flags, async (client) => {
      const relays = await client.listRelays();
      this.log(
        relays.length === 0 ? 'there are no relays: imstate relay run starts one' : relayTable(relays),
      );
      return { relays: relays.map(relayJson) };
    });
  }
}
