import { Args } from '@oclif/core';
import { ClientCommand } from '../cli/ClientCommand.js';
import { textFlag } from '../cli/flags.js';
import { colors } from '../cli/style.js';
import { absoluteTime, jsonTime } from '../cli/times.js';

export default class Online extends ClientCommand {
  static override summary = 'Report the login of a device.';
  static override description =
    "The login becomes the device's current session. A session that it replaces is named, so that its chat server can " +
    'close the old connection. Repeating the command with the same --session refreshes that session and is no new login.';
  static override examples = [
    {
      description: "alice's phone is connected to the chat server 10.0.0.1:9000",
      command: '<%= config.bin %> <%= command.id %> alice phone --server-addr 10.0.0.1:9000',
    },
    {
      description: 'The same with a session id of the chat server, as JSON',
      command:
        '<%= config.bin %> <%= command.id %> alice phone --server-addr 10.0.0.1:9000 --session s-1 --platform ios --json',
    },
  ];
  static override args = {
    user: Args.string({ description: 'user id', required: true, ignoreStdin: true }),
    device: Args.string({ description: 'device id', required: true, ignoreStdin: true }),
  };
  static override flags = {
    'server-addr': textFlag({
      description: 'the chat server that holds the connection',
      env: 'IMSTATE_SERVER_ADDR',
      required: true,
      helpValue: 'HOST:PORT',
    }),
    session: textFlag({
      description: 'id of the session; the daemon makes one if it is left out',
      env: 'IMSTATE_SESSION',
      helpValue: 'ID',
    }),
    platform: textFlag({
      description: 'platform of the device, such as ios or web',
      env: 'IMSTATE_PLATFORM',
      helpValue: 'NAME',
    }),
  };

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(Online);
    const { user: userId, device: deviceId } = args;
    const { 'server-addr': serverAddr, session: sessionId, platform } = flags;
    const request = {
      userId,
      deviceId,
      serverAddr,
      ...(sessionId && { sessionId }),
      ...(platform && { platform }),
    };
    const result = await this.withClient(flags, (client) => client.online(request));

    const { green, yellow } = colors();
    const session = result.sessionId ? `, session ${result.sessionId}` : '';
    const since = result.loginTime ? ` since ${absoluteTime(result.loginTime)}` : '';
    this.log(`${userId}/${deviceId} is ${green('online')} at ${serverAddr}${session}${since}`);
    for (const ended of result.replaced) {
      this.log(
        `${yellow('replaced')} session ${ended.sessionId} of ${ended.deviceId} at ${ended.serverAddr}: close it there`,
      );
    }
    const { loginTime, replaced } = result;
    return {
      userId,
      deviceId,
      sessionId: result.sessionId,
      serverAddr,
      loginTime: jsonTime(loginTime),
      replaced,
    };
  }
}
