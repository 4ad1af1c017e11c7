import type { RoutedSession, RouteResult, ServerRoute } from 'imstate-client';
import { routeJson } from 'imstate-client/internal/json';
import { textArg } from '../cli/base/args.js';
import { ClientCommand } from '../cli/base/ClientCommand.js';
import { prose } from '../cli/help/prose.js';
import { count } from '../cli/output/count.js';
import { type Cell, colors, renderTable } from '../cli/output/style.js';

export default class Route extends ClientCommand {
  static override summary = 'Show through which chat servers to deliver a message.';
  static override description = prose`
    Lists the sessions of the users by chat server, and the users who are offline: what a chat server needs to
    deliver a message to a group. A session in its grace has disconnected, and its device may be about to
    return. Users are unavailable while their part of the store does not answer; the exit code is 3 if all are.

    JSON: {"servers": [{"serverAddr", "draining", "sessions": [{"userId", "deviceId", "sessionId",
    "platform", "inGrace"}]}], "offline", "unavailable"}.
  `;
  static override usage = ['<%= command.id %> USER... [FLAGS]'];
  static override examples = [
    { description: 'The members of a group', command: '<%= config.bin %> <%= command.id %> alice bob carol' },
    {
      description: 'The chat servers, in a script',
      command: "<%= config.bin %> <%= command.id %> alice bob --json | jq -r '.servers[].serverAddr'",
    },
  ];
  static override args = {
    user: textArg({ description: 'user IDs', multiple: true, required: true }),
  };

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(Route);
    const routes = await this.withClient(flags, (client) => client.route(args.user));
    this.#print(routes);
    return routeJson(routes);
  }

  #print({ servers, offline, unavailable }: RouteResult): void {
    if (servers.length > 0) this.log(renderTable(HEAD, servers.flatMap(toRows)));
    else this.log('no session is online');
    if (offline.length > 0) this.log(`${count(offline.length, 'user')} offline: ${offline.join(', ')}`);
    if (unavailable.length === 0) return;
    this.logToStderr(
      `part of the store does not answer: ${unavailable.join(', ')} may be online; run imstate doctor`,
    );
  }
}

const HEAD = [['Chat server'], ['User'], ['Device', 'Platform'], ['Session', 'State']];

function toRows({ serverAddr, sessions }: ServerRoute): Cell[][] {
  return sessions.map((session) => [[serverAddr], ...toCells(session)]);
}

function toCells({ userId, deviceId, platform, sessionId, inGrace }: RoutedSession): Cell[] {
  const { green, yellow } = colors();
  return [[userId], [deviceId, platform], [sessionId, inGrace ? yellow('grace') : green('online')]];
}
