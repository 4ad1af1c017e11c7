import { ClientCommand } from '../cli/base/ClientCommand.js';
import { prose } from '../cli/help/prose.js';
import { type Cell, renderTable } from '../cli/output/style.js';

export default class Stats extends ClientCommand {
  static override summary = 'Count the users and devices that are online.';
  static override description = prose`
    The counters are updated with every change, so the call is fast however many users are online. It
    lists the 1,000 chat servers with the most devices, and up to 64 platforms; "other" counts the devices
    of further platforms.

    JSON: {"usersOnline", "devicesOnline", "devicesByPlatform", "devicesByServer",
    "devicesOnOtherServers", "partial"}. The platform "" counts devices without a platform.
  `;
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
