import { textArg } from '../cli/base/args.js';
import { ClientCommand } from '../cli/base/ClientCommand.js';
import { formatDuration } from '../cli/flags/durations.js';
import { durationFlag, textFlag } from '../cli/flags/flagTypes.js';
import { prose } from '../cli/help/prose.js';
import { colors } from '../cli/output/style.js';

export default class Offline extends ClientCommand {
  static override summary = 'Report the logout of a device.';
  static override description = prose`
    With --session only that session ends, and only while it is current: a late logout never ends a newer
    login. Without --session the current session ends, whichever it is. A logout that finds no session
    changes nothing, and is no error.

    With --grace the device stays online for that time. A login in the meantime cancels the logout: for
    connections that break and return. JSON: {"userId", "deviceId", "applied"}.
  `;
  static override examples = [
    { description: 'The current session', command: '<%= config.bin %> <%= command.id %> alice phone' },
    {
      description: 'This session, if it is still current',
      command: '<%= config.bin %> <%= command.id %> alice phone --session s-1',
    },
    {
      description: 'In 5 seconds, unless the device logs in before',
      command: '<%= config.bin %> <%= command.id %> alice phone --session s-1 --grace 5s',
    },
  ];
  static override args = {
    user: textArg({ description: 'user ID', required: true }),
    device: textArg({ description: 'device ID', required: true }),
  };
  static override flags = {
    session: textFlag({
      description: 'end this session, if it is still current',
      env: 'IMSTATE_SESSION',
      helpValue: 'ID',
    }),
    grace: durationFlag({
      description: 'keep the device online, 0s to 1h [default: 0s]',
      env: 'IMSTATE_GRACE',
      min: 0,
      max: 3_600_000,
      helpValue: 'TIME',
    }),
  };

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(Offline);
    const { user: userId, device: deviceId } = args;
    const { grace: graceMs } = flags;
    const request = { userId, deviceId, graceMs, ...(flags.session && { sessionId: flags.session }) };
    const { applied } = await this.withClient(flags, (client) => client.offline(request));
    const { gray } = colors();
    if (applied === undefined)
      this.log(`${userId}/${deviceId} was reported; the server does not say what it changed`);
    else if (applied && graceMs)
      this.log(
        `${userId}/${deviceId} goes offline within ${formatDuration(graceMs)} unless it logs in before`,
      );
    else if (applied) this.log(`${userId}/${deviceId} is ${gray('offline')}`);
    else if (flags.session)
      this.log(`nothing changed: session ${flags.session} of ${userId}/${deviceId} is not current`);
    else this.log(`nothing changed: ${userId}/${deviceId} was not online`);
    return { userId, deviceId, applied: applied ?? null };
  }
}
