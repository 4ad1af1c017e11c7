import type { UserSession } from 'imstate-client';
import { deviceJson } from 'imstate-client/internal/json';
import { ClientCommand } from '../cli/base/ClientCommand.js';
import { textFlag } from '../cli/flags/flagTypes.js';
import { limitFlag } from '../cli/flags/limitFlag.js';
import { prose } from '../cli/help/prose.js';
import { collectPages } from '../cli/input/pages.js';
import { deviceCell, deviceTitles } from '../cli/output/deviceCell.js';
import { type Cell, renderTable } from '../cli/output/style.js';
import { absoluteTime, relativeTime } from '../cli/output/times.js';

export default class Sessions extends ClientCommand {
  static override summary = 'List the sessions that are online.';
  static override description = prose`
    The order is arbitrary. JSON: {"sessions", "more", "partial"}; each session has userId, and the fields
    of a device of query --json.
  `;
  static override examples = [
    { description: 'Some sessions', command: '<%= config.bin %> <%= command.id %>' },
    {
      description: 'Up to 10,000 sessions of one chat server, as JSON',
      command: '<%= config.bin %> <%= command.id %> --server-addr 10.0.0.1:9000 --limit 10000 --json',
    },
  ];
  static override flags = {
    'server-addr': textFlag({
      char: 's',
      description: 'list the sessions of this chat server',
      env: 'IMSTATE_SERVER_ADDR',
      helpValue: 'HOST:PORT',
    }),
    limit: limitFlag,
  };

  async run(): Promise<unknown> {
    const { flags } = await this.parse(Sessions);
    const { 'server-addr': serverAddr } = flags;
    const { rows, isCut, isPartial } = await this.withClient(flags, (client) =>
      collectPages(flags.limit, async (page) => {
        const answer = await client.listSessions({ ...(serverAddr && { serverAddr }), ...page });
        return { ...answer, rows: answer.sessions };
      }),
    );
    if (rows.length === 0) this.log(`no session is online${serverAddr ? ` at ${serverAddr}` : ''}`);
    else
      this.log(
        renderTable([['User'], deviceTitles(rows.map(({ device }) => device)), ...HEAD], rows.map(toRow)),
      );
    if (isCut) this.warnOfLimit(flags.limit);
    if (isPartial) this.warnOfMissing();
    return {
      sessions: rows.map(({ userId, device }) => ({ userId, ...deviceJson(device) })),
      more: isCut,
      partial: isPartial,
    };
  }
}

const HEAD = [
  ['Chat server', 'Session'],
  ['Since', 'Time'],
];

function toRow({ userId, device }: UserSession): Cell[] {
  const { serverAddr, sessionId, loginTime } = device;
  return [
    [userId],
    deviceCell(device),
    [serverAddr, sessionId],
    loginTime ? [relativeTime(loginTime), absoluteTime(loginTime)] : [],
  ];
}
