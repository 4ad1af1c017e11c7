import { messageOf } from 'imstate-client/internal/shared/errors';
import type { Logger } from 'pino';

/** When a shard was last read to its end. */
interface ReadTime {
  /** Milliseconds since 1970. */
  readAtMs: number;
  /** Set while the shard cannot be read, to `readAtMs`. */
  laggingSinceMs: number | undefined;
}

/** Which shards lag: those that could not be read to their end at the last attempt. */
export class ShardLag {
  readonly #log: Logger;
  readonly #changed: (shard: number) => void;
  readonly #shards: ReadTime[];

  /** `changed` is called when a shard begins to lag or has caught up. */
  constructor(shards: number, log: Logger, changed: (shard: number) => void) {
    this.#log = log;
    this.#changed = changed;
    const readAtMs = Date.now();
    this.#shards = Array.from({ length: shards }, () => ({ readAtMs, laggingSinceMs: undefined }));
  }

  /** True while any shard lags. */
  get isLagging(): boolean {
    return this.#shards.some(({ laggingSinceMs }) => laggingSinceMs !== undefined);
  }

  /** Since when the shard lags; undefined while it is up to date. Milliseconds since 1970. */
  sinceMs(shard: number): number | undefined {
    return this.#shards[shard]?.laggingSinceMs;
  }

  /** The shard was read to its end. */
  noteRead(shard: number): void {
    const state = this.#shards[shard];
    if (state === undefined) return;
    state.readAtMs = Date.now();
    if (state.laggingSinceMs === undefined) return;
    state.laggingSinceMs = undefined;
    if (!this.isLagging) this.#log.info('change log available again: watches are up to date');
    this.#changed(shard);
  }

  /** The shard could not be read. */
  noteFailure(shard: number, error: unknown): void {
    const state = this.#shards[shard];
    if (state === undefined || state.laggingSinceMs !== undefined) return;
    if (!this.isLagging)
      this.#log.warn({ reason: messageOf(error) }, 'change log unavailable, watches lag: retrying');
    state.laggingSinceMs = state.readAtMs;
    this.#changed(shard);
  }
}
