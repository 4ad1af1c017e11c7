import { Args } from '@oclif/core';
import { ClientCommand } from '../cli/ClientCommand.js';
import { textFlag } from '../cli/flags.js';
import { colors } from '../cli/style.js';

export default class Offline extends ClientCommand {
  static override summary = 'Report the logout of a device.';
  static override description =
    'With --session only that session ends, and only while it is the current one: a late logout never erases a newer ' +
    'login. Without it, whatever session is current ends. A logout that finds nothing to end changes nothing and is no error.';
  static override examples = [
    {
      description: 'Whatever session is current',
      command: '<%= config.bin %> <%= command.id %> alice phone',
    },
    {
      description: 'Only if this session is still the current one',
      command: '<%= config.bin %> <%= command.id %> alice phone --session s-1',
    },
  ];
  static override args = {
    user: Args.string({ description: 'user id', required: true, ignoreStdin: true }),
    device: Args.string({ description: 'device id', required: true, ignoreStdin: true }),
  };
  static override flags = {
    session: textFlag({
      description: 'end this session, only if it is the current one',
      env: 'IMSTATE_SESSION',
      helpValue: 'ID',
    }),
  };

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(Offline);
    const { user: userId, device: deviceId } = args;
    const request = { userId, deviceId, ...(flags.session && { sessionId: flags.session }) };
    const { applied } = await this.withClient(flags, (client) => client.offline(request));
    const { gray } = colors();
    if (applied === undefined)
      this.log(`${userId}/${deviceId} was reported; the server does not say what it changed`);
    else if (applied) this.log(`${userId}/${deviceId} is ${gray('offline')}`);
    else if (flags.session)
      this.log(`nothing changed: session ${flags.session} of ${userId}/${deviceId} is not current`);
    else this.log(`nothing changed: ${userId}/${deviceId} was not online`);
    return { userId, deviceId, applied: applied ?? null };
  }
}
