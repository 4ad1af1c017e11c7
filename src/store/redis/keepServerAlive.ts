import type { DrainProgress, KeepAlive, KeepAliveResult } from '../../presence/servers.js';
import type { ShardScripts } from './ShardScripts.js';

/** The reply of scripts/keepServerAlive.lua. */
type KeepAliveReply = [
  incarnation: string,
  resyncSince: number,
  hasEnded: number,
  drainRemainingMs?: number,
  drainWindowMs?: number,
  drainSessions?: number,
];

/**
 * See PresenceStore.keepServerAlive. Each shard has its own lease, so that its scripts can judge sessions by
 * themselves, and each is kept alive by itself: a shard that does not answer judges nothing, gives leases
 * their full duration again when it is back, and requests a resync if it lacks what it had acknowledged.
 */
export async function keepServerAlive(scripts: ShardScripts, keepAlive: KeepAlive): Promise<KeepAliveResult> {
  const { serverAddr, incarnation, ttlMs } = keepAlive;
  const resynced = parseResyncToken(keepAlive.resynced);
  const { answers, isPartial } = await scripts.health.askAll((shard, number) => {
    const args = [...scripts.settings(), serverAddr, incarnation, ttlMs, resynced.get(String(number)) ?? ''];
    return scripts.write<KeepAliveReply>(shard, (redis) => redis.imKeepServerAlive(...shard.keys, ...args));
  }, true);
  return mergeKeepAlives(answers, isPartial);
}

/** The result of the replies of several shards, by their numbers. */
export function mergeKeepAlives(
  replies: ReadonlyMap<number, KeepAliveReply>,
  isPartial: boolean,
): KeepAliveResult {
  const inOrder = [...replies].sort(([a], [b]) => a - b);
  return {
    incarnation: Math.max(...inOrder.map(([, [incarnation]]) => Number(incarnation))),
    resyncToken: inOrder.flatMap(([shard, [, since]]) => (since > 0 ? [`${shard}:${since}`] : [])).join(','),
    hasEnded: inOrder.some(([, [, , hasEnded]]) => hasEnded === 1),
    drain: mergeDrains(inOrder.map(([, reply]) => reply)),
    isPartial,
  };
}

/** A shard that did not answer when the drain began may have none. */
function mergeDrains(replies: readonly KeepAliveReply[]): DrainProgress | undefined {
  const drains = replies.flatMap(([, , , remainingMs, windowMs = 0, sessions = 0]) =>
    remainingMs === undefined ? [] : [{ remainingMs, windowMs, sessions }],
  );
  if (drains.length === 0) return undefined;
  return {
    remainingMs: Math.max(...drains.map(({ remainingMs }) => remainingMs)),
    windowMs: Math.max(...drains.map(({ windowMs }) => windowMs)),
    sessions: drains.reduce((sum, { sessions }) => sum + sessions, 0),
  };
}

/** Since when each shard, by its number, requested the resync of a token. */
export function parseResyncToken(token: string): Map<string, string> {
  return new Map(token.split(',').map((part) => part.split(':') as [string, string]));
}
