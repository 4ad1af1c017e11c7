import { decisionJson } from 'imstate-client/internal/json';
import { textArg } from '../../cli/base/args.js';
import { ClientCommand } from '../../cli/base/ClientCommand.js';
import { textFlag } from '../../cli/flags/flagTypes.js';
import { prose } from '../../cli/help/prose.js';
import { describeDecision } from '../../cli/output/policyReport.js';
import { classOfLogin } from '../../presence/policy.js';

export default class PolicyExplain extends ClientCommand {
  static override summary = 'Say what a policy would do with a login now. Changes nothing.';
  static override description = prose`
    A dry run: names the sessions that the login would end, or those that stand in its way and the limit that it
    would exceed, and the class in which the login counts. Without --device the login is that of a device that is
    not known. Needs the role writer, as a login does.

    The exit code is 1 if the login would be rejected. JSON: {"userId", "deviceId", "platform", "policy",
    "class", "rejected", "replaced", "conflicts", "limit"}.
  `;
  static override examples = [
    {
      description: 'May alice log in on another phone, and what would end?',
      command: '<%= config.bin %> <%= command.id %> alice --platform ios',
    },
    {
      description: 'The same by a policy that is not the default',
      command: '<%= config.bin %> <%= command.id %> alice --platform ios --policy openim-1',
    },
  ];
  static override args = { user: textArg({ description: 'user ID', required: true }) };
  static override flags = {
    platform: textFlag({
      description: 'platform of the device, such as ios or web',
      env: 'IMSTATE_PLATFORM',
      helpValue: 'NAME',
    }),
    device: textFlag({ description: 'device ID', env: 'IMSTATE_DEVICE', helpValue: 'ID' }),
    policy: textFlag({
      description: "a stored policy or a preset [default: the cluster's default]",
      env: 'IMSTATE_POLICY',
      helpValue: 'NAME',
    }),
  };

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(PolicyExplain);
    const { platform, device: deviceId, policy } = flags;
    const request = { userId: args.user, deviceId, platform, policy };
    return this.withClient(flags, async (client) => {
      const decision = await client.validateLogin(request);
      const policy = decision.policy && (await client.getPolicy(decision.policy));
      const platformClass = policy ? classOfLogin(policy, platform ?? '') : undefined;
      for (const line of describeDecision(request, decision, platformClass)) this.log(line);
      if (decision.rejected) process.exitCode = 1;
      return decisionJson(request, decision, platformClass);
    });
  }
}
