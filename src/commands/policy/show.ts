import { policyJson } from 'imstate-client/internal/json';
import { textArg } from '../../cli/base/args.js';
import { ClientCommand } from '../../cli/base/ClientCommand.js';
import { prose } from '../../cli/help/prose.js';

export default class PolicyShow extends ClientCommand {
  static override summary = 'Print a session policy, as a file to edit and apply.';
  static override description = prose`
    Prints a stored policy, or a preset, as YAML that imstate policy apply reads.

    JSON: {"name", "version", "author", "platforms", "classes", "limits", "exclusive", "isDefault"}.
  `;
  static override examples = [
    { description: 'A stored policy', command: '<%= config.bin %> <%= command.id %> one-phone' },
    {
      description: 'Into a file, to change it',
      command: '<%= config.bin %> <%= command.id %> one-phone >one-phone.yaml',
    },
  ];
  static override args = { name: textArg({ description: 'name of the policy', required: true }) };

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(PolicyShow);
    const { policyYaml } = await import('../../cli/output/policyYaml.js');
    return this.withClient(flags, async (client) => {
      const policy = await client.getPolicy(args.name);
      const { defaultPolicy } = await client.listPolicies();
      const isDefault = defaultPolicy === policy.name;
      this.log(policyYaml(policy, isDefault));
      return { ...policyJson(policy), isDefault };
    });
  }
}
