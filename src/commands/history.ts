import type { HistoryEntry } from 'imstate-client';
import { historyEntryJson } from 'imstate-client/internal/json';
import { textArg } from '../cli/base/args.js';
import { ClientCommand } from '../cli/base/ClientCommand.js';
import { limitFlag } from '../cli/flags/limitFlag.js';
import { prose } from '../cli/help/prose.js';
import { collectPages } from '../cli/input/pages.js';
import { deviceCell, deviceTitles, reasonText } from '../cli/output/deviceCell.js';
import { type Cell, colors, renderTable } from '../cli/output/style.js';
import { absoluteTime } from '../cli/output/times.js';

export default class History extends ClientCommand {
  static override summary = 'List the sessions of a user, newest first.';
  static override description = prose`
    Lists the sessions that are online, then those that ended. The store keeps the last sessions of each
    user for a time: see --history-limit and --history-retention of imstate serve.

    JSON: {"userId", "entries": [{"deviceId", "sessionId", "serverAddr", "platform", "loginTime",
    "endTime", "reason", "reasonText", "clientIp", "label", "appVersion"}], "more"}; endTime and reason are
    null while the session is online. Of the IP address the history keeps the network: see --history-ip.
  `;
  static override examples = [
    { description: 'All devices of alice', command: '<%= config.bin %> <%= command.id %> alice' },
    {
      description: 'The last 10 sessions of one device, as JSON',
      command: '<%= config.bin %> <%= command.id %> alice phone --limit 10 --json',
    },
  ];
  static override args = {
    user: textArg({ description: 'user ID', required: true }),
    device: textArg({ description: 'device ID; all devices if omitted' }),
  };
  static override flags = { limit: limitFlag };

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(History);
    const { user: userId, device } = args;
    const { rows, isCut } = await this.withClient(flags, (client) =>
      collectPages(flags.limit, async (page) => {
        const answer = await client.listHistory({ userId, ...(device && { deviceId: device }), ...page });
        return { rows: answer.entries, nextPageToken: answer.nextPageToken };
      }),
    );
    if (rows.length === 0) this.log(`${device ? `${userId}/${device}` : userId} has no history`);
    else this.log(renderTable([deviceTitles(rows), ...HEAD], rows.map(toRow)));
    if (isCut) this.warnOfLimit(flags.limit);
    return { userId, entries: rows.map(historyEntryJson), more: isCut };
  }
}

const HEAD = [['Chat server', 'Session'], ['Login', 'End'], ['Status']];

function toRow(entry: HistoryEntry): Cell[] {
  const { serverAddr, sessionId, loginTime, endTime } = entry;
  const { green, gray } = colors();
  return [
    deviceCell(entry),
    [serverAddr, sessionId],
    [loginTime && absoluteTime(loginTime), endTime && absoluteTime(endTime)],
    [endTime === undefined ? green('online') : gray(reasonText(entry) ?? '')],
  ];
}
