import type { Client, EvictRequest } from 'imstate-client';
import { ImstateError } from 'imstate-client/internal/shared/errors';
import { count } from '../output/count.js';
import { Progress } from '../output/progress.js';
import { toImstateError } from '../output/report.js';
import { allServers } from './pages.js';

/** What flags say of whose sessions to end. */
export interface TargetFlags {
  'server-addr': string | undefined;
  user: string | undefined;
  device: string | undefined;
  session: string | undefined;
}

/** Whose sessions the flags mean; throws WRONG_USAGE if that is not clear. */
export function targetOf({ 'server-addr': serverAddr, user, device, session }: TargetFlags): EvictRequest {
  if ((serverAddr === undefined) === (user === undefined)) {
    throw new ImstateError('WRONG_USAGE', 'evict needs one of --server-addr and --user; --help shows how');
  }
  if (
    (device === undefined) !== (session === undefined) ||
    (serverAddr !== undefined && device !== undefined)
  ) {
    throw new ImstateError(
      'WRONG_USAGE',
      'one session is named by --user, --device and --session together; leave the last two out to end all of a user',
    );
  }
  if (serverAddr !== undefined) return { serverAddr };
  const userId = user as string;
  if (device === undefined || session === undefined) return { userId };
  return { session: { userId, deviceId: device, sessionId: session } };
}

/** The target, for people. */
export function nameOf(target: EvictRequest): string {
  if ('serverAddr' in target) return `chat server ${target.serverAddr}`;
  if ('userId' in target) return `user ${target.userId}`;
  return `${target.session.userId}/${target.session.deviceId}`;
}

/** How many sessions the target has now. */
export async function sessionsOf(client: Client, target: EvictRequest): Promise<number> {
  if ('serverAddr' in target) {
    const { servers } = await allServers(client);
    return servers.find(({ serverAddr }) => serverAddr === target.serverAddr)?.sessions ?? 0;
  }
  if ('userId' in target) {
    const { devices } = await client.getUser(target);
    return devices.filter(({ online }) => online).length;
  }
  const { userId, deviceId, sessionId } = target.session;
  const { devices } = await client.getUser({ userId, deviceId });
  return devices.filter((device) => device.online && device.sessionId === sessionId).length;
}

/** Ends all sessions of the target, call by call, and returns how many. An error says how many had ended before. */
export async function evictAll(client: Client, target: EvictRequest): Promise<number> {
  const progress = new Progress('session', true);
  let evicted = 0;
  try {
    for (let more = true; more; ) {
      const answer = await client.evict(target);
      evicted += answer.evicted;
      more = answer.more;
      progress.add(answer.evicted);
    }
    return evicted;
  } catch (thrown) {
    const error = toImstateError(thrown);
    if (evicted === 0) throw error;
    const message = `${error.message}; ${count(evicted, 'session')} had been evicted before: run it again for the others`;
    throw error.reworded(message);
  } finally {
    progress.end();
  }
}
