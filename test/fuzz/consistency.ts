import type { Client, UserSession } from '../../packages/client/src/index.ts';

/** Users of fuzzed calls, whether or not they are online. */
const USERS = ['alice', 'bob', 'carol', '用户'];

/**
 * Reads the state of a daemon through every API, and returns the differences. An expired session is counted
 * until the next sweep, so a difference may disappear a moment later.
 */
export async function inconsistencies(client: Client): Promise<string[]> {
  const sessions = await allSessions(client);
  const stats = await client.getStats();
  const { servers } = await client.listServers({ pageSize: 1_000 });
  const listed = sessions.map(nameOf);
  const userIds = [...new Set([...USERS, ...sessions.map(({ userId }) => userId)])];
  const users = await client.getUsers(userIds);
  const read = users.flatMap(({ userId, devices }) =>
    devices.filter(({ online }) => online).map((device) => nameOf({ userId, device })),
  );
  const open: string[] = [];
  for (const userId of userIds) open.push(...(await openIn(client, userId)));
  const online = users.filter((user) => user.online).length;
  return [
    ...sessions.flatMap(partial),
    ...differ('the listing', listed, [...new Set(listed)]),
    ...differ('the users and the listing', read, listed),
    ...differ('the history and the listing', open, listed),
    ...differ('users', [stats.usersOnline], [new Set(sessions.map(({ userId }) => userId)).size]),
    ...differ('users that are online', [online], [stats.usersOnline]),
    ...differ('devices', [stats.devicesOnline], [sessions.length]),
    ...differ(
      'by platform',
      pairs(stats.devicesByPlatform),
      countBy(sessions, ({ platform }) => platform ?? ''),
    ),
    ...differ(
      'by chat server',
      pairs(stats.devicesByServer),
      countBy(sessions, ({ serverAddr }) => serverAddr),
    ),
    ...differ(
      'chat servers',
      servers.filter((each) => each.sessions > 0).map((each) => `${each.serverAddr}: ${each.sessions}`),
      pairs(stats.devicesByServer),
    ),
  ];
}

/** Every record must be complete. */
function partial({ userId, device }: UserSession): string[] {
  const { deviceId, sessionId, serverAddr, online, loginTime, lastSeen } = device;
  const isWhole = [userId, deviceId, sessionId, serverAddr].every((text) => text !== '') && online;
  return isWhole && Number(loginTime) > 0 && Number(lastSeen) > 0
    ? []
    : [`a partial record: ${JSON.stringify({ userId, ...device })}`];
}

async function allSessions(client: Client): Promise<UserSession[]> {
  const found: UserSession[] = [];
  let pageToken: string | undefined;
  do {
    const page = await client.listSessions({ pageSize: 1_000, ...(pageToken && { pageToken }) });
    found.push(...page.sessions);
    pageToken = page.nextPageToken;
  } while (pageToken !== undefined);
  return found;
}

/** The open sessions of a user come first in the history. */
async function openIn(client: Client, userId: string): Promise<string[]> {
  const { entries } = await client.listHistory({ userId, pageSize: 1_000 });
  return entries
    .filter(({ endTime }) => endTime === undefined)
    .map((entry) => nameOf({ userId, device: entry }));
}

function nameOf({
  userId,
  device,
}: {
  userId: string;
  device: { deviceId: string; sessionId?: string | undefined };
}): string {
  return JSON.stringify([userId, device.deviceId, device.sessionId]);
}

function countBy(
  sessions: UserSession[],
  wordOf: (device: UserSession['device']) => string | undefined,
): string[] {
  const counts = new Map<string | undefined, number>();
  for (const { device } of sessions) counts.set(wordOf(device), (counts.get(wordOf(device)) ?? 0) + 1);
  return [...counts].map(([word, count]) => `${word}: ${count}`);
}

function pairs(counts: Record<string, number>): string[] {
  return Object.entries(counts).map(([word, count]) => `${word}: ${count}`);
}

function differ(what: string, found: unknown[], other: unknown[]): string[] {
  const [a, b] = [found.map(String).sort(), other.map(String).sort()];
  if (a.join('\n') === b.join('\n')) return [];
  const only = a.filter((each) => !b.includes(each)).slice(0, 3);
  const missing = b.filter((each) => !a.includes(each)).slice(0, 3);
  return [`${what} differ: ${a.length} and ${b.length}, only in one ${only}, only in the other ${missing}`];
}
