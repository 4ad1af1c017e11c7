import { textArg } from '../cli/base/args.js';
import { ClientCommand } from '../cli/base/ClientCommand.js';
import { formatDuration } from '../cli/flags/durations.js';
import { durationFlag, textFlag } from '../cli/flags/flags.js';
import { colors } from '../cli/output/style.js';

export default class Offline extends ClientCommand {
  static override summary = 'Report the logout of a device.';
  static override description =
    'With --session only that session ends, and only while it is the current one: a late logout never erases a newer ' +
    'login. Without it, whatever session is current ends. A logout that finds nothing to end changes nothing and is no error.\n\n' +
    'With --grace the device stays online for that long, and a login meanwhile makes the logout unseen: for a connection that comes and goes.';
  static override examples = [
    {
      description: 'Whatever session is current',
      command: '<%= config.bin %> <%= command.id %> alice phone',
    },
    {
      description: 'Only if this session is still the current one',
      command: '<%= config.bin %> <%= command.id %> alice phone --session s-1',
    },
    {
      description: 'In 5 seconds, unless it logs in before',
      command: '<%= config.bin %> <%= command.id %> alice phone --session s-1 --grace 5s',
    },
  ];
  static override args = {
    user: textArg({ description: 'user id', required: true }),
    device: textArg({ description: 'device id', required: true }),
  };
  static override flags = {
    session: textFlag({
      description: 'end this session, only if it is the current one',
      env: 'IMSTATE_SESSION',
      helpValue: 'ID',
    }),
    grace: durationFlag({
      description: 'the device stays online for this long, 0s to 1h [default: 0s]',
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
