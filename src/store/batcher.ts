/** Carries out the items of one shard; resolves with an answer or the failure of each, in order. */
export type SendBatch<Item, Answer> = (shard: number, items: Item[]) => Promise<(Answer | Error)[]>;

interface Waiting<Item, Answer> {
  item: Item;
  resolve(answer: Answer): void;
  reject(error: unknown): void;
}

/**
 * Gathers calls into one step of the store a shard: a script call or a transaction costs many times what one more
 * item in it costs. The calls of one turn of the event loop go together, and so do those that come while the step
 * before is under way: the busier the store, the larger the step. `maxItems` bounds the work of one.
 */
export class Batcher<Item, Answer> {
  readonly #send: SendBatch<Item, Answer>;
  readonly #maxItems: number;
  readonly #waiting: Waiting<Item, Answer>[][];
  readonly #isBusy: boolean[];
  #isScheduled = false;

  constructor(shards: number, maxItems: number, send: SendBatch<Item, Answer>) {
    this.#waiting = Array.from({ length: shards }, () => []);
    this.#isBusy = Array.from({ length: shards }, () => false);
    this.#maxItems = maxItems;
    this.#send = send;
  }

  /** Adds an item; resolves with its answer. Items of one shard are carried out in the order in which they came. */
  add(shard: number, item: Item): Promise<Answer> {
    return new Promise((resolve, reject) => {
      (this.#waiting[shard] as Waiting<Item, Answer>[]).push({ item, resolve, reject });
      if (this.#isScheduled || this.#isBusy[shard]) return;
      this.#isScheduled = true;
      setImmediate(() => this.#flush());
    });
  }

  /** True if nothing of the shard waits or is under way. */
  isIdle(shard: number): boolean {
    return !this.#isBusy[shard] && this.#waiting[shard]?.length === 0;
  }

  #flush(): void {
    this.#isScheduled = false;
    for (let shard = 0; shard < this.#waiting.length; shard++) if (!this.#isBusy[shard]) this.#next(shard);
  }

  /** Carries out what waits for a shard, if anything does. */
  #next(shard: number): void {
    const waiting = this.#waiting[shard] as Waiting<Item, Answer>[];
    this.#isBusy[shard] = waiting.length > 0;
    if (waiting.length === 0) return;
    const step = waiting.splice(0, this.#maxItems);
    this.#send(
      shard,
      step.map(({ item }) => item),
    )
      .then(
        (answers) => settle(step, answers),
        (error) => {
          for (const { reject } of step) reject(error);
        },
      )
      .finally(() => this.#next(shard));
  }
}

function settle<Item, Answer>(step: Waiting<Item, Answer>[], answers: (Answer | Error)[]): void {
  for (const [i, { resolve, reject }] of step.entries()) {
    const answer = answers[i] as Answer | Error;
    if (answer instanceof Error) reject(answer);
    else resolve(answer);
  }
}
