import type { Client, ListSessionsRequest, SessionsPage, UserSession } from 'imstate-client';
import { deviceJson } from 'imstate-client/internal/json';
import { ClientCommand } from '../cli/base/ClientCommand.js';
import { textFlag } from '../cli/flags/flagTypes.js';
import { limitFlag } from '../cli/flags/limitFlag.js';
import { prose } from '../cli/help/prose.js';
import { collectPages } from '../cli/input/pages.js';
import { count } from '../cli/output/count.js';
import { deviceCell, deviceTitles } from '../cli/output/deviceCell.js';
import { Progress } from '../cli/output/progress.js';
import { type Cell, renderTable } from '../cli/output/style.js';
import { absoluteTime, relativeTime } from '../cli/output/times.js';

export default class Sessions extends ClientCommand {
  static override summary = 'List the sessions that are online.';
  static override description = prose`
    The order is arbitrary. --user-prefix, --device and --session search: there is no index for them, so
    daemons compare the sessions that are online one by one, until there are --limit matches. A terminal
    shows the progress. To list the devices of one user, imstate query is faster.

    JSON: {"sessions", "more", "partial", "scanned"}; each session has userId, and the fields of a device of
    query --json. scanned is how many sessions were compared, or listed.
  `;
  static override examples = [
    { description: 'Some sessions', command: '<%= config.bin %> <%= command.id %>' },
    {
      description: 'Up to 10,000 sessions of one chat server, as JSON',
      command: '<%= config.bin %> <%= command.id %> --server-addr 10.0.0.1:9000 --limit 10000 --json',
    },
    {
      description: 'Sessions of all users whose ID begins with ali',
      command: '<%= config.bin %> <%= command.id %> --user-prefix ali',
    },
  ];
  static override flags = {
    'server-addr': textFlag({
      char: 's',
      description: 'list the sessions of this chat server',
      env: 'IMSTATE_SERVER_ADDR',
      helpValue: 'HOST:PORT',
    }),
    'user-prefix': textFlag({
      description: 'find users whose ID begins with this',
      env: 'IMSTATE_USER_PREFIX',
      helpValue: 'TEXT',
    }),
    device: textFlag({
      description: 'find devices with this ID',
      env: 'IMSTATE_DEVICE',
      helpValue: 'ID',
    }),
    session: textFlag({
      description: 'find the session with this ID',
      env: 'IMSTATE_SESSION',
      helpValue: 'ID',
    }),
    limit: limitFlag,
  };

  async run(): Promise<unknown> {
    const { flags } = await this.parse(Sessions);
    const {
      'server-addr': serverAddr,
      'user-prefix': userIdPrefix,
      device: deviceId,
      session: sessionId,
    } = flags;
    const filter = { userIdPrefix, deviceId, sessionId };
    const isSearch = Object.values(filter).some((value) => value !== undefined);
    const { rows, isCut, isPartial, scanned } = await this.withClient(flags, (client) =>
      list(client, { serverAddr, ...filter }, flags.limit, isSearch),
    );
    if (rows.length > 0) this.log(tableOf(rows));
    else this.log(nothingFound(serverAddr, isSearch ? scanned : undefined));
    if (isCut) this.warnOfLimit(flags.limit);
    if (isPartial) this.warnOfMissing();
    return {
      sessions: rows.map(({ userId, device }) => ({ userId, ...deviceJson(device) })),
      more: isCut,
      partial: isPartial,
      scanned,
    };
  }
}

/** Follows the pages; a search shows on stderr how many sessions it has compared. */
async function list(client: Client, request: ListSessionsRequest, limit: number, isSearch: boolean) {
  const progress = new Progress('session compared', isSearch, 'sessions compared');
  let scanned = 0;
  try {
    const listed = await collectPages(limit, async (page) => {
      const answer: SessionsPage = await client.listSessions({ ...request, ...page });
      scanned += answer.scanned;
      progress.add(answer.scanned);
      return { ...answer, rows: answer.sessions };
    });
    return { ...listed, scanned };
  } finally {
    progress.end();
  }
}

/** `scanned` is undefined without a filter. */
function nothingFound(serverAddr: string | undefined, scanned: number | undefined): string {
  const place = serverAddr ? ` at ${serverAddr}` : '';
  if (scanned === undefined) return `no session is online${place}`;
  return `no session matches: ${count(scanned, 'session')} compared${place}`;
}

const HEAD = [
  ['Chat server', 'Session'],
  ['Since', 'Time'],
];

function tableOf(rows: UserSession[]): string {
  const head = [['User'], deviceTitles(rows.map(({ device }) => device)), ...HEAD];
  return renderTable(head, rows.map(toRow));
}

function toRow({ userId, device }: UserSession): Cell[] {
  const { serverAddr, sessionId, loginTime } = device;
  return [
    [userId],
    deviceCell(device),
    [serverAddr, sessionId],
    loginTime ? [relativeTime(loginTime), absoluteTime(loginTime)] : [],
  ];
}
