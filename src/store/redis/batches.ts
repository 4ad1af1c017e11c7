import { Batcher } from '../batcher.js';
import type { Place } from '../ledger.js';
import type { Session } from '../store.js';
import { Leases, readSessions } from './answers.js';
import type { Change } from './changes.js';
import { type Connection, storeError } from './connection.js';
import { parsePlace } from './RedisLedger.js';
import { type Shard, shardOf } from './shards.js';

/** Bounds on one script call: about a millisecond of Redis. */
const MOST = { changes: 128, reads: 128 };

/** A user or a device as read.lua found it, with the newest entry of the ledger by then. */
export interface Found {
  sessions: Session[];
  recorded: Session[];
  place: Place;
}

/** What read.lua answers for a device, and for a user. */
type ReadAnswer = Buffer | null | Buffer[] | Error;

/** What to read. */
export interface Read {
  userId: string;
  /** Empty reads every device of the user. */
  deviceId: string;
}

/** What {@link Batches} work with. */
export interface BatchesOptions {
  redis: Connection;
  shards: Shard[];
  /** How long an offline record stays readable. Milliseconds. */
  retentionMs: number;
  /** The arguments that scripts of a shard begin with; the first is the time. */
  settings(): (string | number)[];
}

/** Changes and reads of users, a script call a batch and shard: see change.lua and read.lua in scripts/. */
export class Batches {
  readonly #options: BatchesOptions;
  readonly #changes: Batcher<Change, unknown>;
  readonly #reads: Batcher<Read, Found>;

  constructor(options: BatchesOptions) {
    const { length } = options.shards;
    this.#options = options;
    this.#changes = new Batcher(length, MOST.changes, (shard, changes) => this.#sendChanges(shard, changes));
    this.#reads = new Batcher(length, MOST.reads, (shard, reads) => this.#sendReads(shard, reads));
  }

  /** Makes a change; resolves with what its script answers. */
  change(change: Change): Promise<unknown> {
    return this.#changes.add(shardOf(change.userId, this.#options.shards.length), change);
  }

  read(read: Read): Promise<Found> {
    return this.#reads.add(shardOf(read.userId, this.#options.shards.length), read);
  }

  async #sendChanges(index: number, changes: Change[]): Promise<unknown[]> {
    const { deadlines } = this.#options.shards[index] as Shard;
    const args = changes.flatMap((change) => change.args);
    try {
      const answers = await this.#options.redis.imChangeBuffer(
        1,
        deadlines,
        ...this.#options.settings(),
        ...args,
      );
      return (answers as unknown[]).map((answer) =>
        answer instanceof Error ? storeError(answer, true) : answer,
      );
    } catch (error) {
      throw storeError(error, true);
    }
  }

  async #sendReads(index: number, reads: Read[]): Promise<(Found | Error)[]> {
    const { deadlines, userPrefix } = this.#options.shards[index] as Shard;
    const keys = reads.map(({ userId }) => userPrefix + userId);
    const devices = reads.map(({ deviceId }) => deviceId);
    const reply = await this.#options.redis
      .imReadBuffer(1 + keys.length, deadlines, ...keys, this.#options.settings()[0] as string, ...devices)
      .catch((error) => {
        throw storeError(error, false);
      });
    const [now, leases, newest, ...answers] = reply as [number, Buffer[], Buffer, ...ReadAnswer[]];
    const place = parsePlace(newest);
    const context = { now, leases: new Leases(leases), retentionMs: this.#options.retentionMs };
    return answers.map((answer, i) => {
      if (answer instanceof Error) return storeError(answer, false);
      try {
        return { ...readSessions(answer, devices[i] as string, context), place };
      } catch (error) {
        return new Error('a session in Redis cannot be read', { cause: error });
      }
    });
  }
}
