import { Flags } from '@oclif/core';
import type { DeviceState, UserState } from 'imstate-client';
import { userJson } from 'imstate-client/internal/json';
import { textArg } from '../cli/base/args.js';
import { ClientCommand } from '../cli/base/ClientCommand.js';
import { prose } from '../cli/help/prose.js';
import { deviceCell, deviceTitles, reasonText } from '../cli/output/deviceCell.js';
import { explainDevice } from '../cli/output/explain.js';
import { type Cell, colors, renderTable } from '../cli/output/style.js';
import { absoluteTime, relativeTime } from '../cli/output/times.js';

export default class Query extends ClientCommand {
  static override summary = 'Show whether a user is online, and on which devices.';
  static override description = prose`
    Lists the online devices, and those that went offline within the retention (3 minutes by default),
    newest login first. An unknown user or device is offline. A user who is offline was last seen at the
    end of the last session, for as long as the history keeps it.

    With --explain the output has for each device its session, when it was last seen, its TTL, a pending
    logout, the lease of its chat server, and when an offline device expires. With --json each device then
    has an "explanation".
  `;
  static override examples = [
    { description: 'All devices of alice', command: '<%= config.bin %> <%= command.id %> alice' },
    {
      description: 'Why does the phone have this status?',
      command: '<%= config.bin %> <%= command.id %> alice phone --explain',
    },
    {
      description: 'In a script: exit code 1 if the user is offline',
      command: '<%= config.bin %> <%= command.id %> alice --exit-code && echo online',
    },
  ];
  static override args = {
    user: textArg({ description: 'user ID', required: true }),
    device: textArg({ description: 'device ID; all devices if omitted' }),
  };
  static override flags = {
    'exit-code': Flags.boolean({
      description: 'exit with 1 if the user or device is offline',
      env: 'IMSTATE_EXIT_CODE',
    }),
    explain: Flags.boolean({
      description: 'explain the status of each device',
      env: 'IMSTATE_EXPLAIN',
    }),
  };

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(Query);
    const { explain } = flags;
    const request = {
      userId: args.user,
      ...(args.device && { deviceId: args.device }),
      ...(explain && { explain }),
      includeLastSeen: args.device === undefined,
    };
    const user = await this.withClient(flags, (client) => client.getUser(request));
    this.#print(user, args.device, explain);
    if (flags['exit-code'] && !user.online) process.exitCode = 1;
    return userJson(user, { explain, lastSeen: args.device === undefined });
  }

  #print(user: UserState, deviceId: string | undefined, explain: boolean): void {
    const { userId, online, devices, metadataOmitted, devicesOmitted } = user;
    const { green, gray, bold } = colors();
    const name = deviceId === undefined ? userId : `${userId}/${deviceId}`;
    const count = devices.filter((device) => device.online).length;
    const where =
      deviceId === undefined && devices.length > 0
        ? ` on ${count} of ${devices.length} ${devices.length === 1 ? 'device' : 'devices'}`
        : '';
    const seen = user.lastSeen ? `, last seen ${relativeTime(user.lastSeen)}` : '';
    this.log(`${bold(name)} is ${online ? green('online') + where : gray('offline') + seen}`);
    if (explain) for (const device of devices) this.log(`\n${explainDevice(device)}`);
    else if (devices.length > 0) this.log(renderTable([deviceTitles(devices), ...HEAD], devices.map(toRow)));
    if (metadataOmitted)
      this.logToStderr('metadata is omitted: the user has too many devices for one response');
    if (devicesOmitted) this.logToStderr(`${devicesOmitted} more devices are omitted, for the same reason`);
  }
}

const HEAD = [
  ['Status', 'Reason'],
  ['Chat server', 'Session'],
  ['Since', 'Time'],
];

function toRow(device: DeviceState): Cell[] {
  const { online, serverAddr, sessionId } = device;
  const { green, gray } = colors();
  const since = online ? device.loginTime : device.logoutTime;
  return [
    deviceCell(device),
    online ? [green('online')] : [gray('offline'), gray(reasonText(device) ?? '')],
    [serverAddr, sessionId],
    since ? [relativeTime(since), absoluteTime(since)] : [],
  ];
}
