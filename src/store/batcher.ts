import { ShardQueue, type Waiting } from './shardQueue.js';
import type { BatchListener } from './store.js';

/** What {@link Batcher} works with. */
export interface BatcherOptions<Item> {
  shards: number;
  /** How many items one step is given at most. */
  maxItems: number;
  shardOf(item: Item): number;
  /** Whose item it is: the items of a user are carried out in their order. */
  userOf(item: Item): string;
  /** Carries out the items of one shard, in order, or the first of them if all would be too much work for one step. */
  send(items: Item[], shard: number): Promise<StepResult<Item>>;
  onBatch?: BatchListener | undefined;
}

/** What a step of the store has done. */
export interface StepResult<Item> {
  /** The answer or the failure of each item that was carried out: at least one, unless there are items in `rest`. */
  answers: unknown[];
  /** The items for the next step: as many as are missing in `answers`. The first may be what is left of one. */
  rest: readonly Item[];
}

/**
 * Gathers items into one step of the store a shard: a script call or a transaction costs many times what one more
 * item in it costs. What comes in one turn of the event loop goes together, and so does what comes while the step
 * before is under way: the busier the store, the larger the step. One that is full is carried out at once.
 *
 * A peer that asks for more work than one step does takes turns with everybody else, see {@link ShardQueue}.
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
   * Resolves with the answer or the failure of each item. Those of one user are carried out in the order in which they came. `peer`
   * names who asks: the requests of a peer share one turn.
   */
  add(items: readonly Item[], peer?: string): Promise<unknown[]> {
    if (items.length === 0) return Promise.resolve([]);
    return new Promise((resolve) => {
      const group = {
        answers: new Array<unknown>(items.length).fill(undefined),
        left: items.length,
        peer,
        resolve,
      };
      for (let place = 0; place < items.length; place++) {
        const item = items[place] as Item;
        const shard = this.#options.shardOf(item);
        const queue = this.#queues[shard] as ShardQueue<Item>;
        const waiting = queue.push({ item, group, place });
        if (this.#isBusy[shard]) continue;
        if (waiting < this.#options.maxItems) this.#schedule();
        else this.#next(shard);
      }
    });
  }

  /** True if nothing of the shard waits or is under way. */
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

  /** Carries out what waits for a shard, if anything does. */
  #next(shard: number): void {
    const queue = this.#queues[shard] as ShardQueue<Item>;
    this.#isBusy[shard] = !queue.isEmpty;
    if (queue.isEmpty) return;
    const { send, onBatch } = this.#options;
    const step = queue.take();
    const begunAt = onBatch ? performance.now() : 0;
    send(
      step.map(({ item }) => item),
      shard,
    )
      .catch((error): StepResult<Item> => ({ answers: new Array(step.length).fill(error), rest: [] }))
      .then(({ answers, rest }) => {
        onBatch?.(performance.now() - begunAt, answers.length > 0 && answers.every(isError));
        if (rest.length > 0) queue.putBack(step, rest);
        settle(step, answers);
        return rest.length > 0;
      })
      // A store that answers at once must let the event loop turn between steps that are full of work: nothing else would be served.
      .then((isCut) => (isCut ? setImmediate(() => this.#next(shard)) : this.#next(shard)));
  }
}

function isError(answer: unknown): boolean {
  return answer instanceof Error;
}

function settle<Item>(step: Waiting<Item>[], answers: unknown[]): void {
  for (let i = 0; i < answers.length; i++) {
    const { group, place } = step[i] as Waiting<Item>;
    group.answers[place] = answers[i];
    group.left -= 1;
    if (group.left === 0) group.resolve(group.answers);
  }
}
