import { textArg } from '../../cli/base/args.js';
import { ClientCommand } from '../../cli/base/ClientCommand.js';
import { prose } from '../../cli/help/prose.js';

export default class PolicySetDefault extends ClientCommand {
  static override summary = 'Choose the policy of logins that name none.';
  static override description = prose`
    NAME is a stored policy, a preset, or keep-all, which limits nothing. All daemons apply it within 2 seconds,
    also to logins by the legacy service. Sessions that are online stay until a login exceeds a limit. Afterwards
    only admins can log in with keep-all. Needs the role admin.

    JSON: {"defaultPolicy", "previous"}.
  `;
  static override examples = [
    { description: 'A stored policy', command: '<%= config.bin %> <%= command.id %> one-phone' },
    { description: 'A preset', command: '<%= config.bin %> <%= command.id %> openim-1' },
    { description: 'No limits any more', command: '<%= config.bin %> <%= command.id %> keep-all' },
  ];
  static override args = { name: textArg({ description: 'name of the policy', required: true }) };

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(PolicySetDefault);
    return this.withClient(flags, async (client) => {
      const { policy, previous } = await client.setDefaultPolicy(args.name);
      const { name } = policy;
      this.log(
        previous === name
          ? `${name} is the default policy already`
          : `${name} is the default policy now, instead of ${previous}`,
      );
      return { defaultPolicy: name, previous };
    });
  }
}
