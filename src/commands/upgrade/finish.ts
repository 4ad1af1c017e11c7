import { Flags } from '@oclif/core';
import { ClientCommand } from '../../cli/base/ClientCommand.js';
import { checkTerminal, confirm, STANDARD_TERMINAL } from '../../cli/base/confirm.js';
import { prose } from '../../cli/help/prose.js';
import { checkComplete, readUpgrade } from '../../cli/input/upgrade.js';

export default class UpgradeFinish extends ClientCommand {
  static override summary = 'Raise the feature level, once all daemons are upgraded.';
  static override description = prose`
    Checks that every registered daemon supports the new level, and raises it for all at once. Sessions
    and history stay. There is no way back: older daemons then reject all calls and do not start, and the
    level cannot be lowered.

    --force ignores daemons that are older or do not answer, such as the entry of a killed one. A daemon
    that is not registered is not checked.

    The command asks for confirmation; without a terminal it needs --yes. If you answer no, the exit code
    is 1. JSON: {"previousLevel", "featureLevel"}.
  `;
  static override examples = [
    { description: 'Daemons of this machine', command: '<%= config.bin %> <%= command.id %>' },
    {
      description: 'Daemons registered in etcd, without confirmation',
      command: '<%= config.bin %> <%= command.id %> --etcd 127.0.0.1:2379 --yes',
    },
  ];
  // None of them from the environment: a variable that was set for another command must not shut daemons out.
  static override flags = {
    force: Flags.boolean({ description: 'ignore daemons that are older or do not answer' }),
    yes: Flags.boolean({ char: 'y', description: 'do not ask for confirmation' }),
  };

  async run(): Promise<unknown> {
    const { flags } = await this.parse(UpgradeFinish);
    if (!flags.yes) checkTerminal(STANDARD_TERMINAL);
    const upgrade = await readUpgrade(this.connectOptions(flags));
    if (!flags.force) checkComplete(upgrade);
    return this.withDaemons(flags, upgrade.upgraded, async (client) => {
      const wanted = { featureLevel: upgrade.newest };
      const { previousLevel, featureLevel } = await client.finishUpgrade({ ...wanted, validateOnly: true });
      if (previousLevel === featureLevel) {
        this.log(`the feature level is ${featureLevel} already`);
        return { previousLevel, featureLevel };
      }
      const raise = `Raise the feature level from ${previousLevel} to ${featureLevel}?`;
      const question = `${raise} Older daemons cannot use the store afterwards.`;
      if (!flags.yes && !(await confirm(question, STANDARD_TERMINAL))) {
        this.log('nothing was changed');
        process.exitCode = 1;
        return { previousLevel, featureLevel: previousLevel };
      }
      const finished = await client.finishUpgrade(wanted);
      this.log(`the feature level was raised from ${finished.previousLevel} to ${finished.featureLevel}`);
      return finished;
    });
  }
}
