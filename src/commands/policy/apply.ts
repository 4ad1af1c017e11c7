import { policyJson } from 'imstate-client/internal/json';
import { ClientCommand } from '../../cli/base/ClientCommand.js';
import { textFlag } from '../../cli/flags/flagTypes.js';
import { prose } from '../../cli/help/prose.js';
import { count } from '../../cli/output/count.js';

export default class PolicyApply extends ClientCommand {
  static override summary = 'Store a session policy from a file.';
  static override description = prose`
    The policy replaces the stored one of its name, and all daemons apply it within 2 seconds to logins that
    name it, or that name none if it is the default. Sessions that are online stay until a login exceeds a limit.
    The file is YAML or JSON; print one to start from with imstate policy presets NAME or imstate policy show
    NAME. Needs the role admin.

    A file that breaks a rule changes nothing: the error names the line and the key. JSON: {"policy": {"name",
    "version", "author", "platforms", "classes", "limits", "exclusive"}, "changed"}.
  `;
  static override examples = [
    { description: 'From a file', command: '<%= config.bin %> <%= command.id %> -f one-phone.yaml' },
    {
      description: 'From standard input',
      command: '<%= config.bin %> <%= command.id %> -f - <one-phone.yaml',
    },
  ];
  static override flags = {
    file: textFlag({
      char: 'f',
      description: 'the policy, YAML or JSON; - for stdin',
      env: 'IMSTATE_FILE',
      helpValue: 'FILE',
      required: true,
    }),
  };

  async run(): Promise<unknown> {
    const { flags } = await this.parse(PolicyApply);
    const { readPolicyFile } = await import('../../cli/input/policyFile.js');
    const policy = await readPolicyFile(flags.file);
    return this.withClient(flags, async (client) => {
      const { policy: stored, changed } = await client.putPolicy(policy);
      const what = `policy ${stored.name}, version ${stored.version}`;
      const limits = count(stored.limits.length, 'limit');
      this.log(changed ? `${what} is stored: ${limits}` : `${what} is stored already: nothing was changed`);
      return { policy: policyJson(stored), changed };
    });
  }
}
