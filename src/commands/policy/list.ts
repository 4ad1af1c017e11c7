import { policyJson } from 'imstate-client/internal/json';
import { ClientCommand } from '../../cli/base/ClientCommand.js';
import { prose } from '../../cli/help/prose.js';
import { policyTable } from '../../cli/output/policyReport.js';

export default class PolicyList extends ClientCommand {
  static override summary = 'List the stored session policies, and the default.';
  static override description = prose`
    The default policy decides about logins that name none; it is keep-all at first. Presets are listed by
    imstate policy presets.

    JSON: {"defaultPolicy", "revision", "policies": [{"name", "version", "author", "platforms", "classes",
    "limits", "exclusive"}]}.
  `;
  static override examples = [
    { description: 'All stored policies', command: '<%= config.bin %> <%= command.id %>' },
    { description: 'As JSON', command: '<%= config.bin %> <%= command.id %> --json' },
  ];

  async run(): Promise<unknown> {
    const { flags } = await this.parse(PolicyList);
    return this.withClient(flags, async (client) => {
      const { policies, defaultPolicy, revision } = await client.listPolicies();
      const isListed = policies.some(({ name }) => name === defaultPolicy);
      // The default may be a preset, which is not stored.
      const shown = isListed ? policies : [await client.getPolicy(defaultPolicy), ...policies];
      this.log(policyTable({ policies: shown, defaultPolicy }));
      return { defaultPolicy, revision, policies: shown.map(policyJson) };
    });
  }
}
