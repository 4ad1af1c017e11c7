import type { ChatServer } from 'imstate-client';
import { chatServerJson } from 'imstate-client/internal/json';
import { ClientCommand } from '../cli/base/ClientCommand.js';
import { allServers } from '../cli/input/pages.js';
import { type Cell, colors, renderTable } from '../cli/output/style.js';
import { absoluteTime, relativeTime } from '../cli/output/times.js';

export default class Servers extends ClientCommand {
  static override summary = 'List the chat servers that have sessions or a lease.';
  static override description =
    'A lease is ALIVE while its chat server keeps it so, in RESYNC while that is asked to send its sessions again, and LOST once it ran out: ' +
    'its sessions are then being ended. A chat server without a lease has sessions that last until a logout or their time to live. ' +
    'As JSON: {"servers":[{"serverAddr","sessions","lease":{"state","incarnation","ttlMs","expireTime"}}],"partial"}, where lease may be null, and partial is true if part of the store did not answer.';
  static override examples = [
    { description: 'All chat servers', command: '<%= config.bin %> <%= command.id %>' },
    { description: 'As JSON', command: '<%= config.bin %> <%= command.id %> --json' },
  ];

  async run(): Promise<unknown> {
    const { flags } = await this.parse(Servers);
    const { servers, isPartial } = await this.withClient(flags, allServers);
    if (servers.length === 0) this.log('no chat server has sessions or a lease');
    else this.log(renderTable(HEAD, servers.map(toRow)));
    if (isPartial) this.warnOfMissing();
    return {
      servers: servers.map(chatServerJson),
      partial: isPartial,
    };
  }
}

const HEAD = [['Chat server'], ['Sessions'], ['Lease', 'Incarnation'], ['Runs out', 'Time']];

function toRow({ serverAddr, sessions, lease }: ChatServer): Cell[] {
  const { green, red, yellow } = colors();
  const color = lease?.state === 'ALIVE' ? green : lease?.state === 'LOST' ? red : yellow;
  return [
    [serverAddr],
    [sessions.toLocaleString('en')],
    lease ? [color(lease.state), `${lease.incarnation}`] : [],
    lease?.expireTime ? [relativeTime(lease.expireTime), absoluteTime(lease.expireTime)] : [],
  ];
}
