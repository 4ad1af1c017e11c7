import { textArg } from '../../cli/base/args.js';
import { ClientCommand } from '../../cli/base/ClientCommand.js';
import { prose } from '../../cli/help/prose.js';

export default class PolicyDelete extends ClientCommand {
  static override summary = 'Delete a stored session policy.';
  static override description = prose`
    Sessions stay. Logins that still name the policy fail with INVALID_ARGUMENT, or use the preset of its name if
    there is one. The default policy cannot be deleted. Needs the role admin.

    JSON: {"name", "deleted"}.
  `;
  static override examples = [
    { description: 'A policy that no login names', command: '<%= config.bin %> <%= command.id %> one-phone' },
    {
      description: 'The same for a program',
      command: '<%= config.bin %> <%= command.id %> one-phone --json',
    },
  ];
  static override args = { name: textArg({ description: 'name of the policy', required: true }) };

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(PolicyDelete);
    return this.withClient(flags, async (client) => {
      await client.deletePolicy(args.name);
      this.log(`policy ${args.name} is deleted`);
      return { name: args.name, deleted: true };
    });
  }
}
