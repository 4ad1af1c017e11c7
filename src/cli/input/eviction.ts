import type { CallOptions, Client, EvictRequest, EvictTarget } from 'imstate-client';
import { ImstateError } from 'imstate-client/internal/shared/errors';
import { count } from '../output/count.js';
import { toImstateError, wrongUsage } from '../output/report.js';
import { allServers } from './pages.js';

/** The words of the command line that name a target. */
export interface TargetWords {
  user: string | undefined;
  device: string | undefined;
  session: string | undefined;
  'server-addr': string | undefined;
}

/** The arguments, with the flags --user and --device as aliases. Throws WRONG_USAGE if both differ. */
export function withFlags(args: Pick<TargetWords, 'user' | 'device'>, flags: TargetWords): TargetWords {
  const { session, 'server-addr': serverAddr } = flags;
  return {
    user: oneOf('user', args, flags),
    device: oneOf('device', args, flags),
    session,
    'server-addr': serverAddr,
  };
}

function oneOf<Name extends string>(
  name: Name,
  { [name]: arg }: Record<Name, string | undefined>,
  { [name]: flag }: Record<Name, string | undefined>,
): string | undefined {
  if (arg === undefined || flag === undefined || arg === flag) return arg ?? flag;
  const message = `${name.toUpperCase()} is "${arg}" and --${name} is "${flag}": give one of them`;
  throw new ImstateError('WRONG_USAGE', message, { field: `--${name}` });
}

/** The target that the words name; throws WRONG_USAGE if they name none, or two. */
export function targetOf({ 'server-addr': serverAddr, user, device, session }: TargetWords): EvictTarget {
  const isOfUser = user !== undefined || device !== undefined || session !== undefined;
  if ((serverAddr !== undefined) === isOfUser) {
    throw wrongUsage('evict needs one of USER, --server-addr and --file');
  }
  if (serverAddr !== undefined) return { serverAddr };
  if (user === undefined) throw new ImstateError('WRONG_USAGE', 'name the user: evict USER [DEVICE]');
  if (device !== undefined && session !== undefined) {
    return { session: { userId: user, deviceId: device, sessionId: session } };
  }
  if (device !== undefined) return { device: { userId: user, deviceId: device } };
  if (session === undefined) return { userId: user };
  const message = '--session needs the device of the session: evict USER DEVICE';
  throw new ImstateError('WRONG_USAGE', message, { field: '--session' });
}

/** The target, human-readable. */
export function nameOf(target: EvictTarget): string {
  if ('serverAddr' in target) return `chat server ${target.serverAddr}`;
  if ('userId' in target) return `user ${target.userId}`;
  const { userId, deviceId } = 'device' in target ? target.device : target.session;
  return `${userId}/${deviceId}`;
}

/**
 * The target whose sessions are confirmed: of a device its current session. Undefined if it has none.
 */
export async function confirmedTarget(client: Client, target: EvictTarget): Promise<EvictTarget | undefined> {
  if (!('device' in target)) return target;
  const { devices } = await client.getUser(target.device);
  const current = devices.find(({ online }) => online);
  if (current === undefined) return undefined;
  // Legacy servers name no session; they reject the eviction.
  const { sessionId = '' } = current;
  return { session: { ...target.device, sessionId } };
}

/** The number of sessions that the target has now. */
export async function sessionsOf(client: Client, target: EvictTarget): Promise<number> {
  if ('serverAddr' in target) {
    const { servers } = await allServers(client);
    return servers.find(({ serverAddr }) => serverAddr === target.serverAddr)?.sessions ?? 0;
  }
  if ('userId' in target) {
    const { devices } = await client.getUser(target);
    return devices.filter(({ online }) => online).length;
  }
  const { userId, deviceId } = 'device' in target ? target.device : target.session;
  const { devices } = await client.getUser({ userId, deviceId });
  const isMeant = (id: string | undefined) => 'device' in target || target.session.sessionId === id;
  return devices.filter(({ online, sessionId }) => online && isMeant(sessionId)).length;
}

/** What an eviction has done. */
export interface Evicted {
  /** How many sessions it ended. */
  evicted: number;
  /** False if the daemon ignored the reason; undefined without a reason, or if no call was made. */
  reasonStored: boolean | undefined;
}

/** The JSON shape of an eviction. */
export function evictedJson({ evicted, reasonStored }: Evicted) {
  return { evicted, ...(reasonStored !== undefined && { reasonStored }) };
}

/**
 * Ends all sessions of the target, call by call. `onEvicted` is called with the number of each call. An error
 * says how many had ended before.
 */
export async function evictAll(
  client: Client,
  request: EvictRequest,
  options?: CallOptions,
  onEvicted?: (sessions: number) => void,
): Promise<Evicted> {
  let evicted = 0;
  try {
    for (;;) {
      const answer = await client.evict(request, options);
      evicted += answer.evicted;
      onEvicted?.(answer.evicted);
      if (!answer.more) return { evicted, reasonStored: answer.reasonStored };
    }
  } catch (thrown) {
    const error = toImstateError(thrown);
    if (evicted === 0) throw error;
    const message = `${error.message}; ${count(evicted, 'session')} had been evicted before: run it again for the rest`;
    throw error.reworded(message);
  }
}
