import { type Group, ShardQueue, type Waiting } from './shardQueue.js';
import type { BatchListener } from './store.js';

/** What a {@link Batcher} works with. */
export interface BatcherOptions<Item> {
  shards: number;
  /** How many items one batch has at most. */
  maxItems: number;
  shardOf(item: Item): number;
  /** Whose item it is: the items of a user are executed in order. */
  userOf(item: Item): string;
  /**
   * Executes the items of one shard, in order, or the first of them if all would be too much work for one
   * batch.
   */
  send(items: Item[], shard: number): Promise<BatchResult<Item>>;
  onBatch?: BatchListener | undefined;
}

/** What a batch has done. */
export interface BatchResult<Item> {
  /** The answer or the error of each executed item: at least one, unless there are items in `rest`. */
  answers: unknown[];
  /**
   * The items for the next batch: as many as are missing in `answers`. The first may be what is left of one.
   */
  rest: readonly Item[];
}

/**
 * Collects items into batches, one at a time per shard: a script call or a transaction costs many times what
 * one more item in it costs. Items of one turn of the event loop go together, and so do those that arrive
 * while the previous batch is in flight: the busier the store, the larger the batch. A full batch is sent at
 * once.
 *
 * A peer that requests more work than one batch does takes turns with everybody else, see {@link ShardQueue}.
 */
export class Batcher<Item> {
  readonly #options: BatcherOptions<Item>;
  readonly #queues: ShardQueue<Item>[];
  readonly #isBusy: boolean[];
  #isScheduled = false;

  constructor(options: BatcherOptions<Item>) {
    this.#options = options;
    this.#queues = Array.from({ length: options.shards }, () => new ShardQueue<Item>(options));
    this.#isBusy = Array.from({ length: options.shards }, () => false);
  }

  /**
   * Resolves with the answer or the error of each item. The items of one user are executed in the order in
   * which they arrived. `peer` names the requester: the requests of a peer share one turn.
   */
  add(items: readonly Item[], peer?: string): Promise<unknown[]> {
    if (items.length === 0) return Promise.resolve([]);
    return new Promise((resolve) => {
      const answers = new Array<unknown>(items.length).fill(undefined);
      const group: Group = { answers, left: items.length, peer, resolve };
      for (let index = 0; index < items.length; index++) {
        const item = items[index] as Item;
        const shard = this.#options.shardOf(item);
        const queue = this.#queues[shard] as ShardQueue<Item>;
        const waiting = queue.push({ item, group, index });
        if (this.#isBusy[shard]) continue;
        if (waiting < this.#options.maxItems) this.#schedule();
        else this.#next(shard);
      }
    });
  }

  /** True if nothing of the shard waits or is in flight. */
  isIdle(shard: number): boolean {
    return !this.#isBusy[shard] && this.#queues[shard]?.isEmpty === true;
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => this.#flush());
  }

  #flush(): void {
    this.#isScheduled = false;
    for (let shard = 0; shard < this.#queues.length; shard++) if (!this.#isBusy[shard]) this.#next(shard);
  }

  /** Sends the next batch of a shard, if anything waits. */
  #next(shard: number): void {
    const queue = this.#queues[shard] as ShardQueue<Item>;
    this.#isBusy[shard] = !queue.isEmpty;
    if (queue.isEmpty) return;
    const { send, onBatch } = this.#options;
    const batch = queue.take();
    const startedAt = onBatch ? performance.now() : 0;
    send(
      batch.map(({ item }) => item),
      shard,
    )
      .catch((error): BatchResult<Item> => ({ answers: new Array(batch.length).fill(error), rest: [] }))
      .then(({ answers, rest }) => {
        onBatch?.(performance.now() - startedAt, answers.length > 0 && answers.every(isError));
        if (rest.length > 0) queue.putBack(batch, rest);
        resolveAnswered(batch, answers);
        return rest.length > 0;
      })
      // A store that answers at once must let the event loop turn between batches full of work: nothing else
      // would run.
      .then((isCut) => (isCut ? setImmediate(() => this.#next(shard)) : this.#next(shard)));
  }
}

function isError(answer: unknown): boolean {
  return answer instanceof Error;
}

function resolveAnswered<Item>(batch: Waiting<Item>[], answers: unknown[]): void {
  for (let i = 0; i < answers.length; i++) {
    const { group, index } = batch[i] as Waiting<Item>;
    group.answers[index] = answers[i];
    group.left -= 1;
    if (group.left === 0) group.resolve(group.answers);
  }
}
