import type { ChatServer, LeaseState } from 'imstate-client';
import { chatServerJson } from 'imstate-client/internal/json';
import { ClientCommand } from '../cli/base/ClientCommand.js';
import { prose } from '../cli/help/prose.js';
import { allServers } from '../cli/input/pages.js';
import { type Cell, colors, renderTable } from '../cli/output/style.js';
import { absoluteTime, relativeTime } from '../cli/output/times.js';

export default class Servers extends ClientCommand {
  static override summary = 'List the chat servers that have sessions or a lease.';
  static override description = prose`
    The state of a lease is ALIVE while its chat server renews it, RESYNC while the chat server must send
    its sessions again, DRAINING while it moves its sessions to others (imstate drain), and LOST after it
    expired: its sessions are being ended. Sessions of a chat server
    without a lease last until a logout or their TTL.

    JSON: {"servers": [{"serverAddr", "sessions", "lease": {"state", "incarnation", "ttlMs",
    "expireTime", "drainDeadline"}}], "partial"}; lease may be null, and partial is true if part of the store does not
    answer.
  `;
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
    lease ? [color(stateText(lease)), `${lease.incarnation}`] : [],
    lease?.expireTime ? [relativeTime(lease.expireTime), absoluteTime(lease.expireTime)] : [],
  ];
}

/** The state; of a drain also its deadline: `DRAINING, in 12 seconds`. */
function stateText({ state, drainDeadline }: LeaseState): string {
  return drainDeadline ? `${state}, ${relativeTime(drainDeadline)}` : state;
}
