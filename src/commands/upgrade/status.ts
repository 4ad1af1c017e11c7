import { ClientCommand } from '../../cli/base/ClientCommand.js';
import { prose } from '../../cli/help/prose.js';
import { readUpgrade } from '../../cli/input/upgrade.js';
import { printableValue } from '../../cli/output/printable.js';
import { upgradeJson, upgradeText } from '../../cli/output/upgradeReport.js';

export default class UpgradeStatus extends ClientCommand {
  static override summary = 'Show the feature level, and whether an upgrade can be finished.';
  static override description = prose`
    Daemons write only what every version reads that supports the feature level of the store. After a
    rolling upgrade it stays at the level of the older version, so that you can go back, until you run
    imstate upgrade finish.

    JSON: {"featureLevel", "newest", "daemons": [{"addr", "health", "version", "featureLevels": {"min",
    "max"}}], "inTheWay": [{"addr", "reason"}]}. newest is the highest level that a daemon supports;
    featureLevels is null for version 0.1.0, which supports level 1.
  `;
  static override examples = [
    { description: 'Daemons of this machine', command: '<%= config.bin %> <%= command.id %>' },
    {
      description: 'Daemons registered in etcd, as JSON',
      command: '<%= config.bin %> <%= command.id %> --etcd 127.0.0.1:2379 --json',
    },
  ];

  async run(): Promise<unknown> {
    const { flags } = await this.parse(UpgradeStatus);
    const upgrade = await readUpgrade(this.connectOptions(flags));
    const level = await this.withDaemons(flags, upgrade.upgraded, (client) => client.getFeatureLevel());
    this.log(upgradeText(level, printableValue(upgrade)));
    return upgradeJson(level, upgrade);
  }
}
