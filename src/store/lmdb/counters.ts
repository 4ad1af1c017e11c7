import type { SessionRecord } from '../../presence/record.js';
import { MAX_PLATFORMS, OTHER_PLATFORM } from '../../presence/stats.js';
import type { Tables } from './tables.js';

/** Puts a session into the index of its chat server, and counts it. */
export function addSession(
  tables: Tables,
  userId: string,
  { serverAddr, platform, deviceId }: SessionRecord,
): void {
  const isNamed = countsByName(tables, platform);
  tables.sessions.put([serverAddr, userId, deviceId], isNamed);
  countSession(tables, userId, serverAddr, isNamed ? platform : OTHER_PLATFORM, 1);
}

/** Undoes addSession(). */
export function removeSession(
  tables: Tables,
  userId: string,
  { serverAddr, platform, deviceId }: SessionRecord,
): void {
  const isNamed = tables.sessions.get([serverAddr, userId, deviceId]) ?? true;
  tables.sessions.remove([serverAddr, userId, deviceId]);
  countSession(tables, userId, serverAddr, isNamed ? platform : OTHER_PLATFORM, -1);
}

/** Whether a starting session counts under its platform: if there is a counter, or room for one. */
function countsByName({ counters }: Tables, platform: string): boolean {
  if (platform === '' || counters.doesExist(`p:${platform}`)) return true;
  const others = counters.doesExist(`p:${OTHER_PLATFORM}`) ? 1 : 0;
  const range = { start: 'p:', exclusiveStart: true, end: 'p;', limit: MAX_PLATFORMS + others };
  return counters.getKeysCount(range) - others < MAX_PLATFORMS;
}

function countSession(
  { counters, users }: Tables,
  userId: string,
  serverAddr: string,
  platform: string,
  by: 1 | -1,
): void {
  addTo(counters, 'devices', by);
  addTo(counters, `p:${platform}`, by);
  addTo(counters, `s:${serverAddr}`, by);
  const online = addTo(users, userId, by);
  if (online === 0 || (online === 1 && by === 1)) addTo(counters, 'users', by);
}

/** Returns the new value. */
function addTo(table: Tables['counters'], key: string, by: 1 | -1): number {
  const value = (table.get(key) ?? 0) + by;
  if (value === 0) table.remove(key);
  else table.put(key, value);
  return value;
}
