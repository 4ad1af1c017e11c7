import { Flags } from '@oclif/core';
import type { SessionBegin } from 'imstate-client';
import { CLIENT_DEFAULTS } from 'imstate-client/internal/defaults';
import { sessionJson } from 'imstate-client/internal/json';
import { textArg } from '../cli/base/args.js';
import { ClientCommand } from '../cli/base/ClientCommand.js';
import { type Sessions, waitFor } from '../cli/base/waitFor.js';
import { formatDuration } from '../cli/flags/durations.js';
import { durationDefault, durationFlag } from '../cli/flags/flagTypes.js';
import { prose } from '../cli/help/prose.js';
import { colors } from '../cli/output/style.js';

export default class Wait extends ClientCommand {
  static override summary = 'Wait until a user or a device is online, or offline.';
  static override description = prose`
    Exits with 0 as soon as the user has the status, which may be at once. Exits with 1 after --timeout,
    or with 3 if the status is unknown because no daemon or store answers. A user is online while any
    device is. The command does not poll: a daemon notifies it.

    JSON: {"userId", "deviceId", "online", "reached", "devices": [{"deviceId", "serverAddr", "sessionId",
    "platform", "loginTime"}]}; devices lists those online.
  `;
  static override examples = [
    {
      description: 'Until alice is online, on any device',
      command: '<%= config.bin %> <%= command.id %> alice --for online',
    },
    {
      description: 'In a script: up to 30 seconds for the phone to go offline',
      command: '<%= config.bin %> <%= command.id %> alice phone --for offline --timeout 30s && echo gone',
    },
  ];
  static override args = {
    user: textArg({ description: 'user ID', required: true }),
    device: textArg({ description: 'device ID; any device if omitted' }),
  };
  static override baseFlags = {
    ...ClientCommand.baseFlags,
    timeout: durationFlag({
      description: 'time to wait; 0s checks once',
      env: 'IMSTATE_TIMEOUT',
      ...durationDefault(30_000),
      min: 0,
      max: 86_400_000,
      helpValue: 'TIME',
    }),
  };
  static override flags = {
    for: Flags.option({ options: ['online', 'offline'] as const })({
      description: 'status to wait for',
      env: 'IMSTATE_FOR',
      required: true,
    }),
  };

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(Wait);
    const { user: userId, device: deviceId } = args;
    const { timeout: limitMs } = flags;
    const wantsOnline = flags.for === 'online';
    const sessions = await this.withClient({ ...flags, timeout: CLIENT_DEFAULTS.timeoutMs }, (client) =>
      waitFor(client, { userId, deviceId, online: wantsOnline, limitMs }),
    );
    const online = sessions.size > 0;
    const reached = online === wantsOnline;
    if (!reached) process.exitCode = 1;
    this.#print(deviceId ? `${userId}/${deviceId}` : userId, sessions);
    if (!reached) this.logToStderr(`it was not ${flags.for} within ${formatDuration(limitMs)}`);
    return { userId, deviceId: deviceId ?? null, online, reached, devices: [...sessions].map(toJson) };
  }

  #print(name: string, sessions: Sessions): void {
    const { green, gray, bold } = colors();
    if (sessions.size === 0) this.log(`${bold(name)} is ${gray('offline')}`);
    else this.log(`${bold(name)} is ${green('online')}`);
    for (const [deviceId, { serverAddr, sessionId }] of sessions) {
      this.log(`${deviceId}  ${serverAddr}  ${sessionId}`);
    }
  }
}

function toJson([deviceId, session]: [string, SessionBegin]) {
  const { sessionId, serverAddr, ...rest } = sessionJson(session);
  return { deviceId, serverAddr, sessionId, ...rest };
}
