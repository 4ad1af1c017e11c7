import { relayJson } from 'imstate-client/internal/json';
import { textArg } from '../../cli/base/args.js';
import { ClientCommand } from '../../cli/base/ClientCommand.js';
import { prose } from '../../cli/help/prose.js';
import { describeRelay, notFoundRelay } from '../../cli/output/relayReport.js';

export default class RelayStatus extends ClientCommand {
  static override summary = 'Show a relay: what it has delivered, its lag, and its last error.';
  static override description = prose`
    The exit code is 1 unless a process delivers.

    JSON: {"name", "target", "state", "holder", "revision", "deliveredTime", "delivered", "failed", "snapshots",
    "lastError", "lagChanges", "lagMs", "isBehindLog", "createTime"}.
  `;
  static override examples = [
    { description: 'A relay', command: '<%= config.bin %> <%= command.id %> billing' },
    { description: 'As JSON', command: '<%= config.bin %> <%= command.id %> billing --json' },
  ];
  static override args = { name: textArg({ description: 'name of the relay', required: true }) };

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(RelayStatus);
    return this.withClient(flags, async (client) => {
      const relay = (await client.listRelays()).find(({ name }) => name === args.name);
      if (relay === undefined) throw notFoundRelay(args.name);
      for (const line of describeRelay(relay)) this.log(line);
      if (relay.state !== 'RUNNING') process.exitCode = 1;
      return relayJson(relay);
    });
  }
}
