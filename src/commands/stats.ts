import { ClientCommand } from '../cli/base/ClientCommand.js';
import { type Cell, renderTable } from '../cli/output/style.js';

export default class Stats extends ClientCommand {
  static override summary = 'Count the users and devices that are online.';
  static override description =
    'The counts are kept up to date with every change: asking is quick however many are online. ' +
    'The 1,000 chat servers with most devices are named, and up to 64 platforms; "other" counts those of further platforms. ' +
    'As JSON: {"usersOnline","devicesOnline","devicesByPlatform","devicesByServer","devicesOnOtherServers","partial"}; devicesByPlatform and devicesByServer are objects, and the platform "" counts devices that named none.';
  static override examples = [
    { description: 'How many are online?', command: '<%= config.bin %> <%= command.id %>' },
    { description: 'As JSON', command: '<%= config.bin %> <%= command.id %> --json' },
  ];

  async run(): Promise<unknown> {
    const { flags } = await this.parse(Stats);
    const stats = await this.withClient(flags, (client) => client.getStats());
    const { usersOnline, devicesOnline, devicesByPlatform, devicesByServer, devicesOnOtherServers, partial } =
      stats;
    this.log(`users online    ${usersOnline.toLocaleString('en')}`);
    this.log(`devices online  ${devicesOnline.toLocaleString('en')}`);
    this.#table('Platform', devicesByPlatform);
    this.#table('Chat server', devicesByServer);
    if (devicesOnOtherServers > 0) {
      this.log(
        `and ${devicesOnOtherServers.toLocaleString('en')} devices on chat servers that are not named`,
      );
    }
    if (partial) this.warnOfMissing();
    return { usersOnline, devicesOnline, devicesByPlatform, devicesByServer, devicesOnOtherServers, partial };
  }

  #table(title: string, counts: Record<string, number>): void {
    const rows = Object.entries(counts)
      .sort(([, a], [, b]) => b - a)
      .map(([name, count]): Cell[] => [[name || 'not named'], [count.toLocaleString('en')]]);
    if (rows.length > 0) this.log(`\n${renderTable([[title], ['Devices']], rows)}`);
  }
}
