import type { EndReason } from 'imstate-client/internal/shared/session';
import { PackedText } from '../../presence/packedText.js';
import { END_REASONS } from '../../presence/record.js';
import type { PastSession } from '../../presence/sessions.js';
import { Texts } from './replies.js';
import { rejectRead, type ShardScripts } from './ShardScripts.js';
import { type Shard, shardOf } from './shards.js';

/** See PresenceStore.getHistory and scripts/readHistory.lua. */
export async function readHistory(scripts: ShardScripts, userId: string): Promise<PastSession[]> {
  const { redis, health, shards, options } = scripts;
  const number = shardOf(userId, shards.length);
  health.check(number);
  const { keys } = shards[number] as Shard;
  const args = [scripts.now(), userId, options.historyLimit];
  const reply = await redis.imHistoryBuffer(...keys, ...args).catch(rejectRead);
  const [now, entries] = reply as [number, Buffer[]];
  const oldestMs = now - options.historyRetentionMs;
  return entries.map(readPastSession).filter(({ endTimeMs }) => endTimeMs > oldestMs);
}

/** Reads an entry as `add_to_history` in scripts/history.lua packs it. */
export function readPastSession(entry: Buffer): PastSession {
  const texts = new Texts(new PackedText(entry), 0);
  const endReason = END_REASONS[texts.number(1)] as EndReason;
  const loginTimeMs = texts.number(6);
  const endTimeMs = texts.number(6);
  return {
    deviceId: texts.next(1),
    sessionId: texts.next(1),
    serverAddr: texts.next(0),
    platform: texts.next(0),
    loginTimeMs,
    endTimeMs,
    endReason,
    ...texts.fields(),
  };
}
