import type { ImstateError } from 'imstate-client/internal/shared/errors';
import type { SessionPage, SessionsPage } from '../../presence/listings.js';
import type { UserSession } from '../../presence/sessions.js';
import { foreignPageToken, formatPageToken, parsePageToken } from '../pageToken.js';
import { storeError } from './errors.js';
import { Leases, readListed } from './replies.js';
import type { ShardScripts } from './ShardScripts.js';
import type { Shard } from './shards.js';

/** After which session of a shard a page begins, see scripts/list.lua. */
type ShardStart = [serverAddr: string, bucket: number, member: string];

const SHARD_BEGINNING: ShardStart = ['', 0, ''];
/** What a page token holds; here of the first page. */
const FIRST_PAGE: [shard: number, ...ShardStart] = [0, ...SHARD_BEGINNING];

/**
 * See PresenceStore.listSessions. A shard that does not answer is skipped, even if a page was to continue in
 * it: the next page begins after it.
 */
export async function listSessions(
  scripts: ShardScripts,
  { serverAddr, limit, after }: SessionPage,
): Promise<SessionsPage> {
  const { shards, health } = scripts;
  const [firstShard, ...start] = after === undefined ? FIRST_PAGE : parsePageToken(after, FIRST_PAGE);
  if (serverAddr !== undefined && after !== undefined && start[0] !== serverAddr) throw foreignPageToken();
  const sessions: UserSession[] = [];
  let failure: ImstateError | undefined;
  // A page that begins after the first shard follows one that was answered.
  let answered = firstShard;
  let from: ShardStart = start;
  for (let number = firstShard; number < shards.length; number++) {
    try {
      health.check(number);
      const left = limit - sessions.length;
      const found = await listShard(scripts, shards[number] as Shard, serverAddr ?? '', from, left);
      answered += 1;
      sessions.push(...found.sessions);
      if (found.stoppedAt) {
        health.rejectUnlessPartial(answered, failure);
        const next = formatPageToken([number, ...found.stoppedAt]);
        return { sessions, next, isPartial: failure !== undefined };
      }
    } catch (error) {
      failure ??= storeError(error, false);
    }
    from = SHARD_BEGINNING;
  }
  if (health.isAway) answered = 0;
  health.rejectUnlessPartial(answered, failure);
  return { sessions, next: undefined, isPartial: failure !== undefined };
}

/** The reply of scripts/list.lua. */
type ListReply = [
  now: number,
  leases: Buffer[],
  stoppedAt: [Buffer, number, Buffer] | null,
  ...flat: (Buffer | null)[],
];

/** Sessions of one shard after `from`; `stoppedAt` is where to continue, undefined if these are all. */
async function listShard(
  scripts: ShardScripts,
  { keys }: Shard,
  only: string,
  from: ShardStart,
  limit: number,
): Promise<{ sessions: UserSession[]; stoppedAt: ShardStart | undefined }> {
  const { redis, options } = scripts;
  const reply = await redis.imListBuffer(...keys, ...scripts.settings(), only, ...from, limit);
  const [now, leases, stopped, ...flat] = reply as ListReply;
  const context = { now, leases: new Leases(leases), retentionMs: options.retentionMs };
  const stoppedAt: ShardStart | undefined = stopped
    ? [String(stopped[0]), stopped[1], String(stopped[2])]
    : undefined;
  return { sessions: readListed(flat, context), stoppedAt };
}
