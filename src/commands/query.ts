import { Flags } from '@oclif/core';
import type { DeviceState, UserState } from 'imstate-client';
import { userJson } from 'imstate-client/internal/json';
import { textArg } from '../cli/base/args.js';
import { ClientCommand } from '../cli/base/ClientCommand.js';
import { explainDevice } from '../cli/output/explain.js';
import { type Cell, colors, renderTable } from '../cli/output/style.js';
import { absoluteTime, relativeTime } from '../cli/output/times.js';

export default class Query extends ClientCommand {
  static override summary = 'Ask whether a user is online, on which devices, and through which chat server.';
  static override description =
    'Lists the devices that are online, and those that went offline within the retention (3 minutes by default), newest ' +
    'login first. A user or device that is not known is offline.\n\n' +
    'With --explain it says for each device why it is shown so: its session, when it was last seen, its time to live, a logout that waits for its grace, ' +
    "the lease of its chat server, and until when an offline device is remembered. With --json each device then has an 'explanation' object.";
  static override examples = [
    { description: 'All devices of alice', command: '<%= config.bin %> <%= command.id %> alice' },
    { description: 'One device, as JSON', command: '<%= config.bin %> <%= command.id %> alice phone --json' },
    { description: 'Why is it shown so?', command: '<%= config.bin %> <%= command.id %> alice --explain' },
    {
      description: 'In a script: exit code 1 if the user is offline',
      command: '<%= config.bin %> <%= command.id %> alice --exit-code && echo online',
    },
  ];
  static override args = {
    user: textArg({ description: 'user id', required: true }),
    device: textArg({ description: 'device id; all devices if it is left out' }),
  };
  static override flags = {
    'exit-code': Flags.boolean({
      description: 'exit with 1 if the user (or the device) is offline',
      env: 'IMSTATE_EXIT_CODE',
    }),
    explain: Flags.boolean({
      description: 'say for each device why it is shown as it is',
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
    };
    const user = await this.withClient(flags, (client) => client.getUser(request));
    this.#print(user, args.device, explain);
    if (flags['exit-code'] && !user.online) process.exitCode = 1;
    return userJson(user, explain);
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
    this.log(`${bold(name)} is ${online ? green('online') : gray('offline')}${online ? where : ''}`);
    if (explain) for (const device of devices) this.log(`\n${explainDevice(device)}`);
    else if (devices.length > 0) this.log(renderTable(HEAD, devices.map(toRow)));
    if (metadataOmitted)
      this.logToStderr('metadata is left out: the user has too many devices for one answer');
    if (devicesOmitted) this.logToStderr(`${devicesOmitted} more devices are left out, for the same reason`);
  }
}

const HEAD = [
  ['Device', 'Platform'],
  ['Status', 'Reason'],
  ['Chat server', 'Session'],
  ['Since', 'Time'],
];

function toRow({
  deviceId,
  platform,
  online,
  reason,
  serverAddr,
  sessionId,
  ...device
}: DeviceState): Cell[] {
  const { green, gray } = colors();
  const since = online ? device.loginTime : device.logoutTime;
  return [
    [deviceId, platform],
    online ? [green('online')] : [gray('offline'), gray(reason?.toLowerCase() ?? '')],
    [serverAddr, sessionId],
    since ? [relativeTime(since), absoluteTime(since)] : [],
  ];
}
