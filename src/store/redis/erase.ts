import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { ImstateError } from 'imstate-client/internal/shared/errors';
import { isBehind } from '../changeLog.js';
import type { Erasure } from '../erasure.js';
import { parseLogPosition } from './changes.js';
import type { ShardScripts } from './ShardScripts.js';
import { type Shard, shardOf } from './shards.js';
import { listChanges } from './userChanges.js';

/** How many entries one script call looks at or copies: a few milliseconds of Redis. */
const ENTRIES_PER_CALL = 1_000;
/** How long to wait for another erasure in the shard: longer than one that was given up is in the way. */
const MAX_WAIT_MS = 10_000;
const WAIT_INTERVAL_MS = 100;
/** What scripts/eraseRecords.lua looks at, in this order. */
const PARTS = ['devices', 'deadlines', 'sessions'] as const;

/** See PresenceStore.eraseUser. */
export async function eraseUser(scripts: ShardScripts, userId: string): Promise<Erasure> {
  const number = shardOf(userId, scripts.shards.length);
  scripts.health.check(number);
  const shard = scripts.shards[number] as Shard;
  // First: what comes after it belongs to a login meanwhile.
  const lastId = await newestEntry(scripts, shard);
  const { found: records } = await lookAtRecords(scripts, shard, userId, true);
  const changes = await eraseChanges(scripts, shard, userId, lastId);
  const { found, online: devicesOnline } = await lookAtRecords(scripts, shard, userId, false);
  const left = found + (await countChanges(scripts, userId, lastId));
  return { records, changes, left, devicesOnline };
}

async function newestEntry(scripts: ShardScripts, shard: Shard): Promise<Buffer> {
  const [, newest] = await scripts.write<[Buffer, Buffer]>(shard, (redis) =>
    redis.imChangeLogBuffer(...shard.keys, '', 'ends'),
  );
  return newest;
}

/** Finds what is kept beside the change log, and removes it if `removes`. See scripts/eraseRecords.lua. */
async function lookAtRecords(
  scripts: ShardScripts,
  shard: Shard,
  userId: string,
  removes: boolean,
): Promise<{ found: number; online: number }> {
  const sum = { found: 0, online: 0 };
  for (const part of PARTS) {
    let from = Buffer.alloc(0);
    do {
      const args = [scripts.now(), userId, part, from, ENTRIES_PER_CALL, Number(removes)];
      const [next, found, online] = await scripts.write<[Buffer, number, number]>(shard, (redis) =>
        redis.imEraseRecordsBuffer(...shard.keys, ...args),
      );
      sum.found += found;
      sum.online += online;
      from = Buffer.from(next);
    } while (from.length > 0);
  }
  return sum;
}

/** Resolves with the number of changes. See scripts/eraseChanges.lua. */
async function eraseChanges(
  scripts: ShardScripts,
  shard: Shard,
  userId: string,
  lastId: Buffer,
): Promise<number> {
  const endMs = performance.now() + MAX_WAIT_MS;
  for (;;) {
    const erased = await copyChanges(scripts, shard, userId, lastId);
    if (erased !== undefined) return erased;
    if (performance.now() > endMs) throw isBusy();
    await delay(WAIT_INTERVAL_MS);
  }
}

/** Undefined if another erasure copies or has taken over, or a part of the copy was lost. */
async function copyChanges(
  scripts: ShardScripts,
  shard: Shard,
  userId: string,
  lastId: Buffer,
): Promise<number | undefined> {
  const token = randomUUID();
  let erased = 0;
  let from = '';
  do {
    const args = [scripts.now(), userId, lastId, from, ENTRIES_PER_CALL, token];
    const reply = await scripts.write<[Buffer, number] | null>(shard, (redis) =>
      redis.imEraseChangesBuffer(...shard.keys, ...args),
    );
    if (reply === null) return undefined;
    from = String(reply[0]);
    erased += reply[1];
  } while (from !== '');
  return erased;
}

/** How many changes of the user the change log has up to an entry. */
async function countChanges(scripts: ShardScripts, userId: string, lastId: Buffer): Promise<number> {
  const last = parseLogPosition(lastId);
  let count = 0;
  let after: string | undefined;
  do {
    const { entries, next } = await listChanges(scripts, userId, after);
    count += entries.filter(({ position }) => !isBehind(last, position)).length;
    after = next;
  } while (after !== undefined);
  return count;
}

function isBusy(): ImstateError {
  const message = 'another user of the same shard is being erased: erase again when that is done';
  return new ImstateError('STORE_UNAVAILABLE', message);
}
