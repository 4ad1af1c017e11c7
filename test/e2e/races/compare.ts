import { setTimeout as delay } from 'node:timers/promises';
import type { Client, HistoryEntry } from '../../../packages/client/src/index.ts';
import { compareWatcher, type Watcher } from './watcher.ts';
import type { Connection, World } from './world.ts';

/** Describes how the state and the events of the watchers differ from the truth. */
export async function compare(world: World, client: Client, watchers: Watcher[]): Promise<string[]> {
  const truth = world.truth();
  return [
    ...(await compareUsers(world, client, truth)),
    ...(await compareListing(client, truth)),
    ...(await compareCounts(client, truth)),
    ...(await compareHistory(world, client, truth)),
    ...(await compareWatchers(world, client, watchers)),
  ];
}

async function compareUsers(world: World, client: Client, truth: Map<string, Connection>): Promise<string[]> {
  const wrong: string[] = [];
  const seen = new Set<string>();
  for (const userId of usersOf(world)) {
    const { online, devices } = await client.getUser({ userId, explain: true });
    if (online !== [...truth.keys()].some((key) => key.startsWith(`${userId}/`)))
      wrong.push(`${userId} is ${online}`);
    for (const device of devices.filter((each) => each.online)) {
      const key = `${userId}/${device.deviceId}`;
      seen.add(key);
      const connection = truth.get(key);
      if (connection?.sessionId !== device.sessionId || connection?.server.addr !== device.serverAddr) {
        wrong.push(
          `${key} is online as ${JSON.stringify(device)}, in truth ${connection?.sessionId ?? 'offline'}`,
        );
      }
    }
  }
  for (const [key, { sessionId, server }] of truth) {
    if (!seen.has(key)) wrong.push(`${key} is offline, in truth online as ${sessionId} at ${server.addr}`);
  }
  return wrong;
}

async function compareListing(client: Client, truth: Map<string, Connection>): Promise<string[]> {
  const listed: string[] = [];
  let pageToken: string | undefined;
  do {
    const page = await client.listSessions({ pageSize: 200, ...(pageToken && { pageToken }) });
    listed.push(
      ...page.sessions.map(({ userId, device }) => `${userId}/${device.deviceId} ${device.sessionId}`),
    );
    pageToken = page.nextPageToken;
  } while (pageToken !== undefined);
  return differences(
    'listing',
    listed,
    [...truth].map(([key, { sessionId }]) => `${key} ${sessionId}`),
  );
}

async function compareCounts(client: Client, truth: Map<string, Connection>): Promise<string[]> {
  const stats = await client.getStats();
  const connections = [...truth.values()];
  const users = new Set(connections.map(({ device }) => device.userId)).size;
  const byServer = countBy(connections, ({ server }) => server.addr);
  const { servers } = await client.listServers();
  const listed = Object.fromEntries(
    servers.filter((each) => each.sessions > 0).map((each) => [each.serverAddr, each.sessions]),
  );
  return [
    ...differences(
      'counts',
      [`${stats.usersOnline} users, ${stats.devicesOnline} devices`],
      [`${users} users, ${truth.size} devices`],
    ),
    ...differences('by chat server', entries(stats.devicesByServer), entries(byServer)),
    ...differences(
      'by platform',
      entries(stats.devicesByPlatform),
      entries(countBy(connections, ({ device }) => device.deviceId)),
    ),
    ...differences('chat servers', entries(listed), entries(byServer)),
  ];
}

/** Every session must be in the history; it may end twice only if it was lost and resent in between. */
async function compareHistory(
  world: World,
  client: Client,
  truth: Map<string, Connection>,
): Promise<string[]> {
  const wrong: string[] = [];
  for (const userId of usersOf(world)) {
    const history = await wholeHistory(client, userId);
    const bySession = new Map<string, HistoryEntry[]>();
    for (const entry of history)
      bySession.set(entry.sessionId, [...(bySession.get(entry.sessionId) ?? []), entry]);
    for (const { device, sessionId } of world.begun.filter((each) => each.device.userId === userId)) {
      const found = bySession.get(sessionId) ?? [];
      const lasting = found.filter(({ endTime }) => endTime === undefined).length;
      const final = found.filter(
        ({ reason }) => reason && reason !== 'EXPIRED' && reason !== 'SERVER_LOST',
      ).length;
      const isTrue = truth.get(`${userId}/${device.deviceId}`)?.sessionId === sessionId;
      const times = new Set(found.map(({ endTime }) => endTime?.getTime()));
      if (
        found.length === 0 ||
        lasting !== (isTrue ? 1 : 0) ||
        final + lasting > 1 ||
        times.size !== found.length
      ) {
        wrong.push(
          `history of ${userId}, ${sessionId}, in truth ${isTrue ? 'online' : 'over'}: ${JSON.stringify(found)}`,
        );
      }
    }
  }
  return wrong;
}

/** Watchers may need a moment to receive the last changes. */
async function compareWatchers(world: World, client: Client, watchers: Watcher[]): Promise<string[]> {
  const histories = new Map<string, HistoryEntry[]>();
  for (const userId of usersOf(world)) histories.set(userId, await wholeHistory(client, userId));
  const giveUpAt = Date.now() + 30_000;
  for (;;) {
    const wrong = watchers.flatMap((watcher) => {
      const watched = [...histories].filter(([userId]) => watcher.userIds?.has(userId) ?? true);
      return compareWatcher(watcher, new Map(watched));
    });
    if (wrong.length === 0 || Date.now() > giveUpAt) return wrong;
    await delay(500);
  }
}

async function wholeHistory(client: Client, userId: string): Promise<HistoryEntry[]> {
  const found: HistoryEntry[] = [];
  let pageToken: string | undefined;
  do {
    const page = await client.listHistory({ userId, pageSize: 500, ...(pageToken && { pageToken }) });
    found.push(...page.entries);
    pageToken = page.nextPageToken;
  } while (pageToken !== undefined);
  return found;
}

function usersOf(world: World): Set<string> {
  return new Set(world.devices.map(({ userId }) => userId));
}

function countBy(
  connections: Connection[],
  nameOf: (connection: Connection) => string,
): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const each of connections) counts[nameOf(each)] = (counts[nameOf(each)] ?? 0) + 1;
  return counts;
}

function entries(counts: Record<string, number>): string[] {
  return Object.entries(counts).map(([name, count]) => `${name}: ${count}`);
}

function differences(what: string, found: string[], truth: string[]): string[] {
  const [there, expected] = [new Set(found), new Set(truth)];
  return [
    ...(there.size === found.length ? [] : [`${what}: something is there twice`]),
    ...found
      .filter((each) => !expected.has(each))
      .map((each) => `${what}: ${each} is there, and is not true`),
    ...truth.filter((each) => !there.has(each)).map((each) => `${what}: ${each} is missing`),
  ];
}
